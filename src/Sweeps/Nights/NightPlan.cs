using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Sweeps.Nights;

/// <summary>Which direction of a value is a regression.</summary>
public enum Worse
{
    /// <summary>A rise, as of a loss.</summary>
    Higher,

    /// <summary>A fall, as of a share.</summary>
    Lower,

    /// <summary>Any change.</summary>
    Either,

    /// <summary>None: the value is kept and drawn, not compared.</summary>
    Never,
}

/// <summary>How far a value may move from the last good night.</summary>
/// <param name="Worse">The direction that counts.</param>
/// <param name="Relative">Allowed part of the last good value's size.</param>
/// <param name="Absolute">Allowed difference, in the unit of the value; the larger of the two holds.</param>
public sealed record Tolerance(Worse Worse, double Relative, double Absolute)
{
    /// <summary>Largest difference from <paramref name="before"/> that is no regression.</summary>
    public double Allowed(double before) => Math.Max(Absolute, Relative * Math.Abs(before));
}

/// <summary>A metric to keep, and its tolerance.</summary>
/// <param name="Name">A column of <c>cells.csv</c>, <c>seconds</c> (the whole run), or <c>seconds[train]</c> (a stage).</param>
/// <param name="At">The cells that it speaks of; all where it is empty.</param>
/// <param name="Tolerance">How far it may move.</param>
public sealed record MetricRule(string Name, IReadOnlyList<Coordinate> At, Tolerance Tolerance);

/// <summary>How far the measured value of claims may move while they hold.</summary>
/// <param name="Measure">The claims' measure; null for all.</param>
/// <param name="Relative">Allowed part of the last good value's size.</param>
/// <param name="Absolute">Allowed difference; the larger of the two holds.</param>
public sealed record ClaimRule(string? Measure, double Relative, double Absolute);

/// <summary>An experiment of a night.</summary>
/// <param name="File">Its file.</param>
/// <param name="Experiment">The experiment.</param>
/// <param name="Metrics">What is kept of it; the first rule that fits a value holds.</param>
/// <param name="Claims">Tolerances of its claims; the first that fits holds.</param>
/// <param name="Detail">Largest number of cells of which each is kept by itself; of a larger grid the mean, the least and the largest value are.</param>
public sealed record PlannedExperiment(
    string File, Experiment Experiment, IReadOnlyList<MetricRule> Metrics, IReadOnlyList<ClaimRule> Claims, int Detail);

/// <summary>What a night runs, with what tolerances, and which nights are kept.</summary>
/// <param name="Experiments">In order.</param>
/// <param name="Retention">Which nights' folders are kept.</param>
public sealed record NightPlan(IReadOnlyList<PlannedExperiment> Experiments, Retention Retention)
{
    /// <summary>Metrics where a plan names none.</summary>
    public static IReadOnlyList<MetricRule> DefaultMetrics { get; } =
    [
        new("loss_best", [], new Tolerance(Worse.Higher, 0.02, 0)),
        new("loss_mean", [], new Tolerance(Worse.Higher, 0.1, 0)),
        new("share_represented", [], new Tolerance(Worse.Either, 0, 0.02)),
        new("dimensions_per_feature", [], new Tolerance(Worse.Either, 0.05, 0)),
        new("geometry", [], new Tolerance(Worse.Either, 0, 0)),
        new("seconds", [], new Tolerance(Worse.Higher, 1, 30)),
    ];

    /// <summary>Tolerance of a claim's measured value where no rule fits: a tenth.</summary>
    public static ClaimRule DefaultClaim { get; } = new(null, 0.1, 0);
}
