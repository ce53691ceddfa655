using ScottPlot;

namespace ToyPipeline.Report.Charts.Static;

/// <summary>One panel as a ScottPlot plot.</summary>
internal static class StaticPanel
{
    private const float TickSize = 12;
    private const float LabelSize = 12.5f;

    private static readonly Color s_text = Color.FromHex(Palette.Light.Text);
    private static readonly Color s_line = Color.FromHex(Palette.Light.Muted);

    /// <summary>The plot of a panel whose data area will be <paramref name="width"/> px wide.</summary>
    public static Plot Plot(Panel panel, ColorScale? colors, bool namesShown, float width)
    {
        var plot = Empty();
        foreach (var mark in panel.Marks)
            StaticMarks.Add(plot, mark, panel, colors);
        double left = Place(panel.X, panel.X.From), right = Place(panel.X, panel.X.To);
        double below = Place(panel.Y, panel.Y.From), above = Place(panel.Y, panel.Y.To);
        plot.Axes.SetLimits(left, right, Math.Min(below, above), Math.Max(below, above));
        Style(plot.Axes.Bottom, panel.X, named: true, about: Math.Max(2, (int)(width / 65)));
        Style(plot.Axes.Left, panel.Y, namesShown, about: 5);
        plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Axes.Right.FrameLineStyle.Width = 0;
        plot.Grid.XAxisStyle.IsVisible = panel.X.Grid;
        plot.Grid.YAxisStyle.IsVisible = panel.Y.Grid;
        return plot;
    }

    /// <summary>Where a value stands on ScottPlot's axis, which is linear and grows to the right and upwards.</summary>
    public static double Place(Axis axis, double value) => axis.Log ? Math.Log10(value) : axis.Reversed ? -value : value;

    private static Plot Empty()
    {
        var plot = new Plot();
        plot.FigureBackground.Color = Colors.Transparent;
        plot.DataBackground.Color = Colors.Transparent;
        plot.Grid.MajorLineColor = Color.FromHex(Palette.Light.Faint);
        plot.Grid.MajorLineWidth = 0.7f;
        plot.Axes.AntiAlias(true);
        return plot;
    }

    private static void Style(IAxis axis, Axis spec, bool named, int about)
    {
        if (spec.Hidden)
        {
            Hide(axis);
            return;
        }

        var ticks = Ticks.Of(spec, about);
        axis.TickGenerator = new ScottPlot.TickGenerators.NumericManual(
            [.. ticks.Select(tick => Place(spec, tick.At))], [.. ticks.Select(tick => named ? tick.Text : "")]);
        axis.TickLabelStyle.FontSize = TickSize;
        axis.TickLabelStyle.ForeColor = s_text;
        // Names need no line to stand on.
        axis.MajorTickStyle.Length = spec.Names is null ? 3 : 0;
        axis.MajorTickStyle.Color = s_line;
        axis.MajorTickStyle.AntiAlias = true;
        axis.FrameLineStyle.Color = s_line;
        axis.FrameLineStyle.Width = spec.Names is null ? 1 : 0;
        axis.FrameLineStyle.AntiAlias = true;
        axis.Label.Text = named ? spec.Label : "";
        axis.Label.FontSize = LabelSize;
        axis.Label.Bold = false;
        axis.Label.ForeColor = s_text;
    }

    private static void Hide(IAxis axis)
    {
        axis.FrameLineStyle.Width = 0;
        axis.TickGenerator = new ScottPlot.TickGenerators.EmptyTickGenerator();
    }
}
