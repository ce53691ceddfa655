using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Random;

namespace ToyPipeline.Training.Tests;

/// <summary>Initial parameters: Xavier-normal, a function of each instance's seed.</summary>
public sealed class InitializerTests
{
    private static readonly ModelSpec s_model = new(ModelKind.ReluOutput, 20, 5);
    private static readonly ulong[] s_seeds = [.. Enumerable.Range(0, 1000).Select(i => (ulong)i * 0x9E3779B97F4A7C15)];

    [Test]
    public void Weights_are_normal_with_the_deviation_of_Glorot_and_Bengio()
    {
        float[] weights = Initializer.Weights(s_model, s_seeds, 0);
        const double Variance = 2.0 / 25;
        double count = weights.Length;
        Assert.Multiple(() =>
        {
            Assert.That(weights, Has.Length.EqualTo(1000 * 20 * 5));
            Assert.That(weights.Average(), Is.EqualTo(0).Within(5 * Math.Sqrt(Variance / count)));
            Assert.That(weights.Average(w => (double)w * w), Is.EqualTo(Variance).Within(5 * Variance * Math.Sqrt(2 / count)));
            Assert.That(weights.Average(w => Math.Pow(w, 4)), Is.EqualTo(3 * Variance * Variance).Within(5 * Variance * Variance * Math.Sqrt(96 / count)));
        });
    }

    [Test]
    public void An_entry_is_the_number_of_its_seed_matrix_and_place() =>
        Assert.That(Initializer.Weights(s_model, [7, 8], 1)[100 + 13], Is.EqualTo((float)(Math.Sqrt(2.0 / 25) * RandomNumbers.Normal(8, RandomStream.Initialization, 13, 1))));

    [Test]
    public void An_instance_starts_the_same_whatever_the_pack()
    {
        float[] together = Initializer.Weights(s_model, s_seeds[..5], 0);
        Assert.That(Initializer.Weights(s_model, [s_seeds[3]], 0), Is.EqualTo(together[300..400]));
    }

    [Test]
    public void The_two_matrices_of_the_absolute_value_model_differ() =>
        Assert.That(Initializer.Weights(s_model, [1], 0), Is.Not.EqualTo(Initializer.Weights(s_model, [1], 1)));

    [Test]
    public void An_ensemble_starts_with_them_and_a_zero_bias()
    {
        using var ensemble = Small.Ensemble(Small.Experiment(ModelKind.AbsoluteValue, 3, 2, "replicas: 4"));
        var weights = ensemble.Weights("");
        ulong[] seeds = [.. ensemble.Pack.Instances.Select(instance => instance.Seed)];
        Assert.Multiple(() =>
        {
            Assert.That(weights.W, Is.EqualTo(Initializer.Weights(ensemble.Spec, seeds, 0)));
            Assert.That(weights.W2, Is.EqualTo(Initializer.Weights(ensemble.Spec, seeds, 1)));
            Assert.That(weights.B, Is.All.Zero);
        });
    }
}
