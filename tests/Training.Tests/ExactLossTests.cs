using System.Runtime.Intrinsics;
using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;
using ToyPipeline.Training.Exact;
using ToyPipeline.Training.Fused;

namespace ToyPipeline.Training.Tests;

/// <summary>The exact expected loss against fractions, samples, closed forms and finite differences.</summary>
public sealed class ExactLossTests
{
    private static readonly double[] s_awkward = [0, 1e-12, -1e-12, 1e-6, -3e-4, 0.5, -0.5, 1, -1, 1 + 1e-13, 30, -1000];

    [Test]
    public void It_is_what_fractions_give([Values(1, 2, 3, 4)] int features, [Values(1, 2)] int hidden)
    {
        var random = new Random((10 * features) + hidden);
        for (int trial = 0; trial < (features == 4 ? 6 : 40); trial++)
        {
            var cell = Exactly.Cell(ModelKind.ReluOutput, features, hidden, random);
            double[] x = Exactly.Parameters(cell.Model, random, trial % 2 == 0 ? s_awkward : null);
            double expected = PlainExactLoss.Of(cell, x);
            // What the terms θᵀMθ, which may be far larger than the loss, leave of 16 digits.
            double scale = Enumerable.Range(0, features).Max(j => cell.Importance[j] * (1 + Math.Pow(Exactly.Largest(cell.Model, x, j), 2)));
            Assert.That(Exactly.Evaluate(cell, x).Loss, Is.EqualTo(expected).Within(1e-14 * scale), $"{string.Join(' ', x)}");
        }
    }

    [Test]
    public void Vanishing_weights_lose_no_digits()
    {
        var random = new Random(5);
        foreach (double size in new[] { 1e-12, 1e-9, 1e-6, 1e-3, 1e-1 })
        {
            // One feature's weights shrink beside the others', and all of them together.
            foreach (bool all in new[] { false, true })
            {
                var cell = Exactly.Cell(ModelKind.ReluOutput, 3, 2, random);
                double[] x = Exactly.Parameters(cell.Model, random);
                for (int e = 0; e < (all ? x.Length : 2); e++)
                    x[e] *= size;
                Assert.That(Exactly.Evaluate(cell, x).Loss, Is.EqualTo(PlainExactLoss.Of(cell, x)).Within(3e-15), $"{size} {all}");
            }
        }
    }

    [TestCase(ModelKind.ReluOutput, 2, 1)]
    [TestCase(ModelKind.ReluOutput, 3, 2)]
    [TestCase(ModelKind.ReluOutput, 5, 2)]
    [TestCase(ModelKind.ReluOutput, 8, 3)]
    [TestCase(ModelKind.Linear, 4, 2)]
    public void Gradient_and_Hessian_are_the_differences(ModelKind kind, int features, int hidden)
    {
        const double Step = 1e-5;
        var random = new Random(features);
        for (int trial = 0; trial < (features == 8 ? 1 : 5); trial++)
        {
            var cell = Exactly.Cell(kind, features, hidden, random);
            double[] x = Exactly.Parameters(cell.Model, random);
            var here = Exactly.Evaluate(cell, x);
            // Of the largest model a few directions: an evaluation fills megabytes.
            for (int p = 0; p < x.Length; p += features == 8 ? 11 : 1)
            {
                double[] above = [.. x], below = [.. x];
                above[p] += Step;
                below[p] -= Step;
                var (up, down) = (Exactly.Evaluate(cell, above), Exactly.Evaluate(cell, below));
                Assert.That((up.Loss - down.Loss) / (2 * Step), Is.EqualTo(here.Gradient[p]).Within(1e-7), $"∂{p}");
                for (int q = 0; q < x.Length; q++)
                    Assert.That((up.Gradient[q] - down.Gradient[q]) / (2 * Step), Is.EqualTo(here.Hessian[(p * x.Length) + q]).Within(1e-6), $"∂{p}∂{q}");
            }
        }
    }

    [Test]
    public void Two_features_in_one_dimension_have_the_closed_forms_of_the_paper([Values(0.01, 0.3, 1)] double p, [Values(0.1, 1, 10)] double r)
    {
        var cell = new CellSpec(new ModelSpec(ModelKind.ReluOutput, 2, 1), Ensembles.Data(2, p), [1, r], Ensembles.Training(1));
        // The paper's losses are sums over the two features, ours is their mean.
        Assert.Multiple(() =>
        {
            Assert.That(2 * Exactly.Evaluate(cell, [1, 0, 0, p / 2]).Loss, Is.EqualTo(r * ((p / 3) - (p * p / 4))).Within(1e-15));
            Assert.That(2 * Exactly.Evaluate(cell, [0, 1, p / 2, 0]).Loss, Is.EqualTo((p / 3) - (p * p / 4)).Within(1e-15));
            Assert.That(2 * Exactly.Evaluate(cell, [1, -1, 0, 0]).Loss, Is.EqualTo((1 + r) * p * p / 6).Within(1e-15));
        });
    }

