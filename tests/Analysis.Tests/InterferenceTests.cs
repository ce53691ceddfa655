using CsCheck;
using Microsoft.ML;
using Microsoft.ML.Data;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export;

namespace ToyPipeline.Analysis.Tests;

public sealed class InterferenceTests
{
    private static readonly Gen<EnsembleWeights> s_weights =
        Gen.Select(Gen.Enum<ModelKind>(), Gen.Int[1, 6], Gen.Int[1, 4], Gen.Int[0, 1000]).Select((kind, n, m, seed) => TestData.Weights(kind, 1, n, m, seed));

    [Test]
    public void Responses_are_those_of_the_forward_pass() => Gen.Select(s_weights, Gen.Double[-2, 2]).Sample((weights, value) =>
    {
        int n = weights.Features;
        var response = ResponseMatrix.Of(weights, 0);
        var own = OwnResponse.Of(weights, 0);
        bool same = true;
        for (int j = 0; j < n; j++)
        {
            double[] x = new double[n];
            x[j] = value;
            double[] z = TestData.Forward(weights, 0, x).Preactivation;
            for (int i = 0; i < n; i++)
            {
                double expected = value >= 0 ? response.Positive[(i * n) + j] * value : response.Negative[(i * n) + j] * -value;
                same &= Math.Abs(z[i] - weights.B[i] - expected) < 1e-9;
            }

            same &= own.Positive[j] == response.Positive[(j * n) + j] && own.Negative[j] == response.Negative[(j * n) + j];
        }

        return same;
    });

    [Test]
    public void Interference_is_what_the_other_features_add() => Gen.Select(s_weights, Gen.Int[0, 99]).Sample((weights, seed) =>
    {
        const int samples = 25;
        int n = weights.Features;
        float[] x = TestData.Samples(samples, n, 0.6, seed, signed: true);
        var moments = new InterferenceMoments(weights, 0);
        double[] mean = new double[n], squares = new double[n], worst = new double[n];
        for (int s = 0; s < samples; s++)
        {
            float[] sample = x[(s * n)..((s + 1) * n)];
            double[] z = TestData.Forward(weights, 0, sample).Preactivation;
            moments.Add(sample, [.. z.Select(value => (float)value)]);
            for (int i = 0; i < n; i++)
            {
                float[] alone = new float[n];
                alone[i] = sample[i];
                double interference = z[i] - TestData.Forward(weights, 0, alone).Preactivation[i];
                mean[i] += interference / samples;
                squares[i] += interference * interference / samples;
                worst[i] = Math.Max(worst[i], Math.Abs(interference));
            }
        }

        var found = moments.Statistics;
        return found.Samples == samples && Enumerable.Range(0, n).All(i =>
            Math.Abs(found.Mean[i] - mean[i]) < 1e-6 && Math.Abs(found.RootMeanSquare[i] - Math.Sqrt(squares[i])) < 1e-6 && Math.Abs(found.Worst[i] - worst[i]) < 1e-6);
    });

