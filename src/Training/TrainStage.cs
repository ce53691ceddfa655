using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;
using ToyPipeline.Core.Runs;
using ToyPipeline.Training.Exact;

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
        string options = experiment.Resolved("seed", "model", "data", "importance", "training", "replicas", "axes", "branches");
        var inputs = datasets.SelectMany(folder => DatasetFiles(run, folder)).ToList();
        return run.Stage("train", options, inputs, () =>
        {
            if (packs.Any(pack => !pack.IsExact))
                RequireTorch();
            var loaded = datasets.ToDictionary(folder => folder, folder => TrainingDataset.Load(run.Path(folder)));
            // A start on the exact loss counts as one step: it takes about as long as a step of the others or less.
            double total = packs.Sum(Work);
            double done = 0;
            var files = new List<string>();
            var gate = new Lock();
            foreach (var pack in packs)
            {
                cancellation.ThrowIfCancellationRequested();
                files.Add(RunFolder.Weights(pack.Index));
                if (pack.IsExact)
                {
                    TrainExact(run, pack, options, Report, cancellation);
                    continue;
                }

                using var ensemble = Ensemble.Create(pack, spec => loaded[DatasetFolder(experiment, spec)]);
                using var objective = Objectives.Create(ensemble);
                var history = Trainer.Run(ensemble, objective, steps => Report((double)steps * pack.Instances.Count), cancellation);
                var weights = ensemble.Weights(experiment.Resolved());
                RefuseDivergence(weights);
                weights.Save(run.Path(RunFolder.Weights(pack.Index)));
                history.Save(run.Path(RunFolder.History(pack.Index)));
                files.Add(RunFolder.History(pack.Index));
            }

            if (experiment.Branches is { } branches)
            {
                FollowBranches(run, packs, branches, cancellation);
                files.Add(RunFolder.Branches);
            }

            return files;

            // Threads report in turn, and what they report only grows.
            void Report(double steps)
            {
                lock (gate)
                    progress(new StageProgress("train", done += steps, total, Array.TrueForAll([.. packs], pack => pack.IsExact) ? "starts" : "instance-steps"));
            }
        });
    }

    private static double Work(Pack pack) => (pack.IsExact ? pack.Training.Starts : (double)pack.Training.Steps) * pack.Instances.Count;

    // A pack that an earlier command finished before it was stopped is left as it is.
    private static void TrainExact(RunFolder run, Pack pack, string options, Action<double> report, CancellationToken cancellation)
    {
        string path = run.Path(RunFolder.Weights(pack.Index));
        string madeFrom = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{RunFolder.Version}/{pack.Index}/{options}")));
        if (!run.Force && Stands(path, madeFrom))
        {
            report(Work(pack));
            return;
        }

        var weights = ExactTraining.Run(pack, run.Experiment.Resolved(), count => report(count), cancellation);
        (weights with { MadeFrom = madeFrom }).Save(path);
    }

    private static void FollowBranches(RunFolder run, IReadOnlyList<Pack> packs, BranchesSpec branches, CancellationToken cancellation)
    {
        var starts = branches.From.Select(value =>
        {
            var coordinates = run.Experiment.Axes.Select(axis => new Coordinate(axis.Path, axis.Path == branches.Axis.Path ? value : axis.Values[0])).ToList();
            var solutions = new List<(float Loss, double[] X)>();
            foreach (var pack in packs.Where(pack => pack.Instances.Any(instance => instance.Cell.Coordinates.SequenceEqual(coordinates))))
            {
                var weights = EnsembleWeights.Load(run.Path(RunFolder.Weights(pack.Index)));
                foreach (int place in Enumerable.Range(0, pack.Instances.Count).Where(place => pack.Instances[place].Cell.Coordinates.SequenceEqual(coordinates)))
                    solutions.Add((weights.Exact!.Loss[place], [.. ((float[])[.. weights.WOf(place), .. weights.BOf(place)]).Select(value => (double)value)]));
            }

            return (branches.Axis.Values.ToList().IndexOf(value), (IReadOnlyList<double[]>)[.. solutions.OrderBy(solution => solution.Loss).Select(solution => solution.X)]);
        });
        using var follower = new BranchFollower(run.Experiment, branches);
        follower.Follow(starts, cancellation).Save(run.Path(RunFolder.Branches));
    }

    private static bool Stands(string path, string madeFrom)
    {
        try
        {
            return File.Exists(path) && EnsembleWeights.Load(path).MadeFrom == madeFrom;
        }
        catch (InvalidInputException)
        {
            return false;
        }
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
