using System.Text.RegularExpressions;
using ToyPipeline.Core;

namespace ToyPipeline.Sweeps.Slurm;

/// <summary>What a sweep asks of a Slurm cluster. Where nothing is said, the cluster's own defaults hold.</summary>
public sealed partial record SlurmOptions
{
    /// <summary>The partition, or several with commas between them.</summary>
    public string? Partition { get; init; }

    /// <summary>Largest number of tasks that run at a time.</summary>
    public int? MaxParallel { get; init; }

    /// <summary>Time limit of a task, in a spelling of sbatch: minutes, hours:minutes:seconds, days-hours …</summary>
    public string? Time { get; init; }

    /// <summary>Packs that a task trains one after the other; where nothing is said, as few as make at most 1000 tasks.</summary>
    public int? PacksPerTask { get; init; }

    /// <summary>Further options of sbatch, one word each, for example <c>--account=lab</c>.</summary>
    public IReadOnlyList<string> Extra { get; init; } = [];

    /// <summary>How often a pack may be in a task that ended without a finished pack, before it is given up.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>Refuses what no cluster takes.</summary>
    /// <exception cref="InvalidInputException">An option is impossible.</exception>
    public void Validate()
    {
        RefuseBelowOne("--max-parallel", MaxParallel);
        RefuseBelowOne("--packs-per-task", PacksPerTask);
        RefuseBelowOne("--max-attempts", MaxAttempts);
        if (Time is not null && !TimeSpelling().IsMatch(Time))
            throw new InvalidInputException($"--time {Time} is no time limit; write minutes, hours:minutes:seconds, days-hours or days-hours:minutes:seconds, for example 2:00:00.");
    }

    private static void RefuseBelowOne(string option, int? value)
    {
        if (value < 1)
            throw new InvalidInputException($"{option} {value} is too small; write a number from 1 up.");
    }

    [GeneratedRegex(@"^(\d+(:\d{1,2}){0,2}|\d+-\d{1,2}(:\d{1,2}){0,2}|(?i:unlimited|infinite))$")]
    private static partial Regex TimeSpelling();
}