    [Test]
    public void Pairs_are_the_contributions_over_the_samples([Values] ModelKind kind)
    {
        const int n = 4, samples = 50;
        var weights = TestData.Weights(kind, 1, n, 3);
        float[] x = TestData.Samples(samples, n, 0.6, signed: true);
        var moments = new InterferenceMoments(weights, 0);
        for (int s = 0; s < samples; s++)
            moments.Add(x.AsSpan(s * n, n), new float[n]);
        var (mean, rms, worst) = moments.Statistics.Pairs(ResponseMatrix.Of(weights, 0));
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double[] contributions = [.. Enumerable.Range(0, samples).Select(s =>
                {
                    float[] alone = new float[n];
                    alone[j] = x[(s * n) + j];
                    return i == j ? 0 : TestData.Forward(weights, 0, alone).Preactivation[i] - weights.B[i];
                })];
                int at = (i * n) + j;
                Assert.That(mean[at], Is.EqualTo(contributions.Average()).Within(1e-6));
                Assert.That(rms[at], Is.EqualTo(Math.Sqrt(contributions.Average(c => c * c))).Within(1e-6));
                Assert.That(worst[at], Is.EqualTo(contributions.Max(Math.Abs)).Within(1e-6));
            }
        }
    }

    [Test]
    public void Squared_errors_match_quadrature() =>
        Gen.Select(Gen.Int[-1, 1].Select(t => (double)t), Gen.Double[-3, 3], Gen.Double[-2, 2], Gen.Bool).Sample((t, r, b, relu) =>
        {
            const int steps = 20_000;
            double sum = 0;
            for (int k = 0; k < steps; k++)
            {
                double x = (k + 0.5) / steps;
                double y = (r * x) + b;
                sum += Math.Pow((t * x) - (relu ? Math.Max(0, y) : y), 2) / steps;
            }

            return Math.Abs(SingleFeatureTerms.SquaredError(t, r, b, relu) - sum) < 1e-6;
        });

    [TestCase(1, 1e-9, 0, 1.0 / 3)]
    [TestCase(0, 1e-9, 0, 1e-18 / 3)]
    [TestCase(0, 1, -1 + 1e-9, 1e-27 / 3)]
    [TestCase(0, -1, 1e-9, 1e-27 / 3)]
    [TestCase(1, 1, 0, 0)]
    public void Squared_errors_keep_their_digits(double t, double r, double b, double expected) =>
        Assert.That(SingleFeatureTerms.SquaredError(t, r, b, relu: true), Is.EqualTo(expected).Within(expected * 1e-6));

    [Test]
    public void Terms_are_the_loss_of_inputs_with_one_active_feature([Values] ModelKind kind, [Values] ValueRange range)
    {
        const int n = 4, steps = 4000;
        var weights = TestData.Weights(kind, 1, n, 3);
        double[] importance = [1, 0.5, 2, 0.1];
        var terms = SingleFeatureTerms.Of(kind, ResponseMatrix.Of(weights, 0), weights.BOf(0), importance, range);
        for (int i = 0; i < n; i++)
        {
            double own = 0, others = 0;
            for (int k = 0; k < steps; k++)
            {
                double[] x = new double[n];
                x[i] = range == ValueRange.Unit ? (k + 0.5) / steps : (2 * (k + 0.5) / steps) - 1;
                double[] y = TestData.Forward(weights, 0, x).Reconstruction;
                own += importance[i] * Math.Pow((kind == ModelKind.AbsoluteValue ? Math.Abs(x[i]) : x[i]) - y[i], 2) / steps;
                others += Enumerable.Range(0, n).Where(j => j != i).Sum(j => importance[j] * y[j] * y[j]) / steps;
            }

            Assert.That(terms.Benefit[i], Is.EqualTo(own).Within(1e-6));
            Assert.That(terms.Interference[i], Is.EqualTo(others).Within(1e-6));
        }

        Assert.That(terms.TotalBenefit, Is.EqualTo(terms.Benefit.Sum()));
        Assert.That(terms.TotalInterference, Is.EqualTo(terms.Interference.Sum()));
    }

    [Test]
    public void An_orthogonal_basis_has_no_terms_and_a_digon_has_them_where_it_answers()
    {
        var basis = Terms([[1, 0], [0, 1]]);
        Assert.That(basis.Benefit.Concat(basis.Interference), Has.All.Zero);
        // Antipodal pair without bias: what the other gets is negative, and the ReLU silences it.
        var digon = Terms([[1, 0], [-1, 0]]);
        Assert.That(digon.TotalBenefit + digon.TotalInterference, Is.Zero);
        // One direction for both: each is taken for the other.
        Assert.That(Terms([[1, 0], [1, 0]]).Interference, Has.All.EqualTo(1.0 / 3).Within(1e-12));

        static SingleFeatureTerms Terms(double[][] w)
        {
            var pack = Shapes.Pack(w, 2);
            return SingleFeatureTerms.Of(ModelKind.ReluOutput, ResponseMatrix.Of(pack, 0), pack.BOf(0), [1, 1], ValueRange.Unit);
        }
    }

    [Test]
    public void Alone_probabilities_count_draws()
    {
        double[] independent = SingleFeatureTerms.AloneProbability(new DataSpec([0.5, 0.2, 0.1], ValueRange.Unit, [], null));
        double[] sets = SingleFeatureTerms.AloneProbability(new DataSpec(
            [0.5, 0.5, 0.2, 0.2, 0.1], ValueRange.Unit, [new(SetKind.Correlated, [0, 1], 0.5), new(SetKind.Anticorrelated, [2, 3], 0.2)], null));
        double[] dense = SingleFeatureTerms.AloneProbability(new DataSpec([1, 0.25], ValueRange.Unit, [], null));
        Assert.Multiple(() =>
        {
            Assert.That(independent, Is.EqualTo(new[] { 0.5 * 0.8 * 0.9, 0.5 * 0.2 * 0.9, 0.5 * 0.8 * 0.1 }).Within(1e-12));
            Assert.That(sets, Is.EqualTo(new[] { 0, 0, 0.5 * 0.1 * 0.9, 0.5 * 0.1 * 0.9, 0.5 * 0.8 * 0.1 }).Within(1e-12));
            Assert.That(dense, Is.EqualTo(new[] { 0.75, 0 }).Within(1e-12));
        });
    }

    [Test]
    public void A_column_of_interference_is_added_on_demand([Values] ModelKind kind)
    {
        const int n = 5, samples = 30;
        using var folder = new TemporaryFolder();
        var weights = TestData.Weights(kind, 1, n, 3);
        float[] x = TestData.Samples(samples, n, 0.5, signed: true);
        TestData.WriteDataset(folder.File("data"), x, n, 10);
        ModelWriter.SaveInstance(weights, 0, folder.File("instance.onnx"));
        var ml = new MLContext(1);
        var data = ml.Data.LoadFromDataset(folder.File("data"));
        var pipeline = ml.Transforms.ScoreToyModel(folder.File("instance.onnx")).Append(ml.Transforms.MeasureInterference(weights));
        using var chain = pipeline.Fit(data);
        var measured = chain.Transform(data);
        var rows = Rows(measured);
        var moments = new InterferenceMoments(weights, 0);
        for (int s = 0; s < samples; s++)
        {
            float[] sample = x[(s * n)..((s + 1) * n)];
            double[] z = TestData.Forward(weights, 0, sample).Preactivation;
            moments.Add(sample, [.. z.Select(value => (float)value)]);
            for (int i = 0; i < n; i++)
            {
                float[] alone = new float[n];
                alone[i] = sample[i];
                Assert.That(rows[s][i], Is.EqualTo(z[i] - TestData.Forward(weights, 0, alone).Preactivation[i]).Within(1e-5));
            }
        }

        var statistics = InterferenceMoments.Of(measured, weights, 0);
        Assert.That(statistics.RootMeanSquare, Is.EqualTo(moments.Statistics.RootMeanSquare).Within(1e-6));
        Assert.That(((VectorDataViewType)chain.GetOutputSchema(data.Schema)["Interference"].Type).Size, Is.EqualTo(n));

        ml.Model.Save(chain, data.Schema, folder.File("pipeline.zip"));
        var other = new MLContext();
        other.ComponentCatalog.RegisterToyModels();
        var loaded = other.Model.Load(folder.File("pipeline.zip"), out _);
        Assert.That(Rows(loaded.Transform(data)), Is.EqualTo(rows));
        (loaded as IDisposable)?.Dispose();

        static List<float[]> Rows(IDataView view) => [.. DatasetLoaderTests.Rows(view, "Interference").Select(row => row.DenseValues().ToArray())];
    }
}
