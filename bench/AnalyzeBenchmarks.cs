using ToyPipeline.Analysis;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Bench;

/// <summary>The analysis stage on the weights of a large grid, without evaluation data.</summary>
internal static class AnalyzeBenchmarks
{
    private const string Name = "analyze/n5m2-10000";

    private const string Experiment = """
        name: n5m2
        model: { features: 5, hidden: 2 }
        importance: { decay: 0.9 }
        replicas: 16
        axes:
          - { path: data.density, log: [0.01, 1, 25] }
          - { path: importance.decay, linear: [0.5, 1, 25] }
        evaluation: { samples: 0 }
        claims:
          - { measure: represented_count, monotone: decreasing, along: data.density }
          - { measure: "dimensionality[*]", plateau: { at: 0.4, tolerance: 0.03, share: 0.2 } }
          - { measure: max_superposition, correlates: { with: features_per_dimension, rank: true, at_least: 0.5 } }
        """;

    public static IEnumerable<Benchmark> All => [new(Name, Run)];

    private static List<Result> Run(Harness harness)
    {
        using var folder = new ScratchFolder();
        using var run = RunFolder.Open(folder.Root, Core.Experiments.Experiment.Parse(Experiment, "n5m2.yaml"), force: true);
        int instances = new Grid(run.Experiment).InstanceCount;
        foreach (var pack in new Grid(run.Experiment).EnumeratePacks())
            Draw(pack, run);
        AnalyzeStage.Run(run, _ => { }, CancellationToken.None);
        double seconds = harness.Once(() => AnalyzeStage.Run(run, _ => { }, CancellationToken.None));
        return
        [
            Result.LowerIsBetter(Name, seconds, null, "s", 1) with { Limit = 5, Note = $"{instances} instances, {instances / 16} cells; tables and claims written" },
        ];
    }

    // As after training: pentagons, pairs of digons and pairs of dedicated features, turned and a little off.
    private static void Draw(Pack pack, RunFolder run)
    {
        var random = new Random(pack.Index);
        var w = new List<float>();
        foreach (var _ in pack.Instances)
        {
            double turn = random.NextDouble() * Math.Tau;
            int represented = random.Next(3) switch { 0 => 2, 1 => 4, _ => 5 };
            for (int i = 0; i < 5; i++)
            {
                double angle = turn + (i * Math.Tau / (represented == 5 ? 5 : 4)), norm = i < represented ? 1 : 0.01;
                w.Add((float)(norm * (Math.Cos(angle) + (0.02 * random.NextDouble()))));
                w.Add((float)(norm * (Math.Sin(angle) + (0.02 * random.NextDouble()))));
            }
        }

        int count = pack.Instances.Count;
        new EnsembleWeights { Kind = ModelKind.ReluOutput, Features = 5, Hidden = 2, Instances = pack.Instances, W = [.. w], B = new float[5 * count] }
            .Save(run.Path(RunFolder.Weights(pack.Index)));
        new TrainingHistory { Instances = pack.Instances, LossSteps = [10_000], Loss = [.. pack.Instances.Select(_ => (float)random.NextDouble())] }
            .Save(run.Path(RunFolder.History(pack.Index)));
    }
}
