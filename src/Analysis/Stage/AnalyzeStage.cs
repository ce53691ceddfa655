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

    /// <summary>Of a run of more instances than this, instances.csv and features.csv have the best of each cell alone.</summary>
    public const int MaxListedInstances = 100_000;

    private const string InstancesCsv = "analysis/instances.csv";
    private const string FeaturesCsv = "analysis/features.csv";
    private const string CellsCsv = "analysis/cells.csv";
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
        var packs = new Grid(run.Experiment).Packs();
        var plan = packs.Select(pack => (pack, models: (IReadOnlyList<string>)(pack.IsExact ? [] : Models(run, pack)))).ToList();
        var datasetOf = DatasetNames(run.Experiment);
        string[] datasets = [.. packs.Where(pack => !pack.IsExact).SelectMany(pack => pack.Specs).Select(datasetOf).Distinct()];
        List<string> inputs =
        [
            .. plan.Select(item => RunFolder.Weights(item.pack.Index)),
            .. plan.SelectMany(item => item.models),
            .. datasets.SelectMany(folder => DatasetFiles(run, folder)),
            .. run.Experiment.Branches is null ? [] : (string[])[RunFolder.Branches],
        ];
        string options = run.Experiment.Resolved("seed", "model", "data", "importance", "training", "replicas", "axes", "evaluation", "phase", "branches", "claims");
        var outcome = run.Stage(Name, options, inputs, () => Analyse(run, plan, datasetOf, progress, cancellation));
        return new AnalysisOutcome(outcome, AnalysisTables.ReadClaims(run.Path(ClaimsCsv)));
    }

    /// <summary>The claims that the run in <paramref name="folder"/> was last checked against; null where it was not analysed.</summary>
    /// <exception cref="InvalidInputException">The table is damaged.</exception>
    public static IReadOnlyList<ClaimResult>? Claims(string folder)
    {
        string path = Path.Combine(folder, ClaimsCsv);
        return File.Exists(path) ? AnalysisTables.ReadClaims(path) : null;
    }

    private static IReadOnlyList<string> Analyse(
        RunFolder run,
        List<(Pack Pack, IReadOnlyList<string> Models)> plan,
        Func<CellSpec, string> datasetOf,
        Action<StageProgress> progress,
        CancellationToken cancellation)
    {
        var checks = run.Experiment.Claims.Select(claim => new ClaimCheck(claim)).ToList();
        var best = new BestInstances();
        using var phases = new PhaseTables(run);
        int total = plan.Sum(item => item.Pack.Instances.Count);
        int done = 0;
        var evaluation = new PackEvaluation(run, datasetOf, Evaluated, cancellation);
        AtomicFile.Write(run.Path(InstancesCsv), instances => AtomicFile.Write(run.Path(FeaturesCsv), features => AtomicFile.Write(run.Path(CellsCsv), cells =>
        {
            using var tables = new AnalysisTables(instances, features, cells, run.Experiment.Axes, bestOnly: total > MaxListedInstances);
            foreach (var cell in Cells(plan.SelectMany(item => Measured(run, evaluation, item.Pack, item.Models, Evaluated)), run.Experiment.Replicas))
            {
                tables.Add(cell);
                best.Add(cell.Best);
                phases.Add(cell);
                foreach (var check in checks)
                    check.Add(cell);
            }
        })));
        foreach (var check in checks.Where(check => check.IsOfGrid))
            check.Add(phases.Measure(check.Measure));
        AtomicFile.Write(run.Path(ClaimsCsv), stream => AnalysisTables.WriteClaims(stream, [.. checks.Select(check => check.Result())]));
        return [InstancesCsv, FeaturesCsv, CellsCsv, ClaimsCsv, .. best.Save(run.Root), .. phases.Write()];

        void Evaluated(int count) => progress(new StageProgress(Name, done += count, total, "instances"));
    }

    private static IEnumerable<InstanceAnalysis> Measured(
        RunFolder run, PackEvaluation evaluation, Pack pack, IReadOnlyList<string> models, Action<int> evaluated)
    {
        var weights = LoadOf(pack, run.Path(RunFolder.Weights(pack.Index)));
        var losses = pack.IsExact ? ExactLosses.Of(weights, run.Path(RunFolder.Weights(pack.Index))) : evaluation.Losses(pack, models);
        if (pack.IsExact)
            evaluated(pack.Instances.Count);
        return Enumerable.Range(0, pack.Instances.Count).AsParallel().AsOrdered().Select(place =>
            new InstanceAnalysis(pack.Instances[place], pack.Specs[place], weights, place, WeightAnalysis.Of(weights, place), losses[place])).AsSequential();
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
