namespace ToyPipeline.Report.Charts.Interactive;

/// <summary>The slider of a figure with moments: each is a Plotly frame that replaces the last mark of every panel.</summary>
internal static class PlotlySlider
{
    /// <summary>Room below the panels, px.</summary>
    public const double Space = 100;

    /// <summary>The frames; empty where the chart has no moments.</summary>
    public static IReadOnlyList<object> Frames(Chart chart)
    {
        if (chart.Moments.Count == 0)
            return [];
        // Places of the last traces: a mark may be several traces.
        int[] places = [.. Places(chart)];
        return [.. chart.Moments.Select(moment => new
        {
            name = moment.Name,
            traces = places,
            data = moment.Last.Select(dots => dots.Z is { } z ? (object)new { x = dots.X, y = dots.Y, z } : new { x = dots.X, y = dots.Y }),
        })];
    }

    /// <summary>The slider, at the last moment as the panels are.</summary>
    public static object Slider(Chart chart) => new
    {
        active = chart.Moments.Count - 1,
        steps = chart.Moments.Select(moment => new
        {
            label = PlotlyFigure.Escape(moment.Name),
            method = "animate",
            args = new object[] { new[] { moment.Name }, new { mode = "immediate", transition = new { duration = 0 }, frame = new { duration = 0, redraw = chart.Panels.Any(panel => panel.InSpace) } } },
        }),
        x = 0,
        len = 1,
        y = 0,
        yanchor = "top",
        pad = new { t = 24, b = 8 },
        currentvalue = new { prefix = "step ", xanchor = "left", font = new { color = "@text" } },
        font = new { size = 10.5 },
        ticklen = 4,
        minorticklen = 0,
        bgcolor = "@faint",
        activebgcolor = "@accent",
        bordercolor = "@muted",
    };

    private static IEnumerable<int> Places(Chart chart)
    {
        int traces = 0;
        for (int i = 0; i < chart.Panels.Count; i++)
        {
            traces += chart.Panels[i].Marks.Sum(mark => PlotlyMarks.Traces(mark, chart.Panels[i], i, chart.Colors).Count());
            yield return traces - 1;
        }
    }
}
