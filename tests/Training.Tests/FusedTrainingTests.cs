using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Tests;

/// <summary>Fused and autograd train alike: the same samples, the same optimizer, curves that stay together.</summary>
public sealed class FusedTrainingTests
{
    private const int Steps = 200;

    [TestCase(ModelKind.ReluOutput, 5, 2)]
    [TestCase(ModelKind.ReluHidden, 10, 5)]
    [TestCase(ModelKind.AbsoluteValue, 10, 10)]
    [TestCase(ModelKind.Linear, 20, 5)]
    [TestCase(ModelKind.ReluOutput, 80, 20)]
    public void Losses_stay_together(ModelKind kind, int n, int m)
    {
        var range = kind == ModelKind.AbsoluteValue ? ValueRange.Signed : ValueRange.Unit;
        double[] importance = [.. Enumerable.Range(0, n).Select(i => Math.Pow(0.9, i))];
        var training = Ensembles.Training(256, Steps, Ensembles.AdamW with { LearningRate = 3e-3 }, Schedule.Cosine);
        var cell = new CellSpec(new ModelSpec(kind, n, m), Ensembles.Data(n, 0.2, range), importance, training);
        using var first = Ensembles.Create(cell, 3, 17, bias: 0);
        using var second = Ensembles.Create(cell, 3, 17, bias: 0);
        using var fused = Ensembles.Fused(first, Simd.Current);
        using var autograd = new AutogradObjective(second);
        double[] actual = new double[3], expected = new double[3];
        double start = 0;
        for (int step = 0; step < Steps; step += 20)
        {
            fused.Train(step, step + 20, actual, CancellationToken.None);
            autograd.Train(step, step + 20, expected, CancellationToken.None);
            start = step == 0 ? expected[0] : start;
            for (int i = 0; i < 3; i++)
                Assert.That(actual[i], Is.EqualTo(expected[i]).Within(0.1).Percent, $"instance {i}, steps from {step}");
        }

        Assert.That(expected[0], Is.LessThan(0.95 * start), "nothing was learnt");
        float[] reference = Ensembles.Parameters(second);
        Assert.That(Ensembles.Distance(Ensembles.Parameters(first), reference), Is.LessThan(1e-3 * Ensembles.Norm(reference)));
    }

    [Test]
    public void A_cancelled_training_stops()
    {
        var cell = new CellSpec(new ModelSpec(ModelKind.ReluOutput, 5, 2), Ensembles.Data(5, 0.1), [1, 1, 1, 1, 1], Ensembles.Training(64));
        using var ensemble = Ensembles.Create(cell, 2, 1);
        using var fused = Ensembles.Fused(ensemble, Simd.Current);
        using var autograd = new AutogradObjective(ensemble);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.That(() => fused.Train(0, 10, new double[2], cancelled.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(() => autograd.Train(0, 10, new double[2], cancelled.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [TestCase("avx3")]
    [TestCase("7")]
    [TestCase("best")]
    public void An_unknown_instruction_set_is_told_with_what_there_is(string forced) =>
        Assert.That(() => Simd.Parse(forced), Throws.InstanceOf<EnvironmentFaultException>().With.Message.Contains(Simd.Variable).And.Message.Contains(forced).And.Message.Contains("portable"));

    [Test]
    public void An_instruction_set_that_the_processor_lacks_is_refused()
    {
        foreach (var set in Enum.GetValues<InstructionSet>().Except(Simd.Supported))
            Assert.That(() => Simd.Parse(set.ToString()), Throws.InstanceOf<EnvironmentFaultException>());
    }

    [Test]
    public void A_supported_instruction_set_can_be_forced_in_any_spelling()
    {
        Assert.That(Simd.Parse(null), Is.EqualTo(Simd.Best));
        Assert.That(Simd.Parse(""), Is.EqualTo(Simd.Best));
        foreach (var set in Simd.Supported)
        {
            Assert.That(Simd.Parse(set.ToString()), Is.EqualTo(set));
            Assert.That(Simd.Parse(set.ToString().ToLowerInvariant()), Is.EqualTo(set));
        }
    }
}
