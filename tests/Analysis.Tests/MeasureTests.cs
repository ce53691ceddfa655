using CsCheck;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Tests;

public sealed class MeasureTests
{
    private static readonly Gen<EnsembleWeights> s_weights =
        Gen.Select(Gen.Int[1, 8], Gen.Int[1, 6], Gen.Int[0, 1000]).Select((n, m, seed) => TestData.Weights(ModelKind.ReluOutput, 1, n, m, seed));

    [Test]
    public void Measures_match_their_definitions_on_directions() => s_weights.Sample(weights =>
    {
        int n = weights.Features, m = weights.Hidden;
        double[][] w = [.. Enumerable.Range(0, n).Select(i => weights.WOf(0).Slice(i * m, m).ToArray().Select(value => (double)value).ToArray())];
        double[] norm = [.. w.Select(row => Math.Sqrt(Dot(row, row)))];
        double Projection(int i, int j) => Dot(w[i], w[j]) / norm[i];
        var analysis = WeightAnalysis.Of(weights, 0);
        double frobenius = norm.Sum(value => value * value);
        bool same = Close(analysis.DimensionsPerFeature, m / frobenius) && Close(analysis.FeaturesPerDimension, frobenius / m);
        same &= Close(analysis.IdentityError, Enumerable.Range(0, n * n).Max(at => Math.Abs(Dot(w[at / n], w[at % n]) - (at / n == at % n && norm[at / n] >= 0.5 ? 1 : 0))));
        for (int i = 0; i < n; i++)
        {
            var feature = analysis.Features[i];
            double others = Enumerable.Range(0, n).Where(j => j != i).Sum(j => Projection(i, j) * Projection(i, j));
            double all = Enumerable.Range(0, n).Sum(j => Projection(i, j) * Projection(i, j));
            same &= Close(feature.Norm, norm[i]) && Close(feature.Superposition, others) && Close(feature.Dimensionality, norm[i] * norm[i] / all)
                && feature.Bias == weights.B[i] && feature.Represented == norm[i] >= 0.5 && feature.Component.HasValue == feature.Represented;
            for (int j = 0; j < n; j++)
                same &= Close(analysis.G[(i * n) + j], Dot(w[i], w[j]));
        }

        return same;
    });

    [Test]
    public void Sets_share_dimensions_within_and_between()
    {
        // Two sets, each an orthogonal basis, the second turned by 30°: 0 within, cos² 30° + sin² 30° = 1 between. Feature 4 belongs to none.
        double c = Math.Cos(Math.PI / 6), s = Math.Sin(Math.PI / 6);
        double[] g = WeightAnalysis.Of(Shapes.Pack([[1, 0], [0, 1], [c, s], [-s, c], [1, 0]], 2), 0).G.ToArray();
        FeatureSet[] Sets(params int[][] members) => [.. members.Select(set => new FeatureSet(SetKind.Correlated, set, 0.1))];
        Assert.Multiple(() =>
        {
            Assert.That(SetSuperposition.Of(g, [0, 1, 2, 3, 4], Sets([0, 1], [2, 3])).Within, Is.Zero.Within(1e-6));
            Assert.That(SetSuperposition.Of(g, [0, 1, 2, 3, 4], Sets([0, 1], [2, 3])).Between, Is.EqualTo(1).Within(1e-6));
            Assert.That(SetSuperposition.Of(g, [0, 2], Sets([0, 2], [1, 3])).Within, Is.EqualTo(0.75).Within(1e-6));
            Assert.That(SetSuperposition.Of(g, [0, 2], Sets([0, 2], [1, 3])).Between, Is.EqualTo(0.25).Within(1e-6));
            Assert.That(SetSuperposition.Of(g, [4], Sets([0, 1], [2, 3])), Is.EqualTo((0.0, 0.0)));
        });
    }

    [Test]
    public void Dimensionalities_of_a_tight_frame_fill_its_dimensions()
    {
        // A pentagon of unit vectors: D_i = 2/5, ‖W‖_F² = 5.
        var analysis = WeightAnalysis.Of(Shapes.Pack(Shapes.Pentagon, 2), 0);
        Assert.Multiple(() =>
        {
            Assert.That(analysis.Features.Select(f => f.Dimensionality), Has.All.EqualTo(0.4).Within(1e-6));
            Assert.That(analysis.Features.Select(f => f.Superposition), Has.All.EqualTo(1.5).Within(1e-6));
            Assert.That(analysis.DimensionsPerFeature, Is.EqualTo(0.4).Within(1e-6));
            Assert.That(analysis.FeaturesPerDimension, Is.EqualTo(2.5).Within(1e-6));
            Assert.That(analysis.Geometry, Is.EqualTo("pentagon"));
        });
    }

