using TorchSharp;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Training;

/// <summary>The second stage: trains every instance of the grid, pack by pack.</summary>
public static class TrainStage
{
    /// <summary>Trains the experiment of <paramref name="run"/> and writes weights and history of each pack.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <exception cref="InvalidInputException">The objective does not cover the experiment, or a dataset is damaged.</exception>
    /// <exception cref="EnvironmentFaultException">libtorch does not load, or the folder cannot be written.</exception>
    public static StageOutcome Run(RunFolder run, Action<StageProgress> progress, CancellationToken cancellation)
    {
        var experiment = run.Experiment;
        var packs = new Grid(experiment).Packs();
        var specs = packs.SelectMany(pack => pack.Specs).Where(spec => spec.Data.TrainSamples is not null);
        var datasets = specs.Select(spec => DatasetFolder(experiment, spec)).Distinct().ToList();
        string options = experiment.Resolved("seed", "model", "data", "importance", "training", "replicas", "axes");
        var inputs = datasets.SelectMany(folder => DatasetFiles(run, folder)).ToList();
        return run.Stage("train", options, inputs, () =>
        {
            RequireTorch();
            var loaded = datasets.ToDictionary(folder => folder, folder => TrainingDataset.Load(run.Path(folder)));
            double total = packs.Sum(pack => (double)pack.Training.Steps * pack.Instances.Count);
            double done = 0;
            var files = new List<string>();
            foreach (var pack in packs)
            {
                using var ensemble = Ensemble.Create(pack, spec => loaded[DatasetFolder(experiment, spec)]);
                using var objective = Objectives.Create(ensemble);
                var history = Trainer.Run(ensemble, objective, steps =>
                {
                    done += (double)steps * pack.Instances.Count;
                    progress(new StageProgress("train", done, total, "instance-steps"));
                }, cancellation);
                var weights = ensemble.Weights(experiment.Resolved());
                RefuseDivergence(weights);
                weights.Save(run.Path(RunFolder.Weights(pack.Index)));
                history.Save(run.Path(RunFolder.History(pack.Index)));
                files.AddRange([RunFolder.Weights(pack.Index), RunFolder.History(pack.Index)]);
            }

            return files;
        });
    }

    internal static void RequireTorch()
    {
        try
        {
            using var probe = torch.zeros(1);
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or BadImageFormatException or NotSupportedException)
        {
            throw new EnvironmentFaultException($"libtorch does not load: {(e.InnerException ?? e).Message} See docs/platform.md.", e);
        }
    }

    private static string DatasetFolder(Experiment experiment, CellSpec spec) =>
        RunFolder.Dataset(DatasetManifest.FolderName(spec.Data, RandomStream.Training, experiment.Seed, spec.Data.TrainSamples!.Value));

    private static IEnumerable<string> DatasetFiles(RunFolder run, string folder) =>
        DatasetManifest.Load(run.Path(folder)).Shards.Select(shard => $"{folder}/{shard.File}").Append($"{folder}/{DatasetManifest.FileName}");

    private static void RefuseDivergence(EnsembleWeights weights)
    {
        for (int i = 0; i < weights.Instances.Count; i++)
        {
            if (!Finite(weights.WOf(i)) || !Finite(weights.DecoderOf(i)) || !Finite(weights.BOf(i)))
                throw new InvalidInputException($"Training diverged at instance {weights.Instances[i].Index} ({weights.Instances[i].Cell}): its parameters are not finite; lower training.optimizer.lr.");
        }
    }

    private static bool Finite(ReadOnlySpan<float> values) => !values.ContainsAnyExceptInRange(float.MinValue, float.MaxValue);
}
