using System.Globalization;
using System.Text.RegularExpressions;
using ToyPipeline.Core;

namespace ToyPipeline.Report.Data;

/// <summary>Numbers as people read them.</summary>
internal static partial class Numbers
{
    /// <summary>A number's text with at most four significant digits; other text as it is.</summary>
    public static string Short(string text) =>
        (text.Length > 5 || text.StartsWith('-')) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && !text.All(char.IsAsciiDigit)
            ? Short(value)
            : text;

    /// <summary>The same of each number in a text that has more digits: <c>0.0107 to 0.2418</c>.</summary>
    public static string ShortAll(string text) => LongNumber().Replace(text, match => Short(match.Value));

    [GeneratedRegex(@"(?<![\w.])-?\d+\.\d{3,}(e-?\d+)?(?!\w)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex LongNumber();

    /// <summary>At most four significant digits, with a plain minus sign: tables are copied.</summary>
    public static string Short(double value)
    {
        if (value == 0)
            return "0";
        if (!double.IsFinite(value))
            return value.ToString(CultureInfo.InvariantCulture);
        double size = Math.Abs(value);
        return size is >= 1e-4 and < 1e6
            ? Math.Round(value, Math.Clamp(3 - (int)Math.Floor(Math.Log10(size)), 0, 10)).ToString("0.##########", CultureInfo.InvariantCulture)
            : value.ToString("0.###e0", CultureInfo.InvariantCulture);
    }

    /// <summary>A count with thousands separated.</summary>
    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A count and its noun: <c>1 cell</c>, <c>3 cells</c>.</summary>
    public static string Count(long value, string noun) => $"{Count(value)} {Nouns.Of(value, noun)}";
}
