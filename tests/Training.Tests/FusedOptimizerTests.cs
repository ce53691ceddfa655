using TorchSharp.Modules;
using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;
using ToyPipeline.Training.Fused;
using static TorchSharp.torch;

namespace ToyPipeline.Training.Tests;

/// <summary>The fused optimizer against TorchSharp's own, on the same gradients.</summary>
public sealed unsafe class FusedOptimizerTests
{
    private const int Steps = 1000;

    private static readonly OptimizerSpec[] s_optimizers =
    [
        Ensembles.AdamW,
        Ensembles.AdamW with { WeightDecay = 0, LearningRate = 1e-2 },
        Ensembles.AdamW with { Beta1 = 0.5, Beta2 = 0.9, Epsilon = 1e-4, WeightDecay = 0.3 },
        new(OptimizerKind.Adam, 1e-3, 0, 0.9, 0.999, 1e-8, 0),
        new(OptimizerKind.Adam, 1e-3, 0.1, 0.9, 0.99, 1e-6, 0),
        new(OptimizerKind.Sgd, 1e-2, 0, 0.9, 0.999, 1e-8, 0),
        new(OptimizerKind.Sgd, 1e-3, 0.1, 0.9, 0.999, 1e-8, 0.9),
    ];

    [Test]
    public void Updates_equal_those_of_TorchSharp(
        [ValueSource(nameof(s_optimizers))] OptimizerSpec spec, [Values(1, 37)] int count, [Values] Schedule schedule)
    {
        var training = Ensembles.Training(1, Steps, spec, schedule);
        float[] start = Normal(count, 0), expected = Reference(training, start);
        foreach (var set in Ensembles.Sets)
        {
            float[] actual = Fused(training, start, set);
            for (int e = 0; e < count; e++)
                Assert.That(actual[e], Is.EqualTo(expected[e]).Within(1e-6 * Math.Max(1, Math.Abs(expected[e]))), $"{set}, parameter {e}");
        }
    }

    [TestCaseSource(typeof(Ensembles), nameof(Ensembles.Sets))]
    public void A_parameter_without_gradient_stays_and_leaves_no_subnormal_moment(InstructionSet set)
    {
        const int count = 21;
        float[] parameters = Normal(count, 0), before = [.. parameters], gradient = new float[count], state = new float[2 * count];
        var optimizer = FusedOptimizer.Create(Ensembles.AdamW with { WeightDecay = 0 }, set);
        fixed (float* p = parameters, g = gradient, s = state)
        {
            optimizer.Update([new((nint)p, count)], g, s, 0, 1e-3);
            Assert.That(parameters, Is.EqualTo(before));
            // One gradient, then none: the moments fade away through zero, not through numbers that are slow to compute with.
            Array.Fill(gradient, 1e-3f);
            optimizer.Update([new((nint)p, count)], g, s, 1, 1e-3);
            Array.Clear(gradient);
            for (long step = 2; step < 3000; step++)
                optimizer.Update([new((nint)p, count)], g, s, step, 1e-3);
        }

        Assert.That(state.Where(float.IsSubnormal), Is.Empty);
        Assert.That(parameters, Has.All.Matches<float>(float.IsFinite));
    }

    private static float[] Fused(TrainingSpec training, float[] start, InstructionSet set)
    {
        int count = start.Length;
        float[] parameters = [.. start], state = new float[2 * count];
        var optimizer = FusedOptimizer.Create(training.Optimizer, set);
        for (int step = 0; step < Steps; step++)
        {
            float[] gradient = Gradient(count, step);
            fixed (float* p = parameters, g = gradient, s = state)
                optimizer.Update([new((nint)p, count)], g, s, step, LearningRate.At(training, step));
        }

        return parameters;
    }

    private static float[] Reference(TrainingSpec training, float[] start)
    {
        var spec = training.Optimizer;
        using var scope = NewDisposeScope();
        var parameter = new Parameter(tensor(start));
        Parameter[] parameters = [parameter];
        using optim.Optimizer optimizer = spec.Kind switch
        {
            OptimizerKind.AdamW => optim.AdamW(parameters, spec.LearningRate, spec.Beta1, spec.Beta2, spec.Epsilon, spec.WeightDecay),
            OptimizerKind.Adam => optim.Adam(parameters, spec.LearningRate, spec.Beta1, spec.Beta2, spec.Epsilon, spec.WeightDecay),
            _ => optim.SGD(parameters, spec.LearningRate, spec.Momentum, weight_decay: spec.WeightDecay),
        };
        for (int step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            foreach (var group in optimizer.ParamGroups)
                group.LearningRate = LearningRate.At(training, step);
            optimizer.zero_grad();
            // d/dp Σ g·p = g
            (parameter * tensor(Gradient(start.Length, step))).sum().backward();
            optimizer.step();
        }

        return Ensemble.Values(parameter);
    }

    // Gradients of very different size, some zero, with a drift: the moments come to something.
    private static float[] Gradient(int count, int step)
    {
        float[] values = Normal(count, step + 1);
        for (int e = 0; e < count; e++)
            values[e] = (step + e) % 5 == 0 ? 0 : (values[e] + (float)Math.Sin(step / 100.0)) * MathF.Pow(10, -(e % 4));
        return values;
    }

    private static float[] Normal(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }
}
