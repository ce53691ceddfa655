using System.Globalization;
using System.Text.Json;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Sweeps.Slurm;

/// <summary>One job array and all that is known of it: a folder <c>sweep/submission-NNNN/</c> of the run.</summary>
/// <remarks>
/// <c>tasks.txt</c> has the packs of task k on line k + 1, <c>job.sh</c> is what runs, <c>JOB_TASK.log</c> what each task said.
/// <c>submission.json</c> is written before sbatch is called, <c>job.txt</c> with the job's number after it, <c>ended.json</c> when no task is left in the queue.
/// </remarks>
internal sealed class Submission
{
    private const string RecordFile = "submission.json";
    private const string TasksFile = "tasks.txt";
    private const string ScriptFile = "job.sh";
    private const string JobFile = "job.txt";
    private const string EndFile = "ended.json";
    private const int TailLines = 15;
    private const int TailBytes = 16 << 10;

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        NewLine = "\n",
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly Record _record;

    private Submission(string folder, int number, Record record, IReadOnlyList<IReadOnlyList<int>> tasks)
    {
        Folder = folder;
        Number = number;
        _record = record;
        Tasks = tasks;
        JobId = Read(JobFile)?.Trim() ?? "";
        Ended = Read(EndFile) is { } text ? JsonSerializer.Deserialize<End>(text, s_json) : null;
    }

    /// <summary>Its folder.</summary>
    public string Folder { get; }

    /// <summary>Its place among the submissions of the run, from 1.</summary>
    public int Number { get; }

    /// <summary>The packs of each task.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Tasks { get; }

    /// <summary>The job's number; empty as long as it is not known.</summary>
    public string JobId { get; private set; }

    /// <summary>The job's name, which no other job has.</summary>
    public string JobName => _record.JobName;

    /// <summary>Digest of what decides the packs.</summary>
    public string Plan => _record.Plan;

    /// <summary>How its tasks ended; null while there may be some in the queue.</summary>
    public End? Ended { get; private set; }

    /// <summary>The submissions of a run in their order.</summary>
    /// <param name="root">Run folder.</param>
    /// <exception cref="InvalidInputException">A file of theirs is damaged.</exception>
    /// <exception cref="EnvironmentFaultException">A file of theirs cannot be read.</exception>
    public static IReadOnlyList<Submission> Of(string root)
    {
        string all = Path.Combine(root, "sweep");
        if (!Directory.Exists(all))
            return [];
        var found = new List<Submission>();
        foreach (string folder in Directory.EnumerateDirectories(all, "submission-*").Order(StringComparer.Ordinal))
        {
            string record = Path.Combine(folder, RecordFile);
            // One that was cut short before it came to sbatch.
            if (!File.Exists(record) || !int.TryParse(Path.GetFileName(folder)["submission-".Length..], CultureInfo.InvariantCulture, out int number))
                continue;
            try
            {
                var tasks = File.ReadLines(Path.Combine(folder, TasksFile)).Select(PackRanges.Parse).ToList();
                found.Add(new Submission(folder, number, JsonSerializer.Deserialize<Record>(File.ReadAllText(record), s_json)!, tasks));
            }
            catch (Exception e) when (e is JsonException or InvalidInputException or FileNotFoundException)
            {
                throw new InvalidInputException($"{folder} is damaged: {e.Message.TrimEnd('.')}; `scancel` its job, delete the folder, and run the same command again.", e);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new EnvironmentFaultException($"{folder} cannot be read: {e.Message.TrimEnd('.')}; see that the shared folder is there, and run the same command again.", e);
            }
        }

        return found;
    }

    /// <summary>Writes all of a submission down and then calls sbatch.</summary>
    /// <param name="root">Run folder, absolute.</param>
    /// <param name="plan">Digest of what decides the packs.</param>
    /// <param name="tasks">The packs of each task.</param>
    /// <param name="command">What trains packs, up to their places.</param>
    /// <param name="options">What is asked of the cluster.</param>
    /// <param name="after">A job that must have ended first, or empty.</param>
    /// <exception cref="InvalidInputException">Slurm refuses the job.</exception>
    /// <exception cref="EnvironmentFaultException">The cluster does not answer, or the folder cannot be written.</exception>
    public static Submission Create(
        string root, string plan, IReadOnlyList<IReadOnlyList<int>> tasks, IReadOnlyList<string> command, SlurmOptions options, string after)
    {
        int number = Of(root).Select(submission => submission.Number).DefaultIfEmpty().Max() + 1;
        string folder = Path.Combine(root, "sweep", $"submission-{number:D4}");
        // By its name the job is found again where the process dies before it has written down the number that sbatch answers.
        string name = $"toy-{Path.GetFileName(root)}-{number}-{Guid.NewGuid().ToString("N")[..8]}";
        IReadOnlyList<string> arguments = SbatchArguments(folder, name, tasks.Count, options, after);
        var record = new Record(name, plan, DateTime.UtcNow, "sbatch " + string.Join(' ', arguments.Select(JobScript.Quoted)));

        AtomicFile.WriteText(Path.Combine(folder, TasksFile), string.Concat(tasks.Select(packs => PackRanges.Text(packs) + "\n")));
        AtomicFile.WriteText(Path.Combine(folder, ScriptFile), JobScript.Text(Path.Combine(folder, TasksFile), command));
        AtomicFile.WriteText(Path.Combine(folder, RecordFile), JsonSerializer.Serialize(record, s_json) + "\n");
        var submission = new Submission(folder, number, record, tasks);
        try
        {
            submission.Begin(SlurmCommands.Submit(arguments));
        }
        catch (InvalidInputException)
        {
            // Refused: there is no such job. Where the cluster did not answer, there may be one: the next command looks for it.
            File.Delete(Path.Combine(folder, RecordFile));
            throw;
        }

        return submission;
    }

