using ScottPlot;

namespace ToyPipeline.Report.Charts.Static;

/// <summary>Marks as ScottPlot plottables.</summary>
internal static class StaticMarks
{
    /// <summary>Adds a mark to the plot of its panel.</summary>
    public static void Add(Plot plot, Mark mark, Panel panel, ColorScale? colors)
    {
        switch (mark)
        {
            case LineMark { Z: { } depths } line:
                var path = line.X.Select((at, i) => Vectors.Project([at, line.Y[i], depths[i]])).ToList();
                AddLine(plot, [.. path.Select(point => point.X)], [.. path.Select(point => point.Y)], Hex(line.Ink), line.Width);
                break;
            case DotsMark { Z: { } z } dots:
                for (int i = 0; i < dots.X.Count; i++)
                {
                    var (px, py) = Vectors.Project([dots.X[i], dots.Y[i], z[i]]);
                    AddDot(plot, px, py, dots.Size, Hex(dots.Ink!.Value));
                }

                break;
            case LineMark line:
                double[] x = [.. line.X.Select(at => StaticPanel.Place(panel.X, at))], y = [.. line.Y.Select(at => StaticPanel.Place(panel.Y, at))];
                if (line.Dashed)
                    (x, y) = Dashes.Of(x, y, StaticPanel.Length(panel.X), StaticPanel.Length(panel.Y));
                AddLine(plot, x, y, Hex(line.Ink), line.Width);
                break;
            case DotsMark dots:
                for (int i = 0; i < dots.X.Count; i++)
                    AddDot(plot, StaticPanel.Place(panel.X, dots.X[i]), StaticPanel.Place(panel.Y, dots.Y[i]), dots.Size, dots.Ink is { } ink ? Hex(ink) : ColorOf(colors!, dots.Values[i]));
                break;
            case BoxesMark boxes:
                AddBoxes(plot, boxes);
                break;
            case TextMark:
                // ScottPlot would clip it at the panel: StaticFurniture.Words draws it.
                break;
            case BarsMark bars:
                AddBars(plot, bars, panel, colors!);
                break;
            case HeatMark heat:
                AddHeat(plot, heat, colors);
                break;
            case VectorsMark vectors:
                AddVectors(plot, vectors, colors!);
                break;
            default:
                throw new ArgumentException($"{mark.GetType().Name} has no plottable.");
        }
    }

    private static void AddBoxes(Plot plot, BoxesMark boxes)
    {
        for (int i = 0; i < boxes.At.Count; i++)
        {
            const double Half = BoxesMark.Width / 2;
            double other = boxes.Base[i] + boxes.Heights[i];
            var box = plot.Add.Rectangle(boxes.At[i] - Half, boxes.At[i] + Half, Math.Min(boxes.Base[i], other), Math.Max(boxes.Base[i], other));
            box.FillColor = Hex(boxes.Inks[i]);
            box.LineColor = Color.FromHex(Palette.Light.Paper);
            box.LineWidth = 0.8f;
        }
    }

    private static void AddHeat(Plot plot, HeatMark heat, ColorScale? colors)
    {
        int rows = heat.Values.Count / heat.Columns;
        // ScottPlot draws no matrix with a single row or column: every cell is written twice each way there.
        int times = rows == 1 || heat.Columns == 1 ? 2 : 1;
        double[,] values = new double[rows * times, heat.Columns * times];
        for (int row = 0; row < rows * times; row++)
        {
            for (int column = 0; column < heat.Columns * times; column++)
                values[row, column] = heat.Values[(row / times * heat.Columns) + (column / times)];
        }

        double left = heat.Left - (heat.ColumnWidth / 2);
        var place = new CoordinateRect(left, left + (heat.Columns * heat.ColumnWidth), 0.5 - rows, 0.5);
        var added = plot.Add.Heatmap(values);
        added.Colormap = heat.Classes is { } classes ? new Steps([.. classes.Select(Palette.Light.Of)]) : new Scale(Palette.Light.Of(colors!));
        added.ManualRange = heat.Classes is { Count: var count } ? new ScottPlot.Range(-0.5, count - 0.5) : new ScottPlot.Range(colors!.From, colors.To);
        added.Rectangle = place;
        added.NaNCellColor = Hex(Ink.Faint);
        var frame = plot.Add.Rectangle(place);
        frame.FillColor = Colors.Transparent;
        frame.LineColor = Hex(Ink.Muted);
        frame.LineWidth = 1;
    }

