using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Core.Runs;

/// <summary>What became of a stage.</summary>
public enum StageOutcome
{
    /// <summary>It ran.</summary>
    Ran,

    /// <summary>Its code, options, inputs and outputs were as it left them.</summary>
    Skipped,
}

/// <summary>The folder of one run, <c>artifacts/&lt;name&gt;/</c>: where each stage's files are, and who may write them.</summary>
public sealed class RunFolder : IDisposable
{
    private const string ExperimentFile = "experiment.yaml";

    private readonly FolderLock? _lock;
    private RunManifest _manifest;

    private RunFolder(string root, Experiment experiment, FolderLock? held, RunManifest manifest)
    {
        Root = root;
        Experiment = experiment;
        _lock = held;
        _manifest = manifest;
    }

    /// <summary>Path of the folder.</summary>
    public string Root { get; }

    /// <summary>The experiment of the run.</summary>
    public Experiment Experiment { get; }

    /// <summary>Redo stages even where nothing changed.</summary>
    public bool Force { get; init; }

    /// <summary>Take files that changed after their stage wrote them as they are now.</summary>
    public bool AcceptChanges { get; init; }

    /// <summary>Told in sentences what the user should know.</summary>
    public Action<string> Tell { get; init; } = _ => { };

    /// <summary>Version of ToyPipeline, as records carry it.</summary>
    public static string Version { get; } =
        typeof(RunFolder).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    /// <summary>What the stages did so far.</summary>
    public RunManifest Manifest => _manifest;

    /// <summary>Path of the dataset <paramref name="name"/>, relative to <see cref="Root"/>.</summary>
    public static string Dataset(string name) => $"data/{name}";

    /// <summary>Path of a pack's weights, relative to <see cref="Root"/>.</summary>
    public static string Weights(int pack) => $"weights/pack-{pack:D5}.safetensors";

    /// <summary>Path of a pack's training history, relative to <see cref="Root"/>.</summary>
    public static string History(int pack) => $"weights/pack-{pack:D5}.history.safetensors";

    /// <summary>Path of the branches of solutions, relative to <see cref="Root"/>.</summary>
    public const string Branches = "weights/branches.safetensors";

    /// <summary>Path of an instance's ONNX model, relative to <see cref="Root"/>.</summary>
    public static string InstanceModel(int instance) => $"models/instance-{instance:D5}.onnx";

    /// <summary>Path of a pack's ONNX model, relative to <see cref="Root"/>.</summary>
    public static string EnsembleModel(int pack) => $"models/pack-{pack:D5}.onnx";

