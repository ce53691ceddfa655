namespace ToyPipeline.Report.Charts.Interactive;

/// <summary>Marks as Plotly traces.</summary>
internal static class PlotlyMarks
{
    /// <summary>Traces of a mark in a panel.</summary>
    public static IEnumerable<Dictionary<string, object>> Traces(Mark mark, int panel, ColorScale? colors)
    {
        string suffix = PlotlyFigure.Suffix(panel);
        var traces = mark switch
        {
            LineMark line => [Line(line)],
            DotsMark dots => [Dots(dots)],
            BarsMark bars => [Bars(bars)],
            HeatMark heat => [Heat(heat)],
            VectorsMark { Dimensions: 3 } vectors => Space(vectors, colors!),
            VectorsMark vectors => Plane(vectors, colors!),
            _ => throw new ArgumentException($"{mark.GetType().Name} has no Plotly trace."),
        };
        bool space = mark is VectorsMark { Dimensions: 3 };
        foreach (var trace in traces)
        {
            if (space)
                trace["scene"] = "scene" + suffix;
            else
                (trace["xaxis"], trace["yaxis"]) = ("x" + suffix, "y" + suffix);
            trace["showlegend"] = false;
            yield return trace;
        }
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
        ["marker"] = new { color = dots.Values, coloraxis = "coloraxis", size = dots.Size },
        ["cliponaxis"] = false,
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

    private static Dictionary<string, object> Heat(HeatMark heat) => Hover(heat, new()
    {
        ["type"] = "heatmap",
        ["z"] = heat.Values.Chunk(heat.Columns).ToArray(),
        ["x0"] = heat.Left,
        ["dx"] = heat.ColumnWidth,
        ["y0"] = 0,
        ["dy"] = 1,
        ["coloraxis"] = "coloraxis",
    });

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
            names["z"] = vectors.Names.Select(name => Beyond(name.At)[2]).ToArray();
            traces.Add(names);
        }

        return traces;
    }

    private static Dictionary<string, object> Names(VectorsMark vectors, string type) => new()
    {
        ["type"] = type,
        ["mode"] = "text",
        ["x"] = vectors.Names.Select(name => Beyond(name.At)[0]).ToArray(),
        ["y"] = vectors.Names.Select(name => Beyond(name.At)[1]).ToArray(),
        ["text"] = vectors.Names.Select(name => PlotlyFigure.Escape(name.Text)).ToArray(),
        ["textfont"] = new { color = "@text", size = 12 },
        ["hoverinfo"] = "skip",
    };

    private static string[] Numbered(VectorsMark vectors) => [.. vectors.Tips.Select((_, i) => $"{i}")];

    private static double[] Beyond(double[] tip) => Vectors.Beyond(tip, Vectors.NameDistance);

    private static Dictionary<string, object> Hover(Mark mark, Dictionary<string, object> trace)
    {
        if (mark.Hover is { } template)
            trace["hovertemplate"] = template;
        else
            trace["hoverinfo"] = "skip";
        return trace;
    }

    private static double Round(double value) => Math.Round(value, 4);
}
