using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Export.Import;

/// <summary>The stage that stands in for training: writes an imported model's weights, and the dataset that it is evaluated on where one is given.</summary>
public static class ImportStage
{
    /// <summary>Name of the stage.</summary>
    public const string Name = "import";

    /// <summary>The graph of a model that is none of the four kinds, relative to the run folder.</summary>
    public static string GraphFile => RunFolder.InstanceModel(0);

    /// <summary>Whether a run's model was imported.</summary>
    public static bool Imported(RunManifest manifest) => manifest.Stages.ContainsKey(Name);

    /// <summary>Whether a run's model was imported as a graph without weights.</summary>
    public static bool HasOutputsOnly(RunManifest manifest) => manifest.Stages.TryGetValue(Name, out var stage) && stage.Outputs.Any(file => file.Path == GraphFile);

    /// <summary>Whether a run's dataset was imported with its model.</summary>
    public static bool HasDataset(RunManifest manifest) =>
        manifest.Stages.TryGetValue(Name, out var stage) && stage.Outputs.Any(file => file.Path.StartsWith("data/", StringComparison.Ordinal));

    /// <summary>The experiment of a model and a dataset that go together.</summary>
    /// <exception cref="InvalidInputException">They do not.</exception>
    public static Experiment Experiment(ImportedModel model, ImportedDataset? dataset, ImportOptions options) => ImportedExperiment.Of(model, dataset, options);

    /// <summary>Writes model and dataset into a run folder; skips where nothing changed.</summary>
    /// <param name="run">The run of <see cref="Experiment"/>.</param>
    /// <param name="model">The model.</param>
    /// <param name="dataset">Its dataset; null where one will be drawn.</param>
    /// <exception cref="InvalidInputException">The folder holds another run.</exception>
    /// <exception cref="EnvironmentFaultException">The folder cannot be written.</exception>
    public static StageOutcome Run(RunFolder run, ImportedModel model, ImportedDataset? dataset)
    {
        string options = $"file: {model.FileName}\nsha256: {model.Sha256}\ndataset: {dataset?.Digest() ?? "drawn"}\n" + run.Experiment.Resolved();
        return run.Stage(typeof(ImportStage), Name, options, [], () =>
        {
            List<string> files = [];
            if (model.Weights is { } weights)
                files.AddRange(SaveWeights(run, weights));
            else
                files.Add(SaveGraph(run, model.Graph!));
            if (dataset is not null)
            {
                var data = run.Experiment.Spec([]).Data;
                string folder = RunFolder.Dataset(DatasetManifest.FolderName(data, RandomStream.Evaluation, run.Experiment.Seed, run.Experiment.Evaluation.Samples));
                files.AddRange(dataset.Save(run.Root, folder, data));
            }

            return files;
        });
    }

    // The instances of the grid in order, cut into its packs.
    private static IEnumerable<string> SaveWeights(RunFolder run, EnsembleWeights weights)
    {
        int size = weights.Features * weights.Hidden;
        foreach (var pack in new Grid(run.Experiment).Packs())
        {
            int[] places = [.. pack.Instances.Select(instance => instance.Index)];
            float[] Of(float[] all, int each) => [.. places.SelectMany(place => all[(place * each)..((place + 1) * each)])];
            string file = RunFolder.Weights(pack.Index);
            (weights with
            {
                Instances = pack.Instances,
                W = Of(weights.W, size),
                W2 = weights.W2 is null ? null : Of(weights.W2, size),
                B = Of(weights.B, weights.Features),
                Experiment = run.Experiment.Resolved(),
            }).Save(run.Path(file));
            yield return file;
        }
    }

    private static string SaveGraph(RunFolder run, EvaluableGraph graph)
    {
        AtomicFile.Write(run.Path(GraphFile), stream => stream.Write(graph.Model.Span));
        return GraphFile;
    }
}
