namespace ToyPipeline.Sweeps.Nights;

/// <summary>How a night ended.</summary>
public enum NightStatus
{
    /// <summary>It is running.</summary>
    Running,

    /// <summary>It was killed or interrupted; never taken as good.</summary>
    Unfinished,

    /// <summary>Every experiment ran, every claim holds, nothing regressed.</summary>
    Good,

    /// <summary>It finished, and was not good.</summary>
    Bad,

    /// <summary>It finished, was not good, and somebody accepted it as the one to compare with.</summary>
    Accepted,
}

/// <summary>A night of the history.</summary>
/// <param name="Number">Place in the history: grows by one a night, whatever the clock says.</param>
/// <param name="Started">When it began, UTC.</param>
/// <param name="Finished">When it ended, UTC; null where it did not.</param>
/// <param name="Folder">Name of its folder below the nights' folder: its date, with a suffix from the second of a date on.</param>
/// <param name="Status">How it ended.</param>
/// <param name="Pruned">Whether its folder was deleted by the retention rule.</param>
/// <param name="Machine">The machine that it ran on.</param>
public sealed record NightRecord(long Number, DateTime Started, DateTime? Finished, string Folder, NightStatus Status, bool Pruned, Machine Machine)
{
    /// <summary>Whether later nights may be compared with it.</summary>
    public bool IsGood => Status is NightStatus.Good or NightStatus.Accepted;
}

/// <summary>A machine: durations are compared between nights on the same one only.</summary>
/// <param name="Name">Host name.</param>
/// <param name="System">Operating system.</param>
/// <param name="Processor">Architecture and model.</param>
/// <param name="Cores">Logical processors.</param>
public sealed record Machine(string Name, string System, string Processor, int Cores);

/// <summary>A metric of one run: a number, or words such as a geometry's name.</summary>
/// <param name="At">The cell, for example <c>data.sparsity = 0.9</c>.</param>
/// <param name="Name">Name of the metric.</param>
/// <param name="Number">Its value; null where it is words or was not measured.</param>
/// <param name="Text">Its words; null where it is a number.</param>
public sealed record MetricValue(string At, string Name, double? Number, string? Text);

/// <summary>A claim of one run.</summary>
/// <param name="At">The cells that it speaks of.</param>
/// <param name="Measure">Name of the measure.</param>
/// <param name="Comparison">How it is compared, by its key.</param>
/// <param name="Expected">The expected value.</param>
/// <param name="Measured">The measured value.</param>
/// <param name="Holds">Whether it holds.</param>
public sealed record ClaimValue(string At, string Measure, string Comparison, string Expected, string Measured, bool Holds)
{
    /// <summary>The claim without what was measured, for people.</summary>
    public string Sentence => $"{Measure} {Comparison.Replace('_', ' ')} {Expected}";
}

/// <summary>A run of one experiment in a night.</summary>
/// <param name="Experiment">Name of the experiment.</param>
/// <param name="File">Its file.</param>
/// <param name="ExitCode">As of <c>toy run</c>: 0 the claims hold, 1 one fails, others did not finish.</param>
/// <param name="Seconds">Duration.</param>
/// <param name="Error">Why it did not finish; null where it did.</param>
/// <param name="Spec">SHA-256 of the experiment with its defaults written out.</param>
/// <param name="Metrics">What was measured.</param>
/// <param name="Claims">Its claims.</param>
public sealed record RunRecord(
    string Experiment, string File, int ExitCode, double Seconds, string? Error, string Spec, IReadOnlyList<MetricValue> Metrics, IReadOnlyList<ClaimValue> Claims);

/// <summary>What a finding is.</summary>
public enum FindingKind
{
    /// <summary>An experiment did not finish.</summary>
    FailedRun,

    /// <summary>A claim does not hold.</summary>
    FailedClaim,

    /// <summary>A value moved for the worse beyond its tolerance.</summary>
    Regression,

    /// <summary>A value moved for the better beyond its tolerance.</summary>
    Improvement,

    /// <summary>Something to know: a changed experiment, a clock that went backwards.</summary>
    Note,
}

/// <summary>Something that a night found.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Experiment">The experiment; empty where it is about the night.</param>
/// <param name="At">The cells; empty where it is about the run.</param>
/// <param name="Name">Metric or claim, or the sentence of a note.</param>
/// <param name="Before">Value of the last good night; empty where there is none.</param>
/// <param name="Now">Value of this night.</param>
/// <param name="Limit">What would have been allowed; empty where that says nothing.</param>
public sealed record Finding(FindingKind Kind, string Experiment, string At, string Name, string Before, string Now, string Limit)
{
    /// <summary>Whether it makes the night a bad one.</summary>
    public bool IsBad => Kind is FindingKind.FailedRun or FindingKind.FailedClaim or FindingKind.Regression;

    /// <summary>A note about the night or an experiment.</summary>
    public static Finding Note(string experiment, string sentence) => new(FindingKind.Note, experiment, "", sentence, "", "", "");
}
