using System.Globalization;
using System.Text;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Page;

/// <summary>A value over nights as a line of a few millimetres, in the colours of the page.</summary>
internal static class Sparkline
{
    private const double Width = 168, Height = 30, Margin = 4;

    // A line over values that hardly differ is flat: its height is at least this part of their size.
    private const double LeastSpan = 0.02;

    /// <summary>The line as SVG.</summary>
    /// <param name="name">What is drawn, for readers that do not see it.</param>
    /// <param name="values">A value a night; null where there is none.</param>
    /// <param name="bad">Whether the night found it bad.</param>
    public static string Svg(string name, IReadOnlyList<double?> values, IReadOnlyList<bool> bad)
    {
        double[] known = [.. values.OfType<double>()];
        if (known.Length == 0)
            return "";
        double low = known.Min(), high = known.Max(), least = LeastSpan * Math.Max(Math.Abs(low), Math.Abs(high));
        if (high - low < least)
            (low, high) = ((low + high - least) / 2, (low + high + least) / 2);
        var svg = new StringBuilder();
        string label = $"{name} over {Numbers.Count(known.Length, "night")}: first {Numbers.Short(known[0])}, last {Numbers.Short(known[^1])}, least {Numbers.Short(known.Min())}, largest {Numbers.Short(known.Max())}";
        svg.Append(CultureInfo.InvariantCulture, $"<svg class=\"spark\" role=\"img\" aria-label=\"{Html.Escape(label)}\" width=\"{Width}\" height=\"{Height}\" viewBox=\"0 0 {Width} {Height}\">");
        bool pen = false;
        var path = new StringBuilder();
        for (int i = 0; i < values.Count; i++)
        {
            if (values[i] is { } value)
                path.Append(CultureInfo.InvariantCulture, $"{(pen ? 'L' : 'M')}{X(i)} {Y(value)}");
            pen = values[i] is not null;
        }

        svg.Append(CultureInfo.InvariantCulture, $"<path d=\"{path}\"/>");
        for (int i = 0; i < values.Count; i++)
        {
            bool alone = (i == 0 || values[i - 1] is null) && (i + 1 == values.Count || values[i + 1] is null);
            if (values[i] is { } value && (bad[i] || i + 1 == values.Count || alone))
                svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{X(i)}\" cy=\"{Y(value)}\" r=\"{(bad[i] ? 3.5 : 2.5)}\"{(bad[i] ? " class=\"bad\"" : "")}/>");
        }

        return svg.Append("</svg>").ToString();

        string X(int i) => Place(Margin + ((Width - (2 * Margin)) * (values.Count == 1 ? 1 : i / (values.Count - 1.0))));
        string Y(double value) => Place(Height - Margin - ((Height - (2 * Margin)) * (high > low ? (value - low) / (high - low) : 0.5)));
    }

    private static string Place(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
