using CsCheck;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Random;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Tests;

/// <summary>Loss and gradient of the fused kernels against TorchSharp's, on the same samples and parameters.</summary>
public sealed class FusedGradientTests
{
    private const double Tolerance = 1e-5;

    private static readonly Gen<double> s_density = Gen.OneOf(
        Gen.Const(1.0), Gen.Const(0.001), Gen.Double[-6, 0].Select(Math.Exp));

    private static readonly Gen<Case> s_cases =
        from kind in Gen.Enum<ModelKind>()
        from n in Gen.Int[1, 90]
        from m in Gen.OneOf(Gen.Int[1, 9], Gen.Int[1, 70])
        from density in s_density
        from range in Gen.Enum<ValueRange>()
        from batch in Gen.Int[1, 300]
        from decay in Gen.Double[0.7, 1]
        from sets in Gen.Int[0, 3]
        from bias in Gen.OneOf(Gen.Const(0.0), Gen.Const(0.2))
        from seed in Gen.Int[0, 1_000_000]
        select new Case(kind, n, m, density, range, batch, decay, Sets(n, sets, density), bias, (ulong)seed);

    [TestCaseSource(typeof(Ensembles), nameof(Ensembles.Sets))]
    public void Fused_equals_autograd(InstructionSet set) =>
        s_cases.Sample(c => Agree(c, set, avoidKinks: true), threads: 1);

    [TestCase(ModelKind.ReluOutput, 600, 40, 200)]
    [TestCase(ModelKind.AbsoluteValue, 600, 40, 130)]
    [TestCase(ModelKind.ReluHidden, 513, 33, 64)]
    [TestCase(ModelKind.ReluOutput, 2048, 256, 64)]
    [TestCase(ModelKind.AbsoluteValue, 2048, 256, 64)]
    [TestCase(ModelKind.Linear, 1024, 100, 64)]
    [TestCase(ModelKind.ReluOutput, 512, 1, 100)]
    [TestCase(ModelKind.ReluOutput, 73, 7, 1024)] // the last shape of the tile kernel…
    [TestCase(ModelKind.ReluOutput, 74, 7, 1024)] // …and what comes after it
    [TestCase(ModelKind.ReluOutput, 256, 64, 512)] // the last shape of the Gram kernel…
    [TestCase(ModelKind.ReluOutput, 257, 64, 512)] // …and what comes after it
    [TestCase(ModelKind.Linear, 200, 40, 1000)]
    [TestCase(ModelKind.ReluOutput, 74, 8, 1024)]
    public void Fused_equals_autograd_on_a_large_shape(ModelKind kind, int n, int m, int batch)
    {
        var range = kind == ModelKind.AbsoluteValue ? ValueRange.Signed : ValueRange.Unit;
        foreach (var set in Ensembles.Sets)
        {
            foreach (double density in (double[])[1, 0.03])
                Agree(new Case(kind, n, m, density, range, batch, 0.99, Sets(n, 2, density), 0.1, 5), set);
        }
    }

    // Half of the features are ignored, on at their mean, as after some training; the batch ends within a tile.
    [Test]
    public void Fused_equals_autograd_with_linear_features(
        [ValueSource(typeof(Ensembles), nameof(Ensembles.Sets))] InstructionSet set,
        [Values(ModelKind.Linear, ModelKind.ReluOutput, ModelKind.ReluHidden)] ModelKind kind,
        [Values(1, 0.3, 0.04)] double density,
        [Values(10, 30)] int m)
    {
        const int n = 101, batch = 200;
        var cell = new CellSpec(
            new ModelSpec(kind, n, m), Ensembles.Data(n, density, sets: Sets(n, 2, density)), [.. Enumerable.Repeat(0.7, n)], Ensembles.Training(batch));
        using var ensemble = Ensembles.Create(cell, 2, 4);
        Ensembles.Ignore(ensemble, feature => feature % 7 != 0, bias: 0.4 * density);
        Assert.That(LinearFeaturesTests.Count(ensemble, 0), Is.GreaterThan(n / 2));
        long step = 0;
        while (Kinks.Near(ensemble, step))
            step++;
        Agree(ensemble, set, step, cell.ToString());
    }

