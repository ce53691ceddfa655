using ToyPipeline.Analysis.Dynamics;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Tests;

/// <summary>What an instance went through, on weights that were made to jump.</summary>
public sealed class TrainingDynamicsTests
{
    private const int Points = 100;

    private static readonly DynamicsSpec s_spec = new(1000, 0.1, 0.02);

    [Test]
    public void A_jump_with_a_drop_is_matched_and_one_without_is_not([Values] bool together)
    {
        // Feature 1 turns from the direction of feature 0 to one of its own after half the record: D goes from 1/2 to 1.
        var dynamics = TrainingDynamics.Of(
            [.. Enumerable.Range(0, Points)], [.. Enumerable.Range(0, Points).Select(t => Weights(t < 50))],
            [.. Enumerable.Range(0, Points).Select(t => t < (together ? 50 : 20) ? 0.2 : 0.1)], s_spec);
        Assert.Multiple(() =>
        {
            Assert.That(dynamics.Jumps.Select(jump => (jump.Feature, jump.First, jump.Last, jump.Matched)), Is.EqualTo(new (int?, int, int, bool)[] { (0, 49, 50, together), (1, 49, 50, together) }));
            Assert.That(dynamics.Changes.Select(change => change.Last), Is.EqualTo(new[] { 50 }));
            Assert.That(dynamics.Drops.Select(drop => (drop.Last, drop.Matched)), Is.EqualTo(new[] { (together ? 50 : 20, together) }));
            Assert.That(dynamics.MatchedJumpShare, Is.EqualTo(together ? 1 : 0));
            // Of the 99 places of a jump of one step, those that a drop of one step and a snapshot more or less reach.
            Assert.That(dynamics.ChanceMatchShare, Is.EqualTo(5.0 / 99).Within(1e-12));
            Assert.That(dynamics.ArrangementCount, Is.EqualTo(2));
            Assert.That(dynamics.PlateauShare, Is.EqualTo(1));
            Assert.That(dynamics.TimeInJumps, Is.EqualTo(1.0 / 50));
            Assert.That(dynamics.LossFallInJumps, together ? Is.EqualTo(1) : Is.NaN);
        });
    }

    [Test]
    public void The_loss_of_a_snapshot_is_that_of_the_plain_forward_pass([Values] ModelKind kind)
    {
        const int N = 5, Samples = 21;
        var weights = TestData.Weights(kind, 1, N, 3);
        float[] x = TestData.Samples(Samples, N, 0.6, signed: kind == ModelKind.AbsoluteValue);
        double[] importance = [1, 0.5, 0.25, 2, 1];
        double sum = 0;
        for (int s = 0; s < Samples; s++)
        {
            double[] y = TestData.Forward(weights, 0, x.AsSpan(s * N, N)).Reconstruction;
            for (int i = 0; i < N; i++)
            {
                double target = kind == ModelKind.AbsoluteValue ? Math.Abs(x[(s * N) + i]) : x[(s * N) + i];
                sum += importance[i] * (target - y[i]) * (target - y[i]) / N;
            }
        }

        Assert.That(SnapshotLoss.Of([weights], importance, x, CancellationToken.None).Single(), Is.EqualTo(sum / Samples).Within(1e-12));
    }

    [Test]
    public void Snapshots_of_an_instance_are_its_own_and_foreign_shapes_are_refused()
    {
        Instance[] instances = [new(4, new Cell(4, []), 0, 0), new(5, new Cell(5, []), 0, 0)];
        var history = new TrainingHistory
        {
            Instances = instances,
            LossSteps = [],
            Loss = [],
            SnapshotSteps = [0, 10],
            Snapshots = new Dictionary<string, Tensor>
            {
                ["W"] = new([2, 2, 2, 1], [1, 2, 3, 4, 5, 6, 7, 8]),
                ["b"] = new([2, 2, 2], [.1f, .2f, .3f, .4f, .5f, .6f, .7f, .8f]),
            },
        };
        var snapshots = SnapshotWeights.Of(history, "history", instances[1], new ModelSpec(ModelKind.ReluOutput, 2, 1));
        Assert.Multiple(() =>
        {
            Assert.That(snapshots.Steps, Is.EqualTo(new[] { 0, 10 }));
            Assert.That(snapshots.Weights.Select(weights => weights.W), Is.EqualTo(new[] { new[] { 3f, 4 }, [7, 8] }));
            Assert.That(snapshots.Weights[1].B, Is.EqualTo(new[] { .7f, .8f }));
            Assert.That(() => SnapshotWeights.Of(history, "history", instances[1], new ModelSpec(ModelKind.ReluOutput, 1, 2)), Throws.TypeOf<InvalidInputException>());
            Assert.That(() => SnapshotWeights.Of(history, "history", instances[0] with { Index = 9 }, new ModelSpec(ModelKind.ReluOutput, 2, 1)), Throws.TypeOf<InvalidInputException>());
        });
    }

    private static WeightAnalysis Weights(bool shared) => WeightAnalysis.Of(Shapes.Pack(shared ? [[1, 0], [1, 0]] : [[1, 0], [0, 1]], 2), 0);
}
