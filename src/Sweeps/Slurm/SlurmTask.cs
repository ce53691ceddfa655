using System.Globalization;

namespace ToyPipeline.Sweeps.Slurm;

/// <summary>One task of a job array as Slurm tells of it.</summary>
/// <param name="JobName">Name of its job.</param>
/// <param name="JobId">Number of the array.</param>
/// <param name="Index">Place in the array.</param>
/// <param name="State">Its state in Slurm's word, such as <c>RUNNING</c> or <c>TIMEOUT</c>.</param>
/// <param name="Reason">Why it waits or failed, in Slurm's word; empty where there is none.</param>
/// <param name="Node">The node that it runs or ran on; empty where there is none.</param>
internal sealed record SlurmTask(string JobName, string JobId, int Index, string State, string Reason, string Node)
{
    /// <summary>Columns that <see cref="FromSqueue"/> reads.</summary>
    public const string SqueueFormat = "%F|%K|%T|%r|%N|%j";

    /// <summary>Columns that <see cref="FromSacct"/> reads.</summary>
    public const string SacctFormat = "JobID,State,NodeList";

    /// <summary>State of a task that somebody took back with scancel.</summary>
    public const string Cancelled = "CANCELLED";

    /// <summary>State of a task whose command ended with exit code 0.</summary>
    public const string Completed = "COMPLETED";

    private static readonly HashSet<string> s_ended =
        [Completed, Cancelled, "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE", "REVOKED"];

    // Reasons to wait that do not pass by themselves.
    private static readonly HashSet<string> s_hopeless =
    [
        "PartitionTimeLimit", "PartitionNodeLimit", "BadConstraints", "DependencyNeverSatisfied", "JobHeldUser", "JobHeldAdmin",
        "InvalidAccount", "InvalidQOS", "AccountNotAllowed", "QOSNotAllowed", "QOSMaxWallDurationPerJobLimit", "AssocMaxWallDurationPerJobLimit",
    ];

    /// <summary>Whether it waits or runs. A state that is not known counts as such: to wait is better than to train twice.</summary>
    public bool IsActive => !s_ended.Contains(State);

    /// <summary>Whether it waits for what will not come.</summary>
    public bool IsStuck => IsActive && s_hopeless.Contains(Reason);

    /// <summary>What <c>squeue --noheader --array</c> prints in <see cref="SqueueFormat"/>; lines of another shape are passed over.</summary>
    public static IReadOnlyList<SlurmTask> FromSqueue(string text)
    {
        var tasks = new List<SlurmTask>();
        foreach (string[] fields in Rows(text, 6))
        {
            // A job that is no array has no index.
            if (TryIndex(fields[1], out int index))
                tasks.Add(new SlurmTask(fields[5], fields[0], index, fields[2], Value(fields[3]), Value(fields[4])));
        }

        return tasks;
    }

    /// <summary>What <c>sacct --noheader --parsable2 --allocations</c> prints in <see cref="SacctFormat"/>; lines of another shape are passed over.</summary>
    public static IReadOnlyList<SlurmTask> FromSacct(string text, string jobName)
    {
        var tasks = new List<SlurmTask>();
        foreach (string[] fields in Rows(text, 3))
        {
            // 17_3 is a task; 17_[4-9] are some that have not begun. "CANCELLED by 1000" says who.
            if (fields[0].Split('_') is [var job, var place] && TryIndex(place, out int index))
                tasks.Add(new SlurmTask(jobName, job, index, fields[1].Split(' ')[0], "", fields[2] == "None assigned" ? "" : fields[2]));
        }

        return tasks;
    }

    private static IEnumerable<string[]> Rows(string text, int columns) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries)).Where(fields => fields.Length == columns);

    private static bool TryIndex(string text, out int index) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out index);

    private static string Value(string field) => field is "None" or "(null)" or "N/A" ? "" : field;
}
