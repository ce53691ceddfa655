using System.Globalization;
using ToyPipeline.Analysis.Claims;

namespace ToyPipeline.Cli.Output;

/// <summary>Claims as a table for people: numbers to five digits, all of them are in <c>analysis/claims.csv</c>.</summary>
internal static class ClaimTable
{
    public static IReadOnlyList<string> Columns { get; } = ["at", "measure", "expected", "measured", "holds"];

    public static IReadOnlyList<IReadOnlyList<string>> Rows(IReadOnlyList<ClaimResult> claims) =>
        [.. claims.Select(Row)];

    /// <summary>One claim.</summary>
    public static IReadOnlyList<string> Row(ClaimResult claim) => [claim.At, claim.Measure, Expected(claim), Short(claim.Measured), claim.Holds ? "yes" : "NO"];

    private static string Expected(ClaimResult claim) => claim.Comparison switch
    {
        "equals" => claim.Tolerance > 0 ? $"{claim.Expected} ± {claim.Tolerance}" : claim.Expected,
        _ => $"{claim.Comparison.Replace('_', ' ')} {claim.Expected}",
    };

    // "0.012 to 0.0131 at ...": each number of the text by itself.
    private static string Short(string measured) => string.Join(' ', measured.Split(' ').Select(word =>
        word.Length > 6 && double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number.ToString("G5", CultureInfo.InvariantCulture)
            : word));
}
