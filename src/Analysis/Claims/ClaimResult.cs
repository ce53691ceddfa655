namespace ToyPipeline.Analysis.Claims;

/// <summary>A claim of the experiment and what was measured.</summary>
/// <param name="At">The cells that it speaks of, for example <c>data.sparsity = 0.9</c>; <c>all cells</c> where it names none.</param>
/// <param name="Measure">Name of the measure.</param>
/// <param name="Comparison">How it is compared, by its key: <c>equals</c>, <c>between</c>, <c>at_least</c>, <c>at_most</c>, <c>monotone</c>, <c>plateau</c>, <c>correlates</c>.</param>
/// <param name="Expected">The expected value, values in brackets, or words.</param>
/// <param name="Measured">The measured value; over several cells their range, or the first cell that fails.</param>
/// <param name="Tolerance">Allowed difference of numbers that should be equal.</param>
/// <param name="Holds">Whether it holds in every cell that it speaks of.</param>
public sealed record ClaimResult(string At, string Measure, string Comparison, string Expected, string Measured, double Tolerance, bool Holds)
{
    /// <summary>
    /// Standard deviation of the measure over the replicas of a cell, the largest of the cells that the claim speaks of; null where the measure
    /// is no single number, or where every cell has one replica.
    /// </summary>
    public double? Deviation { get; init; }
}
