using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Tests;

/// <summary>An instance's result is bitwise the same for any number of threads and in any pack.</summary>
public sealed class FusedDeterminismTests
{
    private const int Steps = 50;

    // One shape a path: the tile kernel, the row and the Gram kernel with the batch whole, and the row kernel with the batch cut into slices. Half of
    // the instances have sparse features, the others dense ones.
    private static readonly (string Model, int Batch, double Decay)[] s_shapes =
    [
        ("{ kind: relu-output, features: 5, hidden: 2 }", 1024, 0.95),
        ("{ kind: absolute-value, features: 7, hidden: 3 }", 100, 0.95),
        ("{ kind: relu-output, features: 20, hidden: 9 }", 200, 0.95),
        ("{ kind: relu-output, features: 120, hidden: 20 }", 330, 0.95),
        ("{ kind: relu-output, features: 300, hidden: 30 }", 600, 0.95),
        ("{ kind: absolute-value, features: 280, hidden: 33 }", 514, 0.95),
        ("{ kind: absolute-value, features: 100, hidden: 40 }", 128, 0.95),
        ("{ kind: relu-hidden, features: 64, hidden: 33 }", 65, 0.95),
        ("{ kind: linear, features: 300, hidden: 7 }", 200, 0.95),
        ("{ kind: linear, features: 41, hidden: 23 }", 190, 0.95),
        ("{ kind: linear, features: 299, hidden: 30 }", 600, 1), // with features that are taken as linear
        ("{ kind: linear, features: 70, hidden: 9 }", 200, 1),
    ];

    private static IEnumerable<string> Models => s_shapes.Select(shape => shape.Model);

    [TestCaseSource(nameof(Models))]
    public void Threads_and_packs_change_no_bit(string model)
    {
        var (_, batch, decay) = s_shapes.Single(shape => shape.Model == model);
        var grid = new Grid(Experiment.Parse(
            $$"""
            name: same
            model: {{model}}
            data: { sparsity: 0.9 }
            importance: { decay: {{decay}} }
            training: { steps: {{Steps}}, batch: {{batch}} }
            replicas: 3
            axes:
              - { path: data.sparsity, values: [0.5, 0.95] }
            """,
            "same.yaml"));
        foreach (var set in Ensembles.Sets.Where(set => set <= Simd.Best))
        {
            // Six instances whole; then in packs smaller than the threads, whose batches are cut among these.
            var expected = Train(grid, grid.InstanceCount, set, threads: 1);
            foreach (int threads in (int[])[2, 7])
                Same(Train(grid, grid.InstanceCount, set, threads), expected, $"{set}, {threads} threads");
            foreach (int size in (int[])[1, 2, 5])
                Same(Train(grid, size, set, threads: 2), expected, $"{set}, packs of {size}");
            Same(Train(grid, 1, set, threads: 7), expected, $"{set}, packs of 1, 7 threads");
        }
    }

    [Test]
    public void Stopping_between_calls_changes_no_bit([Values(2, 40)] int hidden)
    {
        var cell = new CellSpec(
            new ModelSpec(ModelKind.ReluOutput, 60, hidden), Ensembles.Data(60, 0.1), [.. Enumerable.Repeat(1.0, 60)], Ensembles.Training(128));
        float[] whole = Train(cell, [Steps]), parts = Train(cell, [1, 7, 8, 30, Steps]);
        Assert.That(parts, Is.EqualTo(whole));
    }

    [Test]
    public void The_loss_that_training_reports_is_the_mean_over_its_steps([Values(2, 40)] int hidden)
    {
        var cell = new CellSpec(
            new ModelSpec(ModelKind.ReluOutput, 60, hidden), Ensembles.Data(60, 0.1), [.. Enumerable.Repeat(1.0, 60)], Ensembles.Training(128));
        using var ensemble = Ensembles.Create(cell, 2, 1);
        using var fused = Ensembles.Fused(ensemble, Simd.Best);
        double[] loss = new double[2], sum = new double[2];
        for (long step = 0; step < 4; step++)
        {
            var evaluated = fused.Evaluate(step);
            fused.Train(step, step + 1, loss, CancellationToken.None);
            for (int i = 0; i < 2; i++)
            {
                Assert.That(loss[i], Is.EqualTo(evaluated.Loss[i]).Within(1e-4).Percent);
                sum[i] += loss[i] / 4;
            }
        }

        using var again = Ensembles.Create(cell, 2, 1);
        using var other = Ensembles.Fused(again, Simd.Best);
        other.Train(0, 4, loss, CancellationToken.None);
        Assert.That(loss, Is.EqualTo(sum).Within(1e-12));
    }

    private static float[] Train(CellSpec cell, long[] stops)
    {
        using var ensemble = Ensembles.Create(cell, 3, 1);
        using var fused = Ensembles.Fused(ensemble, Simd.Best);
        long from = 0;
        foreach (long to in stops)
        {
            fused.Train(from, to, new double[3], CancellationToken.None);
            from = to;
        }

        return Ensembles.Parameters(ensemble);
    }

    // Loss and parameters of every instance, by its index.
    private static SortedDictionary<int, (double Loss, float[] Values)> Train(Grid grid, int packSize, InstructionSet set, int threads)
    {
        var results = new SortedDictionary<int, (double, float[])>();
        foreach (var pack in grid.Packs(packSize))
        {
            using var ensemble = Ensemble.Create(pack, _ => throw new InvalidOperationException("There is no dataset."));
            using var fused = Ensembles.Fused(ensemble, set, threads);
            double[] loss = new double[ensemble.Instances];
            fused.Train(0, Steps, loss, CancellationToken.None);
            var weights = ensemble.Weights("");
            for (int i = 0; i < loss.Length; i++)
                results[pack.Instances[i].Index] = (loss[i], [.. weights.WOf(i), .. weights.DecoderOf(i), .. weights.BOf(i)]);
        }

        return results;
    }

    private static void Same(
        SortedDictionary<int, (double Loss, float[] Values)> actual, SortedDictionary<int, (double Loss, float[] Values)> expected, string what)
    {
        Assert.That(actual.Keys, Is.EqualTo(expected.Keys));
        foreach (var (index, (loss, values)) in expected)
        {
            Assert.That(actual[index].Loss, Is.EqualTo(loss), $"loss of instance {index}, {what}");
            Assert.That(actual[index].Values.AsSpan().SequenceEqual(values), $"parameters of instance {index}, {what}");
        }
    }
}
