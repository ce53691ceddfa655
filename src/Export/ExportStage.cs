using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Export;

/// <summary>The export stage: reads <c>weights/</c>, writes <c>models/</c>.</summary>
public static class ExportStage
{
    /// <summary>Name of the stage.</summary>
    public const string Name = "export";

    /// <summary>A grid of more instances than this gets its ensemble files only: nobody opens a million files one by one.</summary>
    public const int MaxInstanceFiles = 1000;

    /// <summary>
    /// Writes <c>models/pack-NNNNN.onnx</c> for every pack and, for grids of up to <see cref="MaxInstanceFiles"/> instances,
    /// <c>models/instance-NNNNN.onnx</c> for every instance; skips where nothing changed.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="progress">Called after each file.</param>
    /// <param name="cancellation">Stops between files.</param>
    /// <exception cref="InvalidInputException">A weights file is missing, damaged, or of another experiment.</exception>
    /// <exception cref="EnvironmentFaultException">The folder cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; files that are there are whole.</exception>
    public static StageOutcome Run(RunFolder run, Action<StageProgress> progress, CancellationToken cancellation) =>
        Record(run, () => Write(run, PackGate.Opened, _ => { }, progress, cancellation));

    /// <summary>Runs the stage, with its files written by <paramref name="write"/>, which may have begun before.</summary>
    /// <param name="run">The run.</param>
    /// <param name="write">Gives what <see cref="Write"/> gives.</param>
    /// <inheritdoc cref="Run" path="/exception"/>
    public static StageOutcome Record(RunFolder run, Func<IReadOnlyList<string>> write)
    {
        string options = $"opset: {ModelWriter.Opset}\ninstance_files: {(HasInstanceFiles(run) ? "true" : "false")}\n";
        return run.Stage(typeof(ExportStage), Name, options, [.. new Grid(run.Experiment).EnumeratePacks().Select(pack => RunFolder.Weights(pack.Index))], write);
    }

    /// <summary>Writes the models of each pack as soon as its weights are there, and returns their paths relative to the run folder.</summary>
    /// <param name="run">The run.</param>
    /// <param name="trained">Opens for packs whose weights are there.</param>
    /// <param name="exported">Called with each pack whose models are there.</param>
    /// <param name="progress">Called after each file.</param>
    /// <param name="cancellation">Stops between files.</param>
    /// <inheritdoc cref="Run" path="/exception"/>
    public static IReadOnlyList<string> Write(RunFolder run, PackGate trained, Action<int> exported, Action<StageProgress> progress, CancellationToken cancellation)
    {
        var grid = new Grid(run.Experiment);
        bool instanceFiles = HasInstanceFiles(run);
        // Of a smaller grid before: who finds them would take them for models of this one.
        foreach (string old in instanceFiles || !Directory.Exists(run.Path("models")) ? [] : Directory.EnumerateFiles(run.Path("models"), "instance-*.onnx").ToList())
            File.Delete(old);
        int total = grid.PackCount() + (instanceFiles ? grid.InstanceCount : 0);
        var written = new List<string>(total);
        foreach (var pack in grid.EnumeratePacks())
        {
            trained.Wait(pack.Index, cancellation);
            var weights = LoadOf(pack, run.Path(RunFolder.Weights(pack.Index)));
            Save(RunFolder.EnsembleModel(pack.Index), path => ModelWriter.SaveEnsemble(weights, path));
            for (int place = 0; instanceFiles && place < pack.Instances.Count; place++)
                Save(RunFolder.InstanceModel(pack.Instances[place].Index), path => ModelWriter.SaveInstance(weights, place, path));
            exported(pack.Index);
        }

        return written;

        void Save(string relative, Action<string> save)
        {
            cancellation.ThrowIfCancellationRequested();
            save(run.Path(relative));
            written.Add(relative);
            progress(new StageProgress(Name, written.Count, total, "models"));
        }
    }

    private static bool HasInstanceFiles(RunFolder run) => new Grid(run.Experiment).InstanceCount <= MaxInstanceFiles;

    private static EnsembleWeights LoadOf(Pack pack, string path)
    {
        var weights = EnsembleWeights.Load(path);
        var model = new ModelSpec(weights.Kind, weights.Features, weights.Hidden);
        if (model != pack.Model)
            throw new InvalidInputException($"{path} holds a model {Text(model)} where the experiment has {Text(pack.Model)}: train again, or restore the experiment file.");
        if (!weights.Instances.Select(instance => instance.Index).SequenceEqual(pack.Instances.Select(instance => instance.Index)))
            throw new InvalidInputException($"{path} holds other instances than pack {pack.Index} of the experiment: train again, or restore the experiment file.");
        return weights;
    }

    private static string Text(ModelSpec model) => $"{{ kind: {Onnx.ModelGraph.Name(model.Kind)}, features: {model.Features}, hidden: {model.Hidden} }}";
}
