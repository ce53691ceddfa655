namespace ToyPipeline.Core.Experiments;

/// <summary>How measured values are compared with what is expected.</summary>
public enum Comparison
{
    /// <summary>Equal; numbers within the tolerance.</summary>
    EqualTo,

    /// <summary>Within two bounds, both included.</summary>
    Between,

    /// <summary>At least the bound.</summary>
    AtLeast,

    /// <summary>At most the bound.</summary>
    AtMost,

    /// <summary>Never falls along an axis, or never rises, but for the tolerance.</summary>
    Monotone,

    /// <summary>Stays at a value over neighbouring cells, or a share of all values gathers there.</summary>
    Plateau,

    /// <summary>Correlates with another measure over the cells.</summary>
    Correlates,
}

/// <summary>A statement about the measured results that analysis checks.</summary>
/// <param name="At">The cells that it speaks of: values of axes by path; empty for all cells.</param>
/// <param name="Measure">Name of the measure, for example <c>geometry</c> or <c>norm[2]</c>.</param>
/// <param name="Comparison">How it is compared.</param>
/// <param name="Expected">
/// One value, the two bounds of <see cref="Comparison.Between"/>, or a list, as written; <c>increasing</c> or <c>decreasing</c> of
/// <see cref="Comparison.Monotone"/>. Empty where <paramref name="Plateau"/> or <paramref name="Correlation"/> says it.
/// </param>
/// <param name="Tolerance">Allowed difference of numbers that should be equal; the step back that <see cref="Comparison.Monotone"/> forgives.</param>
/// <param name="Along">The axis of <see cref="Comparison.Monotone"/>, and of a plateau over neighbouring cells.</param>
/// <param name="Plateau">What <see cref="Comparison.Plateau"/> expects.</param>
/// <param name="Correlation">What <see cref="Comparison.Correlates"/> expects.</param>
public sealed record ClaimSpec(
    IReadOnlyDictionary<string, string> At,
    string Measure,
    Comparison Comparison,
    IReadOnlyList<string> Expected,
    double Tolerance,
    string? Along = null,
    PlateauSpec? Plateau = null,
    CorrelationSpec? Correlation = null);

/// <summary>A value at which a measure stays. It has either <paramref name="Share"/> or <paramref name="Cells"/>.</summary>
/// <param name="At">The value.</param>
/// <param name="Tolerance">Largest distance from it that counts as staying.</param>
/// <param name="Share">Least share of all values, 0 to 1.</param>
/// <param name="Cells">Least number of neighbouring cells along the axis.</param>
public sealed record PlateauSpec(double At, double Tolerance, double? Share, int? Cells);

/// <summary>A correlation over cells. It has <paramref name="AtLeast"/>, <paramref name="AtMost"/>, or both.</summary>
/// <param name="With">Name of the other measure.</param>
/// <param name="AtLeast">Lowest coefficient that holds.</param>
/// <param name="AtMost">Highest coefficient that holds.</param>
/// <param name="Rank">Whether it is Spearman's coefficient, of ranks, and not Pearson's.</param>
public sealed record CorrelationSpec(string With, double? AtLeast, double? AtMost, bool Rank);
