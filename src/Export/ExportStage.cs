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
    public static StageOutcome Run(RunFolder run, Action<StageProgress> progress, CancellationToken cancellation)
    {
        var grid = new Grid(run.Experiment);
        var packs = grid.Packs();
        bool instanceFiles = grid.InstanceCount <= MaxInstanceFiles;
        int total = packs.Count + (instanceFiles ? grid.InstanceCount : 0);
        string options = $"opset: {ModelWriter.Opset}\ninstance_files: {(instanceFiles ? "true" : "false")}\n";
        return run.Stage(Name, options, [.. packs.Select(pack => RunFolder.Weights(pack.Index))], () =>
        {
            var written = new List<string>(total);
            void Write(string relative, Action<string> save)
            {
                cancellation.ThrowIfCancellationRequested();
                save(run.Path(relative));
                written.Add(relative);
                progress(new StageProgress(Name, written.Count, total, "models"));
            }

            foreach (var pack in packs)
            {
                cancellation.ThrowIfCancellationRequested();
                var weights = LoadOf(pack, run.Path(RunFolder.Weights(pack.Index)));
                Write(RunFolder.EnsembleModel(pack.Index), path => ModelWriter.SaveEnsemble(weights, path));
                for (int place = 0; instanceFiles && place < pack.Instances.Count; place++)
                    Write(RunFolder.InstanceModel(pack.Instances[place].Index), path => ModelWriter.SaveInstance(weights, place, path));
            }

            return written;
        });
    }

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
