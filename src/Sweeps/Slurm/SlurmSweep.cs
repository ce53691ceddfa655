using ToyPipeline.Core;

namespace ToyPipeline.Sweeps.Slurm;

/// <summary>What a cluster is to do for a run.</summary>
/// <param name="Root">Run folder, absolute, on a file system that all nodes share.</param>
/// <param name="Plan">Digest of what decides the packs.</param>
/// <param name="Packs">Number of packs.</param>
/// <param name="Stands">Whether a pack is trained: its files are there and made from the plan.</param>
/// <param name="Command">What trains packs of the run, up to their places, as for <see cref="PackRanges"/>.</param>
public sealed record SlurmWork(string Root, string Plan, int Packs, Func<int, bool> Stands, IReadOnlyList<string> Command);

/// <summary>
/// Trains the packs of a run on a Slurm cluster. What was submitted is written in the run folder, and each step decides from what
/// that folder and the queue say, so a sweep goes on wherever its last command was stopped.
/// </summary>
/// <remarks>
/// A pack is done when its files stand, whatever Slurm says of its task. While tasks are in the queue nothing is submitted;
/// when none is left, packs that do not stand are submitted again.
/// </remarks>
public sealed class SlurmSweep
{
    // Enough to fill a cluster, few enough for its controller.
    private const int UsualTasks = 1000;

    private readonly SlurmWork _work;
    private readonly SlurmOptions _options;
    private readonly SortedSet<int> _missing;
    private HashSet<(int Submission, int Task)>? _pardoned;

    /// <summary>Looks which packs stand; asks nothing of the cluster.</summary>
    public SlurmSweep(SlurmWork work, SlurmOptions options)
    {
        _work = work;
        _options = options;
        _missing = [.. Enumerable.Range(0, work.Packs).Where(pack => !work.Stands(pack))];
    }

    /// <summary>Number of packs that stood when the last step looked.</summary>
    public int Standing => _work.Packs - _missing.Count;

    /// <summary>Refuses options that the cluster does not take, and a cluster that does not answer.</summary>
    /// <exception cref="InvalidInputException">An option is impossible, or there is no such partition.</exception>
    /// <exception cref="EnvironmentFaultException">There is no Slurm here, or it does not answer.</exception>
    public static void Check(SlurmOptions options)
    {
        options.Validate();
        SlurmCommands.Check(options.Partition);
    }

    /// <summary>The jobs of a run as the folder and the queue tell of them; nothing is changed.</summary>
    /// <param name="root">Run folder.</param>
    /// <param name="stands">Whether a pack is trained.</param>
    /// <returns>The jobs in their order, and why the queue could not be asked, or null.</returns>
    /// <exception cref="InvalidInputException">A file of a submission is damaged.</exception>
    public static (IReadOnlyList<SlurmJobState> Jobs, string? Fault) Status(string root, Func<int, bool> stands) =>
        (SlurmJobs.Describe(root, stands, out string? fault), fault);

    /// <summary>Looks at the queue and the folder, and submits what is to be submitted now.</summary>
    /// <exception cref="InvalidInputException">Slurm refuses the job or will never start it, or a job for an earlier form of the experiment or of the code is in the queue.</exception>
    /// <exception cref="EnvironmentFaultException">The cluster does not answer, or the folder cannot be written.</exception>
    public SlurmStep Next()
    {
        var jobs = SlurmJobs.Look(_work.Root, pack => pack < _work.Packs && _work.Stands(pack));
        _pardoned ??= [.. jobs.Cancelled()];
        _missing.RemoveWhere(pack => !jobs.IsActive(pack) && _work.Stands(pack));
        if (jobs.AreActive)
        {
            RefuseHopeless(jobs);
            return new SlurmStep(SlurmPhase.Running) { Jobs = jobs.ActiveIds, Tasks = jobs.ActiveTasks };
        }

        if (_missing.Count == 0)
            return new SlurmStep(SlurmPhase.Complete);
        var latest = Latest(jobs);
        if (latest.Values.Where(place => jobs.IsCancelled(place.Submission, place.Task) && !_pardoned.Contains((place.Submission.Number, place.Task))).Distinct().ToList() is { Count: > 0 } cancelled)
            return new SlurmStep(SlurmPhase.Cancelled) { Jobs = [.. cancelled.Select(place => place.Submission.JobId).Distinct()], Tasks = cancelled.Count };
        var attempts = Attempts(jobs);
        var again = _missing.Where(pack => attempts.GetValueOrDefault(pack) < _options.MaxAttempts).ToList();
        return again.Count > 0 ? Submit(again, again.Any(attempts.ContainsKey)) : GivenUp(latest);
    }