    [Test]
    public void Fused_equals_autograd_on_a_dataset(
        [ValueSource(typeof(Ensembles), nameof(Ensembles.Sets))] InstructionSet set, [Values] ModelKind kind, [Values(3, 12)] int m, [Values(0.3, 0.1)] double density)
    {
        const int n = 11;
        string folder = Directory.CreateTempSubdirectory("toypipeline-training-").FullName;
        try
        {
            // The batch does not divide the dataset: it wraps around within a batch and within a tile.
            var data = Ensembles.Data(n, density, ValueRange.Signed, samples: 333);
            DatasetGenerator.Generate(folder, data, 9, RandomStream.Training, 333);
            var cell = new CellSpec(new ModelSpec(kind, n, m), data, [.. Enumerable.Repeat(1.0, n)], Ensembles.Training(100));
            using var ensemble = Ensembles.Create(cell, 2, 3, dataset: folder);
            foreach (long step in (long[])[0, 3, 1_000_000])
                Agree(ensemble, set, step, cell.ToString());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Agree(Case c, InstructionSet set, bool avoidKinks = false)
    {
        var data = Ensembles.Data(c.N, c.Density, c.Range, c.Sets);
        double[] importance = [.. Enumerable.Range(0, c.N).Select(i => Math.Pow(c.Decay, i))];
        using var ensemble = Ensembles.Create(new CellSpec(new ModelSpec(c.Kind, c.N, c.M), data, importance, Ensembles.Training(c.Batch)), 2, c.Seed, c.Bias);
        long step = (long)c.Seed;
        while (avoidKinks && Kinks.Near(ensemble, step))
            step++;
        Agree(ensemble, set, step, c.ToString());
    }

    private static void Agree(Ensemble ensemble, InstructionSet set, long step, string what)
    {
        using var fused = Ensembles.Fused(ensemble, set);
        using var autograd = new AutogradObjective(ensemble);
        var actual = fused.Evaluate(step);
        var expected = autograd.Evaluate(step);
        Near(actual.W, expected.W, "gradient of W");
        if (expected.W2 is not null)
            Near(actual.W2!, expected.W2, "gradient of W2");
        Near(actual.B, expected.B, "gradient of b");
        for (int i = 0; i < expected.Loss.Length; i++)
            Assert.That(actual.Loss[i], Is.EqualTo(expected.Loss[i]).Within(100 * Tolerance).Percent.Or.EqualTo(expected.Loss[i]).Within(1e-12), $"loss, {set}, {what}");

        void Near(float[] values, float[] reference, string name)
        {
            int size = reference.Length / ensemble.Instances;
            for (int i = 0; i < ensemble.Instances; i++)
            {
                var part = reference.AsSpan(i * size, size);
                // Relative to the gradient; where its samples cancel, to what they are of: |∂L/∂b_i| ≤ 2 √(L / n) when I ≤ 1.
                double scale = Math.Max(Ensembles.Norm(part), 0.1 * Math.Sqrt(expected.Loss[i] / ensemble.Spec.Features));
                Assert.That(Ensembles.Distance(values.AsSpan(i * size, size), part), Is.LessThanOrEqualTo(Tolerance * scale), $"{name}, {set}, instance {i}, {what}");
            }
        }
    }

    // The first features in pairs or threes, correlated and anticorrelated in turn.
    private static FeatureSet[] Sets(int n, int count, double density)
    {
        var sets = new List<FeatureSet>();
        for (int first = 0; sets.Count < count && first + 3 <= n; first += 3)
            sets.Add(new FeatureSet(sets.Count % 2 == 0 ? SetKind.Correlated : SetKind.Anticorrelated, [first + 2, first, first + 1], density));
        return [.. sets];
    }

    private sealed record Case(
        ModelKind Kind, int N, int M, double Density, ValueRange Range, int Batch, double Decay, FeatureSet[] Sets, double Bias, ulong Seed);
}
