using TorchSharp;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;
using ToyPipeline.Training.Exact;

namespace ToyPipeline.Training;

/// <summary>The second stage: trains every instance of the grid, pack by pack. A pack that an earlier command finished is left as it is.</summary>
public static class TrainStage
{
    /// <summary>Name of the stage.</summary>
    public const string Name = "train";

    /// <summary>Trains the experiment of <paramref name="run"/> and writes weights and history of each pack.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <exception cref="InvalidInputException">The objective does not cover the experiment, or a dataset is damaged.</exception>
    /// <exception cref="EnvironmentFaultException">libtorch does not load, or the folder cannot be written.</exception>
    public static StageOutcome Run(RunFolder run, Action<StageProgress> progress, CancellationToken cancellation) =>
        RunPlan(run, plan => TrainPacks(plan, plan.Packs, progress, cancellation), cancellation);

    /// <summary>Trains the experiment of <paramref name="run"/>, with somebody else to say which pack is trained when and where.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="execute">Sees to it that every pack of the plan stands; called only where the stage has something to do.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <inheritdoc cref="Run(RunFolder, Action{StageProgress}, CancellationToken)" path="/exception"/>
    /// <exception cref="EnvironmentFaultException">A pack does not stand afterwards.</exception>
    public static StageOutcome RunPlan(RunFolder run, Action<TrainingPlan> execute, CancellationToken cancellation)
    {
        var experiment = run.Experiment;
        string options = experiment.Resolved("seed", "model", "data", "importance", "training", "replicas", "axes", "branches");
        return run.Stage(typeof(TrainStage), Name, options, Inputs(run, new Grid(experiment).EnumeratePacks()), () =>
        {
            var plan = TrainingPlan.Begin(run);
            if (plan.Standing() is { } standing)
                run.Tell(standing);
            execute(plan);
            plan.Refresh();
            if (plan.Missing.FirstOrDefault() is { } missing)
                throw new EnvironmentFaultException($"{run.Path(RunFolder.Weights(missing.Index))} was not made, of {plan.Missing.Count()} packs the first: run the same command again.");
            var files = new List<string>();
            foreach (var pack in plan.Packs)
                files.AddRange(pack.IsExact ? [RunFolder.Weights(pack.Index)] : [RunFolder.Weights(pack.Index), RunFolder.History(pack.Index)]);
            if (experiment.Branches is { } branches)
            {
                FollowBranches(run, plan.Packs, branches, cancellation);
                files.Add(RunFolder.Branches);
            }

            plan.Finish();
            return files;
        });
    }

    /// <summary>
    /// Trains those of some packs that do not stand yet, and leaves everything else in the folder alone: several processes may do so side by side,
    /// on one machine or several, in a folder that another one holds.
    /// </summary>
    /// <param name="run">The run folder, held or joined.</param>
    /// <param name="packs">Places of the packs.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops between steps; packs that are finished stay.</param>
    /// <exception cref="InvalidInputException">There is no such pack, training diverged, or a training dataset is missing or damaged.</exception>
    /// <exception cref="EnvironmentFaultException">libtorch does not load, or the folder cannot be written.</exception>
    public static void RunPacks(RunFolder run, IReadOnlyList<int> packs, Action<StageProgress> progress, CancellationToken cancellation)
    {
        var wanted = packs.ToHashSet();
        var found = new Grid(run.Experiment).PacksAt(wanted).ToList();
        wanted.ExceptWith(found.Select(pack => pack.Index));
        if (wanted.Count > 0)
            throw new InvalidInputException($"There is no pack {wanted.Min()}: the packs of {run.Root} go from 0 to {new Grid(run.Experiment).PackCount() - 1}.");
        foreach (string file in Inputs(run, found).Where(file => !File.Exists(run.Path(file))))
            throw new InvalidInputException($"{run.Path(file)} is missing: draw the datasets first, with `toy generate`.");
        var plan = TrainingPlan.Open(run, found);
        TrainPacks(plan, plan.Packs, progress, cancellation);
    }

    private static void TrainPacks(TrainingPlan plan, IReadOnlyList<Pack> packs, Action<StageProgress> progress, CancellationToken cancellation)
    {
        double total = packs.Sum(TrainingPlan.Work);
        double done = 0;
        string unit = packs.All(pack => pack.IsExact) ? "starts" : "instance-steps";
        var gate = new Lock();
        foreach (var pack in packs)
            plan.Train(pack, Report, cancellation);

        // Threads report in turn, and what they report only grows.
        void Report(double work)
        {
            lock (gate)
                progress(new StageProgress(Name, done += work, total, unit));
        }
    }

    // Files of the training datasets.
    private static List<string> Inputs(RunFolder run, IEnumerable<Pack> packs) =>
        [
            .. packs.SelectMany(pack => pack.Specs).Where(spec => spec.Data.TrainSamples is not null).Distinct<CellSpec>(ReferenceEqualityComparer.Instance)
                .Select(spec => TrainingPlan.DatasetFolder(run.Experiment, spec)).Distinct()
                .SelectMany(folder => TrainingPlan.DatasetFiles(run, folder)),
        ];

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
}
