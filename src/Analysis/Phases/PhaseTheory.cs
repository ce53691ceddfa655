using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Phases;

/// <summary>An arrangement of features in ideal directions (unit norms, right angles or opposites) and its exact expected loss.</summary>
/// <param name="Region">What it makes of the feature in question.</param>
/// <param name="Loss">Mean over the features, as the loss of an instance is.</param>
internal readonly record struct Candidate(Region Region, double Loss);

/// <summary>The analytic phase diagram of n features in n − 1 dimensions: the ideal arrangement with the lowest loss decides.</summary>
/// <remarks>
/// PAPER.md gives the three losses of n = 2. With independent features of density p_i and importance I_i, and one dimension too few:
/// a feature that is left out, at its best bias E x_i, costs <c>I_i Var x_i = I_i (p_i/3 − p_i²/4)</c>; two features at opposite ends of one
/// dimension, without bias, cost <c>(I_i + I_j) E min(x_i, x_j)² = (I_i + I_j) p_i p_j / 6</c>, for when both are present the smaller
/// is lost and the larger too large by as much; features that have a dimension to themselves cost nothing. For n = 3 three features may also share
/// two dimensions as a triangle: of <c>ReLU(x_i − (x_j + x_k)/2)</c> it costs
/// <c>I_i [p_i (1 − p_k) p_j / 16 + p_i (1 − p_j) p_k / 16 + p_i p_j p_k / 6]</c>.
/// </remarks>
internal static class PhaseTheory
{
    /// <summary>Whether there is a theory of a shape.</summary>
    public static bool Covers(CellSpec cell) =>
        cell.Model is { Kind: ModelKind.ReluOutput, Features: 2 or 3 } && cell.Model.Hidden == cell.Model.Features - 1
        && cell.Data.Sets.Count == 0 && cell.Data.Range == ValueRange.Unit;

    /// <summary>The arrangement that wins in a cell.</summary>
    /// <param name="cell">The cell; <see cref="Covers"/> holds.</param>
    /// <param name="feature">The feature in question.</param>
    public static Candidate Best(CellSpec cell, int feature) => Candidates(cell, feature).MinBy(candidate => candidate.Loss);

    /// <summary>All arrangements.</summary>
    /// <inheritdoc cref="Best" path="/param"/>
    public static IEnumerable<Candidate> Candidates(CellSpec cell, int feature)
    {
        int n = cell.Model.Features;
        var p = cell.Data.Density;
        var importance = cell.Importance;
        for (int i = 0; i < n; i++)
        {
            yield return new Candidate(
                i == feature ? Region.NotRepresented : Region.OwnDimension, importance[i] * ((p[i] / 3) - (p[i] * p[i] / 4)) / n);
            for (int j = i + 1; j < n; j++)
            {
                yield return new Candidate(
                    i == feature || j == feature ? Region.Superposition : Region.OwnDimension, (importance[i] + importance[j]) * p[i] * p[j] / 6 / n);
            }
        }

        if (n == 3)
            yield return new Candidate(Region.Superposition, Enumerable.Range(0, n).Sum(i => importance[i] * TriangleCorner(p[i], p[(i + 1) % n], p[(i + 2) % n])) / n);
    }

    // E (x − ReLU(x − (y + z)/2))² = E min(x, (y + z)/2)²: 1/16 where y or z alone is present beside x, 1/6 where both are.
    private static double TriangleCorner(double p, double q, double r) => p * ((((q * (1 - r)) + ((1 - q) * r)) / 16) + (q * r / 6));
}