    [TestCase(ModelKind.ReluOutput, 2, 1, 1_000_000L)]
    [TestCase(ModelKind.ReluOutput, 5, 2, 1_000_000L)]
    [TestCase(ModelKind.Linear, 3, 2, 1_000_000L)]
    [TestCase(ModelKind.ReluOutput, 2, 1, 100_000_000L, Explicit = true, Category = "Long")]
    [TestCase(ModelKind.ReluOutput, 3, 2, 100_000_000L, Explicit = true, Category = "Long")]
    [TestCase(ModelKind.ReluOutput, 8, 3, 100_000_000L, Explicit = true, Category = "Long")]
    public void It_is_what_samples_tend_to(ModelKind kind, int features, int hidden, long samples)
    {
        var random = new Random(features + 100);
        var cell = Exactly.Cell(kind, features, hidden, random);
        double[] x = Exactly.Parameters(cell.Model, random);
        var (mean, error) = Exactly.Sampled(cell, x, samples);
        Assert.That(Exactly.Evaluate(cell, x).Loss, Is.EqualTo(mean).Within(4 * error), $"standard error {error}");
        TestContext.Out.WriteLine($"{samples} samples: {mean} ± {error}; exact {Exactly.Evaluate(cell, x).Loss}, {(Exactly.Evaluate(cell, x).Loss - mean) / error:0.00} standard errors away");
    }
}

/// <summary>Cells and parameters to evaluate exactly, one at a time.</summary>
internal static unsafe class Exactly
{
    public static CellSpec Cell(ModelKind kind, int features, int hidden, Random random)
    {
        double[] density = [.. Enumerable.Range(0, features).Select(_ => random.Next(5) == 0 ? 1 : random.NextDouble())];
        var data = new DataSpec(density, ValueRange.Unit, [], null);
        return new CellSpec(new ModelSpec(kind, features, hidden), data, [.. density.Select(_ => 10 * random.NextDouble())], Ensembles.Training(1));
    }

    /// <summary>W row by row, then b: between −1 and 1, or some of the given values.</summary>
    public static double[] Parameters(ModelSpec model, Random random, double[]? values = null) =>
        [.. Enumerable.Range(0, model.Features * (model.Hidden + 1)).Select(_ => values is null ? (2 * random.NextDouble()) - 1 : values[random.Next(values.Length)])];

    /// <summary>Largest |z_j| that any input gives, about.</summary>
    public static double Largest(ModelSpec model, double[] x, int j)
    {
        double sum = Math.Abs(x[(model.Features * model.Hidden) + j]);
        for (int i = 0; i < model.Features; i++)
        {
            for (int k = 0; k < model.Hidden; k++)
                sum += Math.Abs(x[(i * model.Hidden) + k] * x[(j * model.Hidden) + k]);
        }

        return sum;
    }

    /// <summary>The evaluation of one lane; the others hold something else.</summary>
    public static (double Loss, double[] Gradient, double[] Hessian) Evaluate(CellSpec cell, double[] x, int lane = 3)
    {
        using var loss = new ExactLoss(cell.Model);
        int size = loss.Parameters;
        using var buffer = new AlignedBuffer(((size * size) + (2 * size)) * sizeof(Vector512<double>) / sizeof(float));
        var at = (Vector512<double>*)buffer.Pointer;
        for (int l = 0; l < FaceMoments.Width; l++)
        {
            loss.SetCell(l, cell);
            for (int p = 0; p < size; p++)
                ExactLoss.Lane(at + p, l) = l == lane ? x[p] : x[p] + l + p;
        }

        double value = loss.Evaluate(at, at + size, at + (2 * size))[lane];
        return (value, [.. Enumerable.Range(0, size).Select(p => ExactLoss.Lane(at + size + p, lane))],
            [.. Enumerable.Range(0, size * size).Select(e => ExactLoss.Lane(at + (2 * size) + e, lane))]);
    }

    /// <summary>Mean loss over samples of the sampler, and its standard error.</summary>
    public static (double Mean, double StandardError) Sampled(CellSpec cell, double[] x, long samples)
    {
        const int Batch = SampleSource.TileSamples;
        int n = cell.Model.Features, m = cell.Model.Hidden;
        var model = new PlainModel(cell.Model, x[..(n * m)], null, x[(n * m)..]);
        var source = new StreamSource(new FeatureSampler(cell.Data), 7, Batch);
        float[] tile = new float[n * Batch], row = new float[n];
        var buffer = new DrawBuffer(n, source.Sets);
        double sum = 0, squares = 0;
        for (long step = 0; step < samples / Batch; step++)
        {
            Tiles.Fill(source, step, 0, tile, buffer);
            for (int sample = 0; sample < Batch; sample++)
            {
                for (int i = 0; i < n; i++)
                    row[i] = tile[(i * Batch) + sample];
                double loss = model.Loss(row, cell.Importance);
                sum += loss;
                squares += loss * loss;
            }
        }

        long count = samples / Batch * Batch;
        double mean = sum / count;
        return (mean, Math.Sqrt(((squares / count) - (mean * mean)) / count));
    }
}
