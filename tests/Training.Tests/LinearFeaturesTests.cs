using System.Runtime.Intrinsics;
using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;
using ToyPipeline.Training.Fused;

namespace ToyPipeline.Training.Tests;

/// <summary>Which features are taken as linear. That the gradient is right with them: <see cref="FusedGradientTests"/>.</summary>
public sealed class LinearFeaturesTests
{
    private const int Features = 120;

    [TestCase(0.05)]
    [TestCase(1)]
    public void They_are_those_that_are_mostly_on(double density)
    {
        using var ensemble = Create(density, [.. Enumerable.Repeat(0.5, Features)]);
        Ensembles.Ignore(ensemble, feature => feature % 4 != 0, bias: density / 2);
        float[] chosen = Chosen(ensemble, 0)!;
        double[] on = OnShare(ensemble);
        for (int i = 0; i < Features; i++)
        {
            if (on[i] is < 0.4 or > 0.8)
                Assert.That(chosen[i], Is.EqualTo(on[i] > 0.5 ? 1 : 0), $"feature {i}, on in {on[i]} of the samples");
        }

        Assert.That(chosen.Sum(), Is.InRange(Features / 2, Features - 1));
    }

    [Test]
    public void There_are_none_where_importance_differs()
    {
        double[] importance = [.. Enumerable.Repeat(0.5, Features)];
        importance[3] = 0.51;
        using var ensemble = Create(0.05, importance);
        Ensembles.Ignore(ensemble, feature => feature % 4 != 0, bias: 0.025);
        Assert.That(Chosen(ensemble, 0), Is.Null);
    }

    [Test]
    public void There_are_none_where_so_few_would_not_pay()
    {
        using var ensemble = Create(0.05, [.. Enumerable.Repeat(0.5, Features)]);
        Ensembles.Ignore(ensemble, feature => feature % 24 != 0, bias: -0.025);
        Ensembles.Ignore(ensemble, feature => feature % 24 == 0, bias: 0.025);
        Assert.That(Chosen(ensemble, 0), Is.Null);
    }

    [Test]
    public void All_are_linear_in_a_linear_model()
    {
        using var ensemble = Create(0.05, [.. Enumerable.Repeat(0.5, Features)], ModelKind.Linear);
        Assert.That(Count(ensemble, 0), Is.EqualTo(Features));
    }

    /// <summary>How many an instance has.</summary>
    internal static int Count(Ensemble ensemble, int instance) => (int)(Chosen(ensemble, instance)?.Sum() ?? 0);

    private static Ensemble Create(double density, double[] importance, ModelKind kind = ModelKind.ReluOutput) => Ensembles.Create(
        new CellSpec(new ModelSpec(kind, Features, 9), Ensembles.Data(Features, density), importance, Ensembles.Training(512)), 1, 2);

    private static unsafe float[]? Chosen(Ensemble ensemble, int instance)
    {
        var (spec, n, rows) = (ensemble.Spec, ensemble.Spec.Features, (ensemble.Spec.Hidden + 3) / 4 * 4);
        var cell = ensemble.Pack.Specs[instance];
        var linear = new LinearFeatures<PortableVectors, Vector128<float>>(
            spec, ensemble.Training.Batch, cell.Data, ensemble.Sources[instance].Dense, rows, rows);
        var weights = ensemble.Weights("");
        using var w = new AlignedBuffer(n * rows);
        using var state = new AlignedBuffer(linear.StateFloats);
        float[] c = [.. cell.Importance.Select(value => (float)(-value))];
        float[] dense = weights.WOf(instance).ToArray(), b = weights.BOf(instance).ToArray();
        fixed (float* from = dense, biases = b, coefficients = c)
        {
            Rows.Pad(from, w.Pointer, n, spec.Hidden, rows);
            linear.Prepare(w.Pointer, biases, coefficients, state.Pointer);
            float* chosen = linear.Chosen(state.Pointer);
            return chosen == null ? null : new ReadOnlySpan<float>(chosen, n).ToArray();
        }
    }

    // Of each feature the share of a batch's samples in which it is on.
    private static double[] OnShare(Ensemble ensemble)
    {
        var (_, n, m) = ensemble.Spec;
        var weights = ensemble.Weights("");
        float[] w = weights.WOf(0).ToArray(), b = weights.BOf(0).ToArray();
        const int tileSamples = SampleSource.TileSamples;
        int tiles = SampleSource.Tiles(ensemble.Training.Batch);
        float[] tile = new float[n * tileSamples];
        var buffer = new DrawBuffer(n, 0);
        double[] on = new double[n];
        for (int t = 0; t < tiles; t++)
        {
            Tiles.Fill(ensemble.Sources[0], 0, t, tile, buffer);
            for (int s = 0; s < tileSamples; s++)
            {
                double[] h = [.. Enumerable.Range(0, m).Select(k => Enumerable.Range(0, n).Sum(i => (double)w[(i * m) + k] * tile[(i * tileSamples) + s]))];
                for (int i = 0; i < n; i++)
                    on[i] += b[i] + Enumerable.Range(0, m).Sum(k => w[(i * m) + k] * h[k]) > 0 ? 1.0 / (tiles * tileSamples) : 0;
            }
        }

        return on;
    }
}