    /// <summary>Opens the run of <paramref name="experiment"/> below <paramref name="artifacts"/> for writing, and holds it until disposed.</summary>
    /// <exception cref="EnvironmentFaultException">The folder cannot be written, or another process holds it.</exception>
    /// <exception cref="InvalidInputException">The folder's manifest is damaged.</exception>
    public static RunFolder Open(string artifacts, Experiment experiment, bool force = false, bool acceptChanges = false, Action<string>? tell = null)
    {
        string root = System.IO.Path.Combine(artifacts, experiment.Name);
        var held = Hold(root);
        try
        {
            var folder = new RunFolder(root, experiment, held, RunManifest.Load(root)) { Force = force, AcceptChanges = acceptChanges, Tell = tell ?? (_ => { }) };
            AtomicFile.DeleteAbandoned(root);
            string resolved = experiment.Resolved();
            string path = folder.Path(ExperimentFile);
            if (!File.Exists(path) || File.ReadAllText(path) != resolved)
                AtomicFile.WriteText(path, resolved);
            return folder;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Opens a run folder as it stands, to help whoever holds it: files may be written into it, and no stage run.</summary>
    /// <param name="root">Path of the folder.</param>
    /// <exception cref="InvalidInputException">There is no run in the folder, or its files are damaged.</exception>
    public static RunFolder Join(string root)
    {
        string file = System.IO.Path.Combine(root, ExperimentFile);
        return File.Exists(file)
            ? new RunFolder(root, Experiment.Load(file), null, RunManifest.Load(root))
            : throw new InvalidInputException($"{root} is no run folder: there is no {ExperimentFile} in it.");
    }

    /// <summary>Absolute or working-directory path of a file given relative to <see cref="Root"/>.</summary>
    public string Path(string relative) => System.IO.Path.Combine(Root, relative);

    /// <summary>Runs a stage, unless its code, options and inputs are what they were and its outputs still stand.</summary>
    /// <param name="stage">A type of the project that has its code: see <see cref="StageCode"/>.</param>
    /// <param name="name">Name of the stage.</param>
    /// <param name="options">The settings that it depends on, as text.</param>
    /// <param name="inputs">Files that it reads, relative to <see cref="Root"/>.</param>
    /// <param name="work">Does the work and returns the files that it wrote, relative to <see cref="Root"/>.</param>
    /// <exception cref="InvalidInputException">
    /// An input is missing or changed after its stage wrote it, or the stage would overwrite what somebody else made of its outputs.
    /// </exception>
    public StageOutcome Stage(Type stage, string name, string options, IReadOnlyList<string> inputs, Func<IReadOnlyList<string>> work)
    {
        string code = StageCode.Of(stage);
        var read = inputs.Select(Verified).ToList();
        if (!Force && _manifest.Stages.TryGetValue(name, out var last) && last.Options == options && last.Inputs.SequenceEqual(read)
            && Stand(name, last))
        {
            if (_manifest.Stages[name].Code is var made && (made == code || made == StageRecord.Accepted))
                return StageOutcome.Skipped;
            Tell($"{name} is done again: what is there was made by other code, on {last.Finished.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC.");
        }

        var clock = Stopwatch.StartNew();
        var before = _manifest.Stages.GetValueOrDefault(name);
        Begin(name);
        List<FileRecord> outputs;
        try
        {
            outputs = [.. work().Select(path => FileRecord.Of(Root, path))];
        }
        catch when (before is not null && before.Outputs.All(Stands))
        {
            // It gave up before it changed anything: what the manifest said is still so.
            _manifest = _manifest.With(name, before);
            _manifest.Save(Root);
            throw;
        }

        StaleFiles.Delete(Root, name, _manifest, outputs);
        // The manifest is written last: a stage that was cut short runs again.
        _manifest = _manifest.With(name, new StageRecord(options, read, outputs, Version, Math.Round(clock.Elapsed.TotalSeconds, 3), DateTime.UtcNow) { Code = code });
        _manifest.Save(Root);
        return StageOutcome.Ran;
    }

    /// <summary>
    /// Says in the manifest that a stage is about to write its files: until it has finished, what the manifest says of them is not what they are.
    /// <see cref="Stage"/> does so by itself; only work that begins before its stage has to.
    /// </summary>
    /// <exception cref="EnvironmentFaultException">The manifest cannot be written.</exception>
    public void Begin(string name)
    {
        if (_lock is null)
            throw new InvalidOperationException($"Only who holds {Root} may run a stage.");
        if (!_manifest.Stages.TryGetValue(name, out var last) || last.IsCutShort)
            return;
        _manifest = _manifest.With(name, last with { Options = StageRecord.CutShort });
        _manifest.Save(Root);
    }

    /// <inheritdoc/>
    public void Dispose() => _lock?.Dispose();

    private FileRecord Verified(string path)
    {
        if (!File.Exists(Path(path)))
            throw new InvalidInputException($"{Path(path)} is missing: run `toy {_manifest.Writer(path)?.Stage ?? Writer(path)}` first, or the whole pipeline with `toy run`.");
        var now = FileRecord.Of(Root, path);
        if (_manifest.Writer(path) is { } written && written.File != now && !(AcceptChanges && Accepted(written.File)))
            throw _manifest.Stages[written.Stage].IsCutShort ? CutShort(path, written.Stage) : Changed(path, written.Stage);
        return now;
    }

    // Whether the outputs of a stage with nothing new to do are as it left them. What somebody made of them is taken
    // or refused: to run the stage again would undo it.
    private bool Stand(string name, StageRecord last)
    {
        bool whole = last.Outputs.All(file => File.Exists(Path(file.Path)));
        var changed = last.Outputs.Where(file => File.Exists(Path(file.Path)) && !Stands(file)).ToList();
        if (changed.Count == 0)
            return whole;
        return AcceptChanges ? changed.All(Accepted) && whole : throw Changed(changed[0].Path, name);
    }

    private InvalidInputException Changed(string path, string stage) => new(
        $"{Path(path)} does not match its SHA-256 in {RunManifest.FileName}: it changed after `toy {stage}` wrote it; "
        + $"make it again with `toy {stage} --force`, or take it as it is with --accept-changes.");

    private InvalidInputException CutShort(string path, string stage) =>
        new($"`toy {stage}` was cut short, and {Path(path)} may be of before or after: run `toy {stage}` again, or the whole pipeline with `toy run`.");

    // Each stage has a folder of its own.
    private static string Writer(string path) => path.Split('/')[0] switch
    {
        "data" => "generate",
        "weights" => "train",
        "models" => "export",
        _ => "analyze",
    };

    private bool Stands(FileRecord file) =>
        File.Exists(Path(file.Path)) && new FileInfo(Path(file.Path)).Length == file.Bytes && FileRecord.Of(Root, file.Path) == file;

    // Takes a stage's output as it is now: from here on the manifest says so, with or without --accept-changes. It is nobody's code that
    // made it, and no change of code undoes it.
    private bool Accepted(FileRecord file)
    {
        if (!File.Exists(Path(file.Path)))
            return false;
        var now = FileRecord.Of(Root, file.Path);
        foreach (var (name, stage) in _manifest.Stages.Where(pair => pair.Value.Outputs.Contains(file)).ToList())
            _manifest = _manifest.With(name, stage with { Code = StageRecord.Accepted, Outputs = [.. stage.Outputs.Select(output => output == file ? now : output)] });
        _manifest.Save(Root);
        return true;
    }

    private static FolderLock Hold(string root)
    {
        try
        {
            return FolderLock.TryTake(root, DateTime.UtcNow)
                ?? throw new EnvironmentFaultException($"{root} is held by {FolderLock.Holder(root)}; wait until it has finished, or stop it.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EnvironmentFaultException($"The run folder {root} cannot be written: {e.Message.TrimEnd('.')}. Choose another with --artifacts.", e);
        }
    }
}