    [Test]
    public void Zero_rows_measure_zero()
    {
        var analysis = WeightAnalysis.Of(Shapes.Pack([[0, 0], [1, 0]], 2), 0);
        Assert.Multiple(() =>
        {
            Assert.That(analysis.Features[0], Is.EqualTo(new FeatureAnalysis(0, 0, 0, 0, null)));
            Assert.That(analysis.Features[1].Dimensionality, Is.EqualTo(1));
            Assert.That(analysis.Represented, Is.EqualTo(new[] { 1 }));
            Assert.That(analysis.Geometry, Is.EqualTo("dedicated"));
        });
        var nothing = WeightAnalysis.Of(Shapes.Pack([[0, 0], [0, 0]], 2), 0);
        Assert.Multiple(() =>
        {
            Assert.That(nothing.DimensionsPerFeature, Is.EqualTo(double.PositiveInfinity));
            Assert.That(nothing.FeaturesPerDimension, Is.Zero);
            Assert.That(nothing.MeanSuperposition, Is.Zero);
            Assert.That(nothing.MaxSuperposition, Is.Zero);
            Assert.That(nothing.Geometry, Is.EqualTo("none"));
        });
    }

    [Test]
    public void Superposition_of_an_instance_is_that_of_its_represented_features()
    {
        // Feature 2 is a shadow of feature 0: it would have superposition 1, and does not count.
        var analysis = WeightAnalysis.Of(Shapes.Pack([[1, 0], [0, 1], [0.01, 0]], 2), 0);
        Assert.That(analysis.MaxSuperposition, Is.EqualTo(1e-4).Within(1e-9));
        Assert.That(analysis.MeanSuperposition, Is.EqualTo(0.5e-4).Within(1e-9));
    }

    [Test]
    public void Pairs_of_neurons_give_the_identity_whatever_their_scale() => Gen.Select(Gen.Int[1, 5], Gen.Double[0.1, 10]).Sample((n, scale) =>
    {
        float[] w1 = new float[n * 2 * n], w2 = new float[n * 2 * n];
        for (int i = 0; i < n; i++)
        {
            for (int sign = 0; sign < 2; sign++)
            {
                w1[(i * 2 * n) + (2 * i) + sign] = (float)(sign == 0 ? scale : -scale);
                w2[(i * 2 * n) + (2 * i) + sign] = (float)(1 / scale);
            }
        }

        double[] g = FeatureMeasures.InterferenceMatrix(w1, w2, n, 2 * n);
        return Enumerable.Range(0, n * n).All(k => Math.Abs(g[k] - (k % (n + 1) == 0 ? 1 : 0)) < 1e-5);
    });

    [Test]
    public void Absolute_value_interference_is_the_mean_response_to_one_input()
    {
        var weights = TestData.Weights(ModelKind.AbsoluteValue, 1, 4, 6);
        double[] g = FeatureMeasures.InterferenceMatrix(weights, 0);
        for (int j = 0; j < 4; j++)
        {
            float[] plus = new float[4], minus = new float[4];
            (plus[j], minus[j]) = (1, -1);
            double[] up = TestData.Forward(weights, 0, plus).Preactivation, down = TestData.Forward(weights, 0, minus).Preactivation;
            for (int i = 0; i < 4; i++)
                Assert.That(g[(i * 4) + j], Is.EqualTo(((up[i] + down[i]) / 2) - weights.B[i]).Within(1e-6));
        }
    }

    [Test]
    public void Loss_is_the_mean_over_samples_and_features([Values] ModelKind kind) => Gen.Select(Gen.Int[1, 30], Gen.Int[1, 11], Gen.Int[0, 99]).Sample((samples, n, seed) =>
    {
        float[] x = TestData.Samples(samples, n, 0.7, seed, signed: true), y = TestData.Samples(samples, n, 0.7, seed + 1);
        double[] importance = [.. Enumerable.Range(0, n).Select(i => Math.Pow(0.8, i))];
        var loss = new EvaluationLoss(kind, importance);
        double[] plain = new double[samples];
        double[,] squares = new double[n, samples];
        for (int s = 0; s < samples; s++)
        {
            loss.Add(x.AsSpan(s * n, n), y.AsSpan(s * n, n));
            for (int i = 0; i < n; i++)
            {
                double target = kind == ModelKind.AbsoluteValue ? Math.Abs(x[(s * n) + i]) : x[(s * n) + i];
                squares[i, s] = Math.Pow(target - y[(s * n) + i], 2);
                plain[s] += importance[i] * squares[i, s] / n;
            }
        }

        bool same = loss.Estimate.Samples == samples && Same(loss.Estimate.Mean, loss.Estimate.StandardError, plain);
        for (int i = 0; i < n; i++)
        {
            var feature = loss.Estimate.LossPerFeature[i];
            double[] own = [.. Enumerable.Range(0, samples).Select(s => squares[i, s])];
            same &= Same(feature.Mean, feature.StandardError, own) && feature.Importance == importance[i]
                && Same(feature.Weighted, feature.WeightedStandardError, [.. own.Select(value => importance[i] * value)]);
        }

        return same && Close(loss.Estimate.LossPerFeature.Average(feature => feature.Weighted), loss.Estimate.Mean);

        bool Same(double mean, double error, double[] values) => Math.Abs(mean - values.Average()) < 1e-12
            && Math.Abs(error - (samples > 1 ? Math.Sqrt(values.Sum(value => Math.Pow(value - values.Average(), 2)) / (samples - 1) / samples) : 0)) < 1e-8;
    });

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static bool Close(double a, double b) => Math.Abs(a - b) <= 1e-9 * (1 + Math.Abs(b));
}