    private SlurmStep Submit(List<int> packs, bool again)
    {
        int arraySize = SlurmCommands.MaxArraySize();
        int few = (packs.Count + Math.Min(UsualTasks, arraySize) - 1) / Math.Min(UsualTasks, arraySize);
        // After a failure tasks are as small as they may be: a pack that cannot be trained takes no others with it.
        int each = again ? Math.Min(few, _options.PacksPerTask ?? few) : _options.PacksPerTask ?? few;
        var jobs = new List<string>();
        // More tasks than an array may have: one array after the other, so that --max-parallel holds over all.
        foreach (var tasks in packs.Chunk(each).Chunk(arraySize))
            jobs.Add(Submission.Create(_work.Root, _work.Plan, tasks, _work.Command, _options, jobs.LastOrDefault("")).JobId);
        return new SlurmStep(SlurmPhase.Submitted) { Jobs = jobs, Tasks = (packs.Count + each - 1) / each, PacksPerTask = each };
    }

    // How often a pack was in a task that ended and had finished none of its packs.
    private Dictionary<int, int> Attempts(SlurmJobs jobs)
    {
        var attempts = new Dictionary<int, int>();
        foreach (var submission in jobs.Submissions.Where(submission => submission.Plan == _work.Plan && submission.Ended is not null))
        {
            foreach (int pack in submission.Ended!.Failed.SelectMany(task => submission.Tasks[task]))
                attempts[pack] = attempts.GetValueOrDefault(pack) + 1;
        }

        return attempts;
    }

    // The last task that each missing pack was in.
    private Dictionary<int, (Submission Submission, int Task)> Latest(SlurmJobs jobs)
    {
        var latest = new Dictionary<int, (Submission, int)>();
        foreach (var submission in jobs.Submissions.Where(submission => submission.Plan == _work.Plan))
        {
            for (int task = 0; task < submission.Tasks.Count; task++)
            {
                foreach (int pack in submission.Tasks[task].Where(_missing.Contains))
                    latest[pack] = (submission, task);
            }
        }

        return latest;
    }

    private static SlurmStep GivenUp(Dictionary<int, (Submission Submission, int Task)> latest) => new(SlurmPhase.Failed)
    {
        Failed =
        [
            .. latest.GroupBy(pair => pair.Value, pair => pair.Key).OrderBy(group => group.Min()).Select(group =>
            {
                var (submission, task) = group.Key;
                var end = submission.Ended?.Tasks.GetValueOrDefault(task);
                return new FailedTask(submission.JobId, task, PackRanges.Text(group), end?.State ?? "", end?.Node ?? "", submission.Log(task), submission.LogTail(task));
            }),
        ],
    };

    private void RefuseHopeless(SlurmJobs jobs)
    {
        if (jobs.Submissions.FirstOrDefault(submission => submission.Ended is null && submission.Plan != _work.Plan) is { } earlier)
            throw new InvalidInputException($"Job {earlier.JobId} trains {_work.Root} for an earlier form of the experiment or of the code: `scancel {earlier.JobId}` or wait until it has ended, and run the same command again.");
        if (jobs.Stuck is { } stuck)
            throw new InvalidInputException($"Job {stuck.JobId} will not start ({stuck.Reason}): `scancel {stuck.JobId}`, ask for what the cluster gives with --time, --partition or --sbatch, and run the same command again.");
    }
}
