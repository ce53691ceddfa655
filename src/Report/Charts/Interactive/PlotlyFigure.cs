using System.Text.Json;
using System.Text.Json.Serialization;

namespace ToyPipeline.Report.Charts.Interactive;

/// <summary>A chart as Plotly JSON. Colours are inks (<c>@text</c>, <c>@ramp:0.5</c>, <c>@scale</c>) that the page resolves to its theme.</summary>
internal static class PlotlyFigure
{
    /// <summary>Width that the layout is planned for, px; the page stretches it.</summary>
    private const double Width = 920;

    private const double Above = 30;

    /// <summary>Legend on the left, Plotly's buttons on the right.</summary>
    private const double Top = 28;

    private const double TickSpace = 44;
    private const double NameSpace = 52;
    private const double ColorBarSpace = 100;

    private static readonly JsonSerializerOptions s_json = new() { Converters = { new FiniteOrNull() } };

    /// <summary>The figure as JSON that may stand inside a <c>script</c> element: &lt;, &gt; and &amp; are escaped.</summary>
    public static string Json(Chart chart) =>
        JsonSerializer.Serialize(new Dictionary<string, object> { ["data"] = Traces(chart), ["layout"] = Layout(chart), ["frames"] = PlotlySlider.Frames(chart) }, s_json);

    /// <summary>Text for Plotly, which reads some HTML in it.</summary>
    internal static string Escape(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);

    /// <summary>Suffix of the axes of a panel: none for the first, then 2, 3, …</summary>
    internal static string Suffix(int panel) => panel == 0 ? "" : $"{panel + 1}";

    private static List<object> Traces(Chart chart) =>
        [.. chart.Panels.SelectMany((panel, index) => panel.Marks.SelectMany(mark => PlotlyMarks.Traces(mark, panel, index, chart.Colors))), .. LegendTraces(chart)];

    private static IEnumerable<object> LegendTraces(Chart chart) => chart.Legend.Select(entry => new Dictionary<string, object>
    {
        ["type"] = "scatter",
        ["mode"] = "lines",
        ["x"] = new double[] { double.NaN },
        ["y"] = new double[] { double.NaN },
        ["name"] = Escape(entry.Text),
        ["showlegend"] = true,
        ["line"] = new { color = entry.Ink.Token, width = entry.Width },
    });

    private static Dictionary<string, object> Layout(Chart chart)
    {
        double left = chart.Panels.All(panel => panel.Y.Hidden) ? 8 : NameSpace + 12;
        double right = chart.Colors is not { Bar: true } ? 20 + chart.Beside : ColorBarSpace;
        double gap = chart.OwnY ? NameSpace + 18 + chart.Beside : 30;
        double below = chart.Panels.All(panel => panel.X.Hidden) ? 8 : TickSpace;
        double panelWidth = (Width - left - right - ((chart.Columns - 1) * gap)) / chart.Columns;
        // A lone panel need not fill the page.
        double panelHeight = Math.Min(panelWidth * chart.Aspect, chart.Columns == 1 ? 460 : 640);
        double inner = chart.Rows * (Above + panelHeight + below);
        double slider = chart.Moments.Count > 0 ? PlotlySlider.Space : 0;
        double height = Top + inner + slider;

        var layout = new Dictionary<string, object>
        {
            ["height"] = Math.Round(height),
            ["margin"] = new { l = left, r = right, t = Top, b = slider, autoexpand = false },
            ["showlegend"] = chart.Legend.Count > 0,
            ["legend"] = new { orientation = "h", x = 0, y = 1, xanchor = "left", yanchor = "bottom" },
            ["hovermode"] = "closest",
            ["paper_bgcolor"] = "rgba(0,0,0,0)",
            ["plot_bgcolor"] = "rgba(0,0,0,0)",
            ["font"] = new { color = "@text", size = 12.5 },
            ["modebar"] = new { bgcolor = "rgba(0,0,0,0)", color = "@muted", activecolor = "@text" },
        };
        var annotations = new List<object>();
        for (int i = 0; i < chart.Panels.Count; i++)
        {
            var (row, column) = Math.DivRem(i, chart.Columns);
            double x0 = column * (panelWidth + gap) / (Width - left - right);
            double x1 = ((column * (panelWidth + gap)) + panelWidth) / (Width - left - right);
            double y1 = 1 - (((row * (Above + panelHeight + below)) + Above) / inner);
            double y0 = y1 - (panelHeight / inner);
            double[] x = [Round(x0), Round(Math.Min(1, x1))], y = [Round(Math.Max(0, y0)), Round(y1)];
            AddPanel(layout, chart.Panels[i], i, x, y, namesShown: column == 0 || chart.OwnY, small: panelWidth < 260);
            if (chart.Panels[i].Title.Length > 0)
            {
                annotations.Add(new
                {
                    text = $"<b>{Escape(chart.Panels[i].Title)}</b>",
                    x = Round((x[0] + x[1]) / 2),
                    y = y[1],
                    xref = "paper",
                    yref = "paper",
                    xanchor = "center",
                    yanchor = "bottom",
                    yshift = 2,
                    showarrow = false,
                    // Smaller where the title would run into its neighbour.
                    font = new { size = Math.Round(Math.Clamp(panelWidth / (0.64 * chart.Panels[i].Title.Length), 8, 14), 1) },
                });
            }
        }

        layout["annotations"] = annotations;
        if (chart.Moments.Count > 0)
            layout["sliders"] = new[] { PlotlySlider.Slider(chart) };
        if (chart.Colors is { } colors)
        {
            var bar = new Dictionary<string, object>
            {
                ["title"] = new { text = Escape(colors.Label), side = "right", font = new { size = 12.5 } },
                ["thickness"] = 12,
                ["outlinewidth"] = 0,
                ["x"] = 1.02,
                ["len"] = Round(panelHeight / inner),
                ["y"] = Round(1 - (Above / inner)),
                ["yanchor"] = "top",
                ["ypad"] = 0,
            };
            if (colors.Clipped)
            {
                var ticks = colors.Ticks(Math.Clamp((int)(panelHeight / 40), 2, 6));
                (bar["tickvals"], bar["ticktext"]) = (ticks.Select(tick => tick.At).ToArray(), ticks.Select(tick => tick.Text).ToArray());
            }

            layout["coloraxis"] = new { cmin = colors.From, cmax = colors.To, colorscale = colors.Diverging ? "@diverging" : "@ramp", colorbar = bar, showscale = colors.Bar };
        }

        return layout;
    }