    /// <summary>Looks for the number of its job where the process that submitted it died before it wrote it down.</summary>
    /// <param name="queue">Tasks in the queue.</param>
    public void Recover(IEnumerable<SlurmTask> queue)
    {
        if (JobId.Length > 0)
            return;
        string? id = queue.FirstOrDefault(task => task.JobName == JobName)?.JobId
            // A task that has ended and was forgotten has left its log: 17_3.log.
            ?? Directory.EnumerateFiles(Folder, "*_*.log").Select(path => Path.GetFileName(path).Split('_')[0]).FirstOrDefault();
        if (id is not null)
            Begin(id);
    }

    /// <summary>Writes down how its tasks ended.</summary>
    /// <param name="tasks">What Slurm last knew of them.</param>
    /// <param name="stands">Whether a pack stands.</param>
    public void Close(IReadOnlyCollection<SlurmTask> tasks, Func<int, bool> stands)
    {
        // Those that went well are the most, and go without saying.
        var states = tasks.Where(task => task.State != SlurmTask.Completed).GroupBy(task => task.Index)
            .ToDictionary(group => group.Key, group => new TaskEnd(group.Last().State, group.Last().Reason, group.Last().Node));
        if (JobId.Length > 0)
        {
            // A task that Slurm has forgotten and that left no log never began: somebody took it back before.
            var begun = Directory.EnumerateFiles(Folder, "*.log").Select(path => Path.GetFileName(path)).ToHashSet();
            var known = tasks.Select(task => task.Index).ToHashSet();
            foreach (int task in Enumerable.Range(0, Tasks.Count).Where(task => !known.Contains(task) && !begun.Contains(Path.GetFileName(Log(task)))))
                states[task] = new TaskEnd(SlurmTask.Cancelled, "", "");
        }

        // Written down here, and not seen from the packs later: they may be deleted to be made again.
        var failed = Enumerable.Range(0, Tasks.Count)
            .Where(task => JobId.Length > 0 && states.GetValueOrDefault(task)?.State != SlurmTask.Cancelled && !Tasks[task].Any(stands));
        Ended = new End(DateTime.UtcNow, states, [.. failed]);
        AtomicFile.WriteText(Path.Combine(Folder, EndFile), JsonSerializer.Serialize(Ended, s_json) + "\n");
    }

    /// <summary>Log of a task, whether it is there or not.</summary>
    public string Log(int task) => Path.Combine(Folder, $"{JobId}_{task}.log");

    /// <summary>The last lines of a task's log.</summary>
    public string LogTail(int task)
    {
        try
        {
            using var log = new FileStream(Log(task), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            log.Seek(-Math.Min(log.Length, TailBytes), SeekOrigin.End);
            using var reader = new StreamReader(log);
            return string.Join('\n', reader.ReadToEnd().TrimEnd().Split('\n').TakeLast(TailLines));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static List<string> SbatchArguments(string folder, string name, int tasks, SlurmOptions options, string after)
    {
        // A task whose node fails is begun again by Slurm itself, unless --sbatch says otherwise; it leaves out the packs that stand.
        var arguments = new List<string> { "--parsable", "--requeue" };
        if (options.Partition is { } partition)
            arguments.Add($"--partition={partition}");
        if (options.Time is { } time)
            arguments.Add($"--time={time}");
        arguments.AddRange(options.Extra);
        if (after.Length > 0)
            arguments.Add($"--dependency=afterany:{after}");
        string atOnce = options.MaxParallel is { } most ? $"%{most}" : "";
        arguments.AddRange([$"--array=0-{tasks - 1}{atOnce}", $"--job-name={name}", $"--chdir={folder}", "--output=%A_%a.log", "--open-mode=append", Path.Combine(folder, ScriptFile)]);
        return arguments;
    }

    private void Begin(string jobId)
    {
        JobId = jobId;
        AtomicFile.WriteText(Path.Combine(Folder, JobFile), jobId + "\n");
    }

    private string? Read(string file)
    {
        string path = Path.Combine(Folder, file);
        return File.Exists(path) ? File.ReadAllText(path) : null;
    }

    /// <summary>How the tasks of a job ended.</summary>
    /// <param name="Seen">When that was seen, UTC.</param>
    /// <param name="Tasks">Tasks of which Slurm told that they ended otherwise than well.</param>
    /// <param name="Failed">Tasks that finished none of their packs, but for those that somebody took back.</param>
    public sealed record End(DateTime Seen, IReadOnlyDictionary<int, TaskEnd> Tasks, IReadOnlyList<int> Failed);

    /// <summary>How a task ended.</summary>
    /// <param name="State">Slurm's word for it.</param>
    /// <param name="Reason">Slurm's word for why, or empty.</param>
    /// <param name="Node">Where, or empty.</param>
    public sealed record TaskEnd(string State, string Reason, string Node);

    private sealed record Record(string JobName, string Plan, DateTime Submitted, string Command);
}
