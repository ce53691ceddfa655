using ToyPipeline.Core.Experiments;
using ToyPipeline.Training.Exact;

namespace ToyPipeline.Bench;

/// <summary>Models of a phase diagram solved on their exact expected loss, against training each in eager mode.</summary>
internal static class ExactBenchmarks
{
    // The reference setting; and as many models side by side as help the peer.
    private const int PeerSteps = 10_000;
    private const int PeerInstances = 100;
    private const int Side = 32;

    public static IEnumerable<Benchmark> All =>
    [
        new("exact/phase-2-1", harness => [Run("exact/phase-2-1", 2, 1, harness)]),
        new("exact/phase-3-2", harness => [Run("exact/phase-3-2", 3, 2, harness)]),
    ];

    private static Result Run(string name, int features, int hidden, Harness harness)
    {
        var experiment = Experiment.Parse(
            $$"""
            name: bench
            model: { features: {{features}}, hidden: {{hidden}} }
            data: { density: 1 }
            importance: { values: 1 }
            training: { objective: exact }
            replicas: 4
            axes:
              - { path: "importance.values[{{features - 1}}]", log: [0.1, 10, {{Side}}] }
              - { path: data.density, log: [0.01, 1, {{Side}}] }
            """, "bench.yaml");
        var pack = new Grid(experiment).Packs().Single();
        var shape = new TrainCase(name, ModelKind.ReluOutput, features, hidden, PeerInstances, 1, 0.1, 0);
        using var peer = new EagerTraining(shape, TrainBenchmarks.FastestPeer(shape));
        var compared = harness.Compare(
            Harness.Timed(repetitions =>
            {
                for (int r = 0; r < repetitions; r++)
                    ExactTraining.Run(pack, "", _ => { }, CancellationToken.None);
            }),
            Harness.Timed(peer.Train));
        return Result.HigherIsBetter(name, pack.Instances.Count / compared.Ours, PeerInstances / (compared.Peer * PeerSteps), "models/s", Machine.Threads).Over(compared) with
        {
            Note = $"peer extrapolated: a step of {PeerInstances} models measured, times {PeerSteps:#,0} steps",
        };
    }
}
