using ToyPipeline.Analysis.Claims;

namespace ToyPipeline.Cli.Output;

/// <summary>Claims as a table.</summary>
internal static class ClaimTable
{
    public static IReadOnlyList<string> Columns { get; } = ["at", "measure", "expected", "measured", "holds"];

    public static IReadOnlyList<IReadOnlyList<string>> Rows(IReadOnlyList<ClaimResult> claims) =>
        [.. claims.Select(claim => (IReadOnlyList<string>)[claim.At, claim.Measure, claim.Expected, claim.Measured, claim.Holds ? "yes" : "NO"])];
}