    private static void AddBars(Plot plot, BarsMark bars, Panel panel, ColorScale colors)
    {
        var added = plot.Add.Bars((Bar[])[.. bars.At.Select((at, i) => new Bar
        {
            Position = StaticPanel.Place(panel.Y, at),
            Value = bars.Lengths[i],
            Size = bars.At.Count > 30 ? 1 : 0.8,
            Orientation = Orientation.Horizontal,
            FillColor = ColorOf(colors, bars.Values[i]),
            LineWidth = 0,
        })]);
        added.Horizontal = true;
    }

    private static void AddVectors(Plot plot, VectorsMark vectors, ColorScale colors)
    {
        if (vectors.Dimensions == 3)
            AddFrame(plot);
        var circle = plot.Add.Circle(0, 0, 1);
        circle.FillColor = Colors.Transparent;
        circle.LineColor = Hex(Ink.Faint);
        circle.LineWidth = 1;
        foreach (var (from, to) in vectors.Edges)
        {
            var (a, b) = (Vectors.Project(vectors.Tips[from]), Vectors.Project(vectors.Tips[to]));
            AddLine(plot, [a.X, b.X], [a.Y, b.Y], Hex(Ink.Muted), 1.2);
        }

        for (int i = 0; i < vectors.Tips.Count; i++)
        {
            var (x, y) = Vectors.Project(vectors.Tips[i]);
            AddLine(plot, [0, x], [0, y], ColorOf(colors, vectors.Values[i]), 2.5);
        }

        for (int i = 0; i < vectors.Tips.Count; i++)
        {
            var (x, y) = Vectors.Project(vectors.Tips[i]);
            AddDot(plot, x, y, 8, ColorOf(colors, vectors.Values[i]));
        }

        foreach (var (at, text) in vectors.Names)
        {
            var (tipX, tipY) = Vectors.Project(at);
            double[] place = Vectors.NameAt([tipX, tipY], text);
            var label = plot.Add.Text(text, place[0], place[1]);
            label.LabelFontColor = Hex(Ink.Text);
            label.LabelFontSize = 12;
            label.LabelAlignment = Alignment.MiddleCenter;
        }
    }

    // The three axes, so that a projection is read as space.
    private static void AddFrame(Plot plot)
    {
        for (int axis = 0; axis < 3; axis++)
        {
            double[] end = new double[3];
            end[axis] = 1;
            var (x, y) = Vectors.Project(end);
            AddLine(plot, [-x, x], [-y, y], Hex(Ink.Faint), 1);
        }
    }

    private static void AddLine(Plot plot, double[] x, double[] y, Color color, double width)
    {
        var line = plot.Add.ScatterLine(x, y, color);
        line.LineWidth = (float)width;
    }

    private static void AddDot(Plot plot, double x, double y, double size, Color color)
    {
        if (double.IsFinite(x) && double.IsFinite(y))
            plot.Add.Marker(x, y, MarkerShape.FilledCircle, (float)size, color);
    }

    private static Color ColorOf(ColorScale colors, double value) => Color.FromHex(Palette.At(Palette.Light.Of(colors), colors.Place(value)));

    private static Color Hex(Ink ink) => Color.FromHex(Palette.Light.Of(ink));

    // Colours without anything between them.
    private sealed class Steps(IReadOnlyList<string> colours) : IColormap
    {
        public string Name => "classes";

        public Color GetColor(double position) => Color.FromHex(colours[Math.Clamp((int)(position * colours.Count), 0, colours.Count - 1)]);
    }

    private sealed class Scale(IReadOnlyList<string> stops) : IColormap
    {
        public string Name => "report";

        public Color GetColor(double position) => Color.FromHex(Palette.At(stops, double.IsNaN(position) ? 0.5 : position));
    }
}
