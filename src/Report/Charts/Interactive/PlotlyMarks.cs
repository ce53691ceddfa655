using System.Globalization;

namespace ToyPipeline.Report.Charts.Interactive;

/// <summary>Marks as Plotly traces.</summary>
internal static class PlotlyMarks
{
    /// <summary>Traces of a mark in a panel.</summary>
    public static IEnumerable<Dictionary<string, object>> Traces(Mark mark, Panel panel, int place, ColorScale? colors)
    {
        string suffix = PlotlyFigure.Suffix(place);
        var traces = mark switch
        {
            LineMark line => [InSpace(Line(line), line.Z)],
            DotsMark dots => [InSpace(Dots(dots), dots.Z)],
            BarsMark bars => [Bars(bars)],
            HeatMark heat => [Heat(heat)],
            BoxesMark boxes => [Boxes(boxes)],
            TextMark text => [Text(text)],
            VectorsMark { Dimensions: 3 } vectors => Space(vectors, colors!),
            VectorsMark vectors => Plane(vectors, colors!),
            _ => throw new ArgumentException($"{mark.GetType().Name} has no Plotly trace."),
        };
        foreach (var trace in traces)
        {
            if (panel.InSpace)
                trace["scene"] = "scene" + suffix;
            else
                (trace["xaxis"], trace["yaxis"]) = ("x" + suffix, "y" + suffix);
            trace["showlegend"] = false;
            yield return trace;
        }
    }

    private static Dictionary<string, object> InSpace(Dictionary<string, object> trace, IReadOnlyList<double>? z)
    {
        if (z is null)
            return trace;
        (trace["type"], trace["z"]) = ("scatter3d", z);
        trace.Remove("cliponaxis");
        return trace;
    }

    private static Dictionary<string, object> Line(LineMark line) => Hover(line, new()
    {
        ["type"] = "scatter",
        ["mode"] = "lines",
        ["x"] = line.X,
        ["y"] = line.Y,
        ["line"] = new { color = line.Ink.Token, width = line.Width, dash = line.Dashed ? "dash" : "solid" },
    });

    private static Dictionary<string, object> Dots(DotsMark dots) => Hover(dots, new()
    {
        ["type"] = "scatter",
        ["mode"] = "markers",
        ["x"] = dots.X,
        ["y"] = dots.Y,
        ["text"] = dots.Texts.Select(Lines).ToArray(),
        ["marker"] = dots.Ink is { } ink ? new { color = ink.Token, size = dots.Size } : new { color = dots.Values, coloraxis = "coloraxis", size = dots.Size },
        ["cliponaxis"] = false,
    });

    private static Dictionary<string, object> Text(TextMark text) => new()
    {
        ["type"] = "scatter",
        ["mode"] = "text",
        ["x"] = new[] { text.X },
        ["y"] = new[] { text.Y },
        ["text"] = new[] { PlotlyFigure.Escape(text.Text) },
        ["textposition"] = "middle right",
        ["textfont"] = new { color = "@text", size = 11.5 },
        ["cliponaxis"] = false,
        ["hoverinfo"] = "skip",
    };

    private static Dictionary<string, object> Boxes(BoxesMark boxes) => Hover(boxes, new()
    {
        ["type"] = "bar",
        ["x"] = boxes.At,
        ["y"] = boxes.Heights,
        ["base"] = boxes.Base,
        ["width"] = BoxesMark.Width,
        ["text"] = boxes.Texts.Select(Lines).ToArray(),
        ["textposition"] = "none",
        ["marker"] = new { color = boxes.Inks.Select(ink => ink.Token).ToArray(), line = new { color = "@paper", width = 0.8 } },
    });

    private static Dictionary<string, object> Bars(BarsMark bars) => Hover(bars, new()
    {
        ["type"] = "bar",
        ["orientation"] = "h",
        ["x"] = bars.Lengths,
        ["y"] = bars.At,
        ["width"] = bars.At.Count > 30 ? 1.0 : 0.8,
        ["marker"] = new { color = bars.Values, coloraxis = "coloraxis" },
    });

    private static Dictionary<string, object> Heat(HeatMark heat)
    {
        var trace = Hover(heat, new()
        {
            ["type"] = "heatmap",
            ["z"] = heat.Values.Chunk(heat.Columns).ToArray(),
            ["x0"] = heat.Left,
            ["dx"] = heat.ColumnWidth,
            ["y0"] = 0,
            ["dy"] = 1,
        });
        if (heat.Classes is { } classes)
        {
            trace["colorscale"] = classes.SelectMany((ink, i) => new[] { i, i + 1 }.Select(edge => new object[] { Round(edge / (double)classes.Count), ink.Token })).ToArray();
            (trace["zmin"], trace["zmax"], trace["showscale"]) = (-0.5, classes.Count - 0.5, false);
        }
        else
        {
            trace["coloraxis"] = "coloraxis";
        }

        if (heat.Words is { } words)
        {
            // Not Plotly's: the page makes a text of it for each cell.
            trace["cellWords"] = new
            {
                column = new { name = PlotlyFigure.Escape(words.Column.Name), values = words.Column.Values.Select(PlotlyFigure.Escape) },
                row = new { name = PlotlyFigure.Escape(words.Row.Name), values = words.Row.Values.Select(PlotlyFigure.Escape) },
                values = words.Values.Select(value => new { name = PlotlyFigure.Escape(value.Name), values = value.Values.Select(Short) }),
                classes = words.Classes.Select(PlotlyFigure.Escape),
            };
            trace["hovertemplate"] = "%{text}<extra></extra>";
            trace.Remove("hoverinfo");
        }

        return trace;
    }

