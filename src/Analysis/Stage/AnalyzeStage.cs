using ToyPipeline.Analysis.Claims;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Analysis.Phases;
using ToyPipeline.Analysis.Stage;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Analysis;

/// <summary>What the analysis stage did, and what became of the claims.</summary>
/// <param name="Outcome">Whether it ran.</param>
/// <param name="Claims">The claims in the order of the experiment file.</param>
public sealed record AnalysisOutcome(StageOutcome Outcome, IReadOnlyList<ClaimResult> Claims);

/// <summary>The analysis stage: reads <c>weights/</c>, <c>models/</c> and the evaluation datasets, writes <c>analysis/</c>.</summary>
public static class AnalyzeStage
{
    /// <summary>Name of the stage.</summary>
    public const string Name = "analyze";

    /// <summary>Of a run of more instances than this, the tables of instances, features and components have the best of each cell alone.</summary>
    public const int MaxListedInstances = 100_000;

    private const string ClaimsCsv = "analysis/claims.csv";

    /// <summary>Evaluates and measures every instance, checks the claims, and writes the tables; skips where nothing changed.</summary>
    /// <param name="run">The run.</param>
    /// <param name="progress">Called as instances are done.</param>
    /// <param name="cancellation">Stops between batches; nothing partial is left.</param>
    /// <exception cref="InvalidInputException">A file of an earlier stage is missing, damaged or changed, or a claim cannot be checked.</exception>
    /// <exception cref="EnvironmentFaultException">The folder cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static AnalysisOutcome Run(RunFolder run, Action<StageProgress> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(progress);
        return Record(run, () => Write(run, PackGate.Opened, progress, cancellation));
    }

    /// <summary>Runs the stage, with its files written by <paramref name="write"/>, which may have begun before.</summary>
    /// <param name="run">The run.</param>
    /// <param name="write">Gives what <see cref="Write"/> gives.</param>
    /// <inheritdoc cref="Run" path="/exception"/>
    public static AnalysisOutcome Record(RunFolder run, Func<IReadOnlyList<string>> write)
    {
        ArgumentNullException.ThrowIfNull(run);
        string options = run.Experiment.Resolved("seed", "model", "data", "importance", "training", "replicas", "axes", "evaluation", "phase", "branches", "claims");
        var outcome = run.Stage(typeof(AnalyzeStage), Name, options, Inputs(run), write);
        return new AnalysisOutcome(outcome, ClaimRows.Read(run.Path(ClaimsCsv)));
    }

    /// <summary>The claims that the run in <paramref name="folder"/> was last checked against; null where it was not analysed.</summary>
    /// <exception cref="InvalidInputException">The table is damaged.</exception>
    public static IReadOnlyList<ClaimResult>? Claims(string folder)
    {
        string path = Path.Combine(folder, ClaimsCsv);
        return File.Exists(path) ? ClaimRows.Read(path) : null;
    }

    /// <summary>The claims of an experiment that nothing was measured for: what they expect, and that none holds.</summary>
    public static IReadOnlyList<ClaimResult> Unmeasured(Experiment experiment)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        return [.. experiment.Claims.Select(claim => new ClaimCheck(claim, experiment.Axes).Result() with { Measured = "" })];
    }

    private static List<string> Inputs(RunFolder run)
    {
        var inputs = new List<string>();
        var datasets = new HashSet<string>();
        var datasetOf = DatasetNames(run.Experiment);
        foreach (var pack in new Grid(run.Experiment).EnumeratePacks())
        {
            inputs.Add(RunFolder.Weights(pack.Index));
            if (IsScored(run.Experiment, pack))
            {
                inputs.AddRange(Models(run, pack));
                datasets.UnionWith(pack.Specs.Select(datasetOf));
            }

            if (!pack.IsExact && (run.Experiment.Evaluation.Dynamics is not null || (!IsScored(run.Experiment, pack) && RecordsLoss(pack))))
                inputs.Add(RunFolder.History(pack.Index));
        }

        inputs.AddRange(datasets.SelectMany(folder => DatasetFiles(run, folder)));
        if (run.Experiment.Branches is not null)
            inputs.Add(RunFolder.Branches);
        return inputs;
    }

    /// <summary>Measures each pack as soon as its models are there, writes the tables, and returns their paths relative to the run folder.</summary>
    /// <param name="run">The run.</param>
    /// <param name="exported">Opens for packs whose models are there, and for all when the stages before have finished.</param>
    /// <param name="progress">Called as instances are done.</param>
    /// <param name="cancellation">Stops between batches; nothing partial is left.</param>
    /// <inheritdoc cref="Run" path="/exception"/>
    public static IReadOnlyList<string> Write(RunFolder run, PackGate exported, Action<StageProgress> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(exported);
        ArgumentNullException.ThrowIfNull(progress);
        // Branches are followed when the last pack is trained.
        if (run.Experiment.Branches is not null)
            exported.WaitForAll(cancellation);
        var grid = new Grid(run.Experiment);
        var checks = run.Experiment.Claims.Select(claim => new ClaimCheck(claim, run.Experiment.Axes)).ToList();
        int done = 0;
        using var best = new BestInstances(run.Root);
        using var phases = new PhaseTables(run);
        var measured = new DataMeasurement(run, DatasetNames(run.Experiment), cancellation);
        AnalysisTables.Write(run, grid.InstanceCount > MaxListedInstances, tables => measured.Write(() =>
        {
            foreach (var cell in Cells(grid.EnumeratePacks().SelectMany(Measure), run.Experiment.Replicas))
            {
                measured.Add(cell);
                tables.Add(cell);
                best.Add(cell.Best);
                phases.Add(cell);
                foreach (var check in checks)
                    check.Add(cell);
            }
        }));
        foreach (var check in checks.Where(check => check.IsOfGrid))
            check.Add(phases.Measure(check.Measure));
        AtomicFile.Write(run.Path(ClaimsCsv), stream => ClaimRows.Write(stream, [.. checks.Select(check => check.Result())]));
        return [.. AnalysisTables.Files, ClaimsCsv, .. measured.Files, .. best.Finish(), .. phases.Write()];

        IEnumerable<InstanceAnalysis> Measure(Pack pack)
        {
            exported.Wait(pack.Index, cancellation);
            return Measured(run, pack, Evaluated, cancellation);
        }

        void Evaluated(int count) => progress(new StageProgress(Name, done += count, grid.InstanceCount, "instances"));
    }

    private static IEnumerable<InstanceAnalysis> Measured(RunFolder run, Pack pack, Action<int> evaluated, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        string path = run.Path(RunFolder.Weights(pack.Index));
        var weights = LoadOf(pack, path);
        string[] models = IsScored(run.Experiment, pack) ? Models(run, pack) : [];
        var evaluations = models.Length > 0 ? new PackEvaluation(run, DatasetNames(run.Experiment), evaluated, cancellation).Evaluate(pack, weights, models) : null;
        var known = pack.IsExact ? ExactLosses.Of(weights, path) : evaluations is null ? TrainingLosses(run, pack) : null;
        if (evaluations is null)
            evaluated(pack.Instances.Count);
        return Enumerable.Range(0, pack.Instances.Count).AsParallel().AsOrdered().WithCancellation(cancellation).Select(place =>
            new InstanceAnalysis(
                pack.Instances[place], pack.Specs[place], weights, place, WeightAnalysis.Of(weights, place), known?[place] ?? evaluations![place].Loss)
            {
                Interference = evaluations?[place].Interference,
                Model = models.Length == 0 ? "" : models[Math.Min(place, models.Length - 1)],
                History = RunFolder.History(pack.Index),
            }).AsSequential();
    }

    // Whether the models of a pack are run on samples.
    private static bool IsScored(Experiment experiment, Pack pack) =>
        experiment.Evaluation.Samples > 0 && (!pack.IsExact || experiment.Evaluation.MeasuresOnSamples);

    private static bool RecordsLoss(Pack pack) => pack.Training.History.LossEvery > 0;

    // The last recorded loss: the mean over the last span of training steps.
    private static LossEstimate[] TrainingLosses(RunFolder run, Pack pack)
    {
        if (!RecordsLoss(pack))
            return [.. Enumerable.Repeat(new LossEstimate(double.NaN, double.NaN, 0), pack.Instances.Count)];
        string path = run.Path(RunFolder.History(pack.Index));
        var history = TrainingHistory.Load(path);
        int records = history.LossSteps.Length;
        return records > 0 && history.Instances.Select(instance => instance.Index).SequenceEqual(pack.Instances.Select(instance => instance.Index))
            ? [.. pack.Instances.Select((_, place) => new LossEstimate(history.Loss[((place + 1) * records) - 1], double.NaN, 0))]
            : throw new InvalidInputException($"{path} has no losses of the instances of pack {pack.Index}: train again, with training.history.loss_every at least 1.");
    }

    // The replicas of a cell follow one another, at times from one pack into the next.
    private static IEnumerable<CellAnalysis> Cells(IEnumerable<InstanceAnalysis> instances, int replicas)
    {
        var members = new List<InstanceAnalysis>(replicas);
        foreach (var instance in instances)
        {
            members.Add(instance);
            if (members.Count < replicas)
                continue;
            yield return new CellAnalysis([.. members]);
            members.Clear();
        }
    }

    private static EnsembleWeights LoadOf(Pack pack, string path)
    {
        var weights = EnsembleWeights.Load(path);
        return new ModelSpec(weights.Kind, weights.Features, weights.Hidden) == pack.Model
            && weights.Instances.Select(instance => instance.Index).SequenceEqual(pack.Instances.Select(instance => instance.Index))
            ? weights
            : throw new InvalidInputException($"{path} holds other instances than pack {pack.Index} of the experiment: train again, or restore the experiment file.");
    }

    // A model file an instance where all of them are there, else the pack's: see PackEvaluation.
    private static string[] Models(RunFolder run, Pack pack)
    {
        string[] instances = [.. pack.Instances.Select(instance => RunFolder.InstanceModel(instance.Index))];
        return Array.TrueForAll(instances, path => File.Exists(run.Path(path))) ? instances : [RunFolder.EnsembleModel(pack.Index)];
    }

    // Replicas share their cell's specification, and the name is a digest worth making once.
    private static Func<CellSpec, string> DatasetNames(Experiment experiment)
    {
        var names = new Dictionary<CellSpec, string>(ReferenceEqualityComparer.Instance);
        return spec =>
        {
            lock (names)
            {
                if (!names.TryGetValue(spec, out string? name))
                    names[spec] = name = RunFolder.Dataset(DatasetManifest.FolderName(spec.Data, RandomStream.Evaluation, experiment.Seed, experiment.Evaluation.Samples));
                return name;
            }
        };
    }

    private static IEnumerable<string> DatasetFiles(RunFolder run, string folder) =>
        [$"{folder}/{DatasetManifest.FileName}", .. DatasetManifest.Load(run.Path(folder)).Shards.Select(shard => $"{folder}/{shard.File}")];
}
