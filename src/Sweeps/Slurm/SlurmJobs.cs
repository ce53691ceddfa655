using ToyPipeline.Core;

namespace ToyPipeline.Sweeps.Slurm;

/// <summary>The submissions of a run beside what the queue says of them.</summary>
internal sealed class SlurmJobs
{
    private readonly Dictionary<string, List<SlurmTask>> _queue;
    private readonly HashSet<int> _activePacks = [];

    private SlurmJobs(IReadOnlyList<Submission> submissions, IReadOnlyList<SlurmTask> queue)
    {
        Submissions = submissions;
        _queue = queue.GroupBy(task => task.JobName).ToDictionary(group => group.Key, group => group.ToList());
        foreach (var submission in submissions.Where(submission => submission.Ended is null))
        {
            foreach (var task in TasksOf(submission).Where(task => task.IsActive && task.Index < submission.Tasks.Count))
                _activePacks.UnionWith(submission.Tasks[task.Index]);
        }
    }

    /// <summary>All submissions in their order.</summary>
    public IReadOnlyList<Submission> Submissions { get; }

    /// <summary>Whether tasks of the run wait or run.</summary>
    public bool AreActive => _activePacks.Count > 0;

    /// <summary>Jobs with tasks that wait or run.</summary>
    public IReadOnlyList<string> ActiveIds => [.. Active.Select(task => task.JobId).Distinct()];

    /// <summary>Number of tasks that wait or run.</summary>
    public int ActiveTasks => Active.Count();

    /// <summary>A task that will never start, or null.</summary>
    public SlurmTask? Stuck => Active.FirstOrDefault(task => task.IsStuck);

    private IEnumerable<SlurmTask> Active => _queue.Values.SelectMany(tasks => tasks).Where(task => task.IsActive);

    /// <summary>Asks the queue about all submissions that may be in it, and writes down how those ended that are not.</summary>
    /// <param name="root">Run folder.</param>
    /// <param name="stands">Whether a pack stands.</param>
    /// <exception cref="EnvironmentFaultException">The cluster does not answer.</exception>
    public static SlurmJobs Look(string root, Func<int, bool> stands)
    {
        var submissions = Submission.Of(root);
        var open = submissions.Where(submission => submission.Ended is null).ToList();
        IReadOnlyList<SlurmTask> queue = open.Count > 0 ? SlurmCommands.Queue(open.Select(submission => submission.JobName)) : [];
        var jobs = new SlurmJobs(submissions, queue);
        foreach (var submission in open)
        {
            submission.Recover(queue);
            var tasks = jobs.TasksOf(submission);
            if (!tasks.Any(task => task.IsActive))
                submission.Close([.. tasks, .. Forgotten(submission, tasks)], stands);
        }

        return jobs;
    }

    /// <summary>The submissions as they are, for somebody who only looks: nothing is written.</summary>
    /// <param name="root">Run folder.</param>
    /// <param name="stands">Whether a pack stands.</param>
    /// <param name="fault">Why the queue could not be asked, or null.</param>
    public static IReadOnlyList<SlurmJobState> Describe(string root, Func<int, bool> stands, out string? fault)
    {
        var submissions = Submission.Of(root);
        var open = submissions.Where(submission => submission.Ended is null).ToList();
        IReadOnlyList<SlurmTask> queue = [];
        fault = null;
        try
        {
            if (open.Count > 0)
                queue = SlurmCommands.Queue(open.Select(submission => submission.JobName));
        }
        catch (Exception e) when (e is EnvironmentFaultException or InvalidInputException)
        {
            fault = e.Message;
        }

        var jobs = new SlurmJobs(submissions, queue);
        return [.. submissions.Select(submission => jobs.Describe(submission, stands))];
    }

    /// <summary>Whether a task with this pack waits or runs.</summary>
    public bool IsActive(int pack) => _activePacks.Contains(pack);

    /// <summary>Whether somebody took a task back.</summary>
    public bool IsCancelled(Submission submission, int task) => submission.Ended is { } end
        ? end.Tasks.GetValueOrDefault(task)?.State == SlurmTask.Cancelled
        : TasksOf(submission).Any(row => row.Index == task && row.State == SlurmTask.Cancelled);

    /// <summary>All tasks that somebody took back.</summary>
    public IEnumerable<(int Submission, int Task)> Cancelled() =>
        Submissions.SelectMany(submission => Enumerable.Range(0, submission.Tasks.Count).Where(task => IsCancelled(submission, task)).Select(task => (submission.Number, task)));

    private List<SlurmTask> TasksOf(Submission submission) => _queue.GetValueOrDefault(submission.JobName, []);

    // The controller forgets a task some minutes after its end; the accounting, where there is one, does not.
    private static IEnumerable<SlurmTask> Forgotten(Submission submission, List<SlurmTask> known)
    {
        if (submission.JobId.Length == 0 || known.Count == submission.Tasks.Count)
            return [];
        var indices = known.Select(task => task.Index).ToHashSet();
        return SlurmCommands.Accounting(submission.JobId, submission.JobName).Where(task => !task.IsActive && !indices.Contains(task.Index));
    }

    private SlurmJobState Describe(Submission submission, Func<int, bool> stands)
    {
        var known = TasksOf(submission);
        var words = submission.Ended is { } end
            ? end.Tasks.Values.Select(task => (task.State, task.Reason))
            : known.Concat(Forgotten(submission, known)).Select(task => (task.State, task.Reason));
        string states = string.Join(", ", words.GroupBy(word => word).OrderByDescending(group => group.Count()).ThenBy(group => group.Key.State, StringComparer.Ordinal)
            .Select(group => $"{group.Count()} {group.Key.State}{(group.Key.Reason.Length > 0 ? $" ({group.Key.Reason})" : "")}"));
        var packs = submission.Tasks.SelectMany(task => task).ToList();
        return new SlurmJobState(
            submission.JobId, Path.GetFileName(submission.Folder), submission.Tasks.Count, packs.Count(stands), packs.Count, states, known.Any(task => task.IsActive));
    }
}