    private static List<Dictionary<string, object>> Plane(VectorsMark vectors, ColorScale colors)
    {
        double[] angles = [.. Enumerable.Range(0, 97).Select(i => i * Math.Tau / 96)];
        var traces = new List<Dictionary<string, object>>
        {
            Line(new LineMark([.. angles.Select(a => Round(Math.Cos(a)))], [.. angles.Select(a => Round(Math.Sin(a)))], Ink.Faint, 1)),
        };
        traces.AddRange(vectors.Tips.Select((tip, i) =>
            Line(new LineMark([0, tip[0]], [0, tip[1]], Ink.OnRamp(colors.Place(vectors.Values[i])), 2.5))));
        traces.Add(Hover(vectors, new()
        {
            ["type"] = "scatter",
            ["mode"] = "markers",
            ["x"] = vectors.Tips.Select(tip => tip[0]).ToArray(),
            ["y"] = vectors.Tips.Select(tip => tip[1]).ToArray(),
            ["text"] = Numbered(vectors),
            ["marker"] = new { color = vectors.Values, coloraxis = "coloraxis", size = 8 },
        }));
        if (vectors.Names.Count > 0)
            traces.Add(Names(vectors, "scatter"));
        return traces;
    }

    private static List<Dictionary<string, object>> Space(VectorsMark vectors, ColorScale colors)
    {
        var traces = vectors.Tips.Select((tip, i) => new Dictionary<string, object>
        {
            ["type"] = "scatter3d",
            ["mode"] = "lines",
            ["x"] = new[] { 0, tip[0] },
            ["y"] = new[] { 0, tip[1] },
            ["z"] = new[] { 0, tip[2] },
            ["line"] = new { color = Ink.OnRamp(colors.Place(vectors.Values[i])).Token, width = 5 },
            ["hoverinfo"] = "skip",
        }).ToList();
        traces.AddRange(vectors.Edges.Select(edge => new Dictionary<string, object>
        {
            ["type"] = "scatter3d",
            ["mode"] = "lines",
            ["x"] = new[] { vectors.Tips[edge.From][0], vectors.Tips[edge.To][0] },
            ["y"] = new[] { vectors.Tips[edge.From][1], vectors.Tips[edge.To][1] },
            ["z"] = new[] { vectors.Tips[edge.From][2], vectors.Tips[edge.To][2] },
            ["line"] = new { color = Ink.Muted.Token, width = 2.5 },
            ["hoverinfo"] = "skip",
        }));
        traces.Add(Hover(vectors, new()
        {
            ["type"] = "scatter3d",
            ["mode"] = "markers",
            ["x"] = vectors.Tips.Select(tip => tip[0]).ToArray(),
            ["y"] = vectors.Tips.Select(tip => tip[1]).ToArray(),
            ["z"] = vectors.Tips.Select(tip => tip[2]).ToArray(),
            ["text"] = Numbered(vectors),
            ["marker"] = new { color = vectors.Values, coloraxis = "coloraxis", size = 4 },
        }));
        if (vectors.Names.Count > 0)
        {
            var names = Names(vectors, "scatter3d");
            names["z"] = vectors.Names.Select(name => Vectors.NameAt(name.At, name.Text)[2]).ToArray();
            traces.Add(names);
        }

        return traces;
    }

    private static Dictionary<string, object> Names(VectorsMark vectors, string type) => new()
    {
        ["type"] = type,
        ["mode"] = "text",
        ["x"] = vectors.Names.Select(name => Vectors.NameAt(name.At, name.Text)[0]).ToArray(),
        ["y"] = vectors.Names.Select(name => Vectors.NameAt(name.At, name.Text)[1]).ToArray(),
        ["text"] = vectors.Names.Select(name => PlotlyFigure.Escape(name.Text)).ToArray(),
        ["textfont"] = new { color = "@text", size = 12 },
        ["hoverinfo"] = "skip",
    };

    private static string[] Numbered(VectorsMark vectors) => [.. vectors.Tips.Select((_, i) => $"{i}")];

    private static Dictionary<string, object> Hover(Mark mark, Dictionary<string, object> trace)
    {
        if (mark.Hover is { } template)
            trace["hovertemplate"] = template;
        else
            trace["hoverinfo"] = "skip";
        return trace;
    }

    private static string Lines(string text) => PlotlyFigure.Escape(text).Replace("\n", "<br>", StringComparison.Ordinal);

    private static double Round(double value) => Math.Round(value, 4);

    // Four significant digits: a cell's words need no more.
    private static double Short(double value) =>
        value == 0 || !double.IsFinite(value) ? value : double.Parse(value.ToString("G4", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