    private static void AddPanel(Dictionary<string, object> layout, Panel panel, int index, double[] x, double[] y, bool namesShown, bool small)
    {
        string suffix = Suffix(index);
        if (panel.InSpace)
        {
            object Side(string name) => new
            {
                // In a small scene they would reach out of it.
                title = new { text = small ? "" : name },
                range = new[] { panel.X.From, panel.X.To },
                showticklabels = false,
                gridcolor = "@faint",
                zerolinecolor = "@muted",
                showbackground = false,
                showspikes = false,
            };
            layout["scene" + suffix] = new
            {
                domain = new { x, y },
                aspectmode = "cube",
                xaxis = Side("h₀"),
                yaxis = Side("h₁"),
                zaxis = Side("h₂"),
                camera = new { eye = new { x = 1.65, y = 0.9, z = 0.8 }, center = new { x = 0, y = 0, z = -0.12 } },
            };
            return;
        }

        var horizontal = AxisOf(panel.X, x, "y" + suffix);
        var vertical = AxisOf(panel.Y, y, "x" + suffix);
        if (panel.EqualUnits)
        {
            vertical["scaleanchor"] = "x" + suffix;
            vertical["constrain"] = "domain";
            horizontal["constrain"] = "domain";
        }

        if (!namesShown)
        {
            vertical["showticklabels"] = false;
            vertical.Remove("title");
        }

        layout["xaxis" + suffix] = horizontal;
        layout["yaxis" + suffix] = vertical;
    }

    private static Dictionary<string, object> AxisOf(Axis axis, double[] domain, string anchor)
    {
        var (from, to) = axis.Log ? (Math.Log10(axis.From), Math.Log10(axis.To)) : (axis.From, axis.To);
        var result = new Dictionary<string, object>
        {
            ["domain"] = domain,
            ["anchor"] = anchor,
            ["range"] = axis.Reversed ? new[] { to, from } : [from, to],
            ["visible"] = !axis.Hidden,
            ["showgrid"] = axis.Grid,
            ["gridcolor"] = "@faint",
            ["zeroline"] = false,
            ["linecolor"] = "@muted",
            // Labels keep off the axes, and so off each other where two axes meet.
            ["ticks"] = "outside",
            ["ticklen"] = 7,
            ["tickcolor"] = "rgba(0,0,0,0)",
        };
        if (axis.Label.Length > 0)
            result["title"] = new { text = Escape(axis.Label), standoff = 6, font = new { size = 13 } };
        if (axis.Log)
            result["type"] = "log";
        // Elsewhere Plotly finds round numbers, finer ones as a reader zooms in.
        if (axis.Names is not null || axis.Log)
        {
            var ticks = Ticks.Of(axis, about: 5);
            result["tickvals"] = ticks.Select(tick => tick.At).ToArray();
            result["ticktext"] = ticks.Select(tick => Escape(tick.Text)).ToArray();
        }

        return result;
    }

    private static double Round(double value) => Math.Round(value, 5);

    /// <summary>Numbers as they are; gaps as null, which Plotly leaves open.</summary>
    private sealed class FiniteOrNull : JsonConverter<double>
    {
        public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDouble();

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            if (double.IsFinite(value))
                writer.WriteNumberValue(value);
            else
                writer.WriteNullValue();
        }
    }
}
