namespace ToyPipeline.Sweeps.Slurm;

/// <summary>How a sweep on a cluster stands.</summary>
public enum SlurmPhase
{
    /// <summary>Packs were submitted just now.</summary>
    Submitted,

    /// <summary>Tasks are in the queue.</summary>
    Running,

    /// <summary>All packs stand.</summary>
    Complete,

    /// <summary>Somebody took back tasks with scancel: the same command submits them again.</summary>
    Cancelled,

    /// <summary>Packs were tried as often as they may be.</summary>
    Failed,
}

/// <summary>What a step of a sweep on a cluster found or did.</summary>
/// <param name="Phase">How the sweep stands.</param>
public sealed record SlurmStep(SlurmPhase Phase)
{
    /// <summary>Numbers of the jobs that it is about.</summary>
    public IReadOnlyList<string> Jobs { get; init; } = [];

    /// <summary>Number of tasks that it is about.</summary>
    public int Tasks { get; init; }

    /// <summary>Most packs in a task that was submitted.</summary>
    public int PacksPerTask { get; init; }

    /// <summary>The last tasks of the packs that were given up.</summary>
    public IReadOnlyList<FailedTask> Failed { get; init; } = [];
}

/// <summary>A task that left packs untrained.</summary>
/// <param name="Job">Number of its job.</param>
/// <param name="Task">Its place in the array.</param>
/// <param name="Packs">Places of the packs, as for <see cref="PackRanges"/>.</param>
/// <param name="State">Slurm's word for how it ended; empty where Slurm has forgotten it.</param>
/// <param name="Node">Where it ran; empty where that is not known.</param>
/// <param name="Log">Path of its log.</param>
/// <param name="LogTail">The last lines of its log; empty where there are none.</param>
public sealed record FailedTask(string Job, int Task, string Packs, string State, string Node, string Log, string LogTail);

/// <summary>One job array of a run.</summary>
/// <param name="Job">Its number; empty where sbatch never answered.</param>
/// <param name="Submission">Its folder below the run folder.</param>
/// <param name="Tasks">Number of tasks.</param>
/// <param name="Standing">How many of their packs stand.</param>
/// <param name="Packs">Number of their packs.</param>
/// <param name="States">Tasks by state as Slurm tells, for example <c>3 RUNNING, 20 PENDING (Priority)</c>; empty where it has forgotten them.</param>
/// <param name="InQueue">Whether some wait or run.</param>
public sealed record SlurmJobState(string Job, string Submission, int Tasks, int Standing, int Packs, string States, bool InQueue);
