using CsCheck;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Tests;

public sealed class NeuronTests
{
    [Test]
    public void Participation_ratios_and_norms_match_their_formulas([Values(ModelKind.ReluHidden, ModelKind.AbsoluteValue)] ModelKind kind) =>
        Gen.Select(Gen.Int[1, 7], Gen.Int[1, 5], Gen.Int[0, 1000]).Sample((n, m, seed) =>
        {
            var weights = TestData.Weights(kind, 2, n, m, seed);
            var neurons = NeuronMeasures.Of(weights, 1);
            double[] w1 = Doubles(weights.WOf(1)), w2 = Doubles(weights.DecoderOf(1));
            double Sum(double[] w, int k, int power) => Enumerable.Range(0, n).Sum(i => Math.Pow(w[(i * m) + k], power));
            return neurons.Count == m && Enumerable.Range(0, m).All(k =>
                Close(neurons[k].InputRatio, Math.Pow(Sum(w1, k, 2), 2) / Sum(w1, k, 4)) && Close(neurons[k].OutputRatio, Math.Pow(Sum(w2, k, 2), 2) / Sum(w2, k, 4))
                && Close(neurons[k].InputNorm, Math.Sqrt(Sum(w1, k, 2))) && Close(neurons[k].OutputNorm, Math.Sqrt(Sum(w2, k, 2)))
                && neurons[k].ParticipationRatio == Math.Max(neurons[k].InputRatio, neurons[k].OutputRatio)
                && NeuronMeasures.ParticipationRatio(weights.WOf(1), m, k) == neurons[k].InputRatio);
        });

    [Test]
    public void A_neuron_is_labelled_by_how_many_features_it_answers_to()
    {
        // Columns: one feature; two alike; one and a bit over half of its weight; one and a bit less; nothing; noise.
        var analysis = WeightAnalysis.Of(Shapes.Pack([[1, 1, 1, 1, 0, 0.1], [0, -1, 0.54, -0.49, 0, -0.1], [0, 0, 0, 0, 0, 0.1]], 6), 0);
        Assert.Multiple(() =>
        {
            Assert.That(analysis.Neurons.Select(neuron => neuron.Kind), Is.EqualTo(new[]
            {
                NeuronKind.Monosemantic, NeuronKind.Polysemantic, NeuronKind.Polysemantic, NeuronKind.Monosemantic, NeuronKind.Dead, NeuronKind.Dead,
            }));
            Assert.That(analysis.Neurons.Select(neuron => neuron.ParticipationRatio).Take(2), Is.EqualTo(new[] { 1.0, 2 }).Within(1e-7));
            Assert.That(analysis.Neurons[4].ParticipationRatio, Is.Zero);
            Assert.That(analysis.AsymmetricPairs, Is.Empty);
            Assert.That(analysis.SharePaired, Is.Zero, "a tied model has no neurons that read −x and write +x");
        });
    }

    [Test]
    public void Scaling_a_neuron_up_and_down_changes_no_label() => Gen.Select(Gen.Double[0.05, 20], Gen.Int[0, 1000]).Sample((scale, seed) =>
    {
        var weights = TestData.Weights(ModelKind.AbsoluteValue, 1, 6, 4, seed);
        float by = (float)scale;
        var scaled = weights with { W = [.. weights.W.Select(value => value * by)], W2 = [.. weights.W2!.Select(value => value / by)] };
        WeightAnalysis a = WeightAnalysis.Of(weights, 0), b = WeightAnalysis.Of(scaled, 0);
        return a.Neurons.Select(neuron => neuron.Kind).SequenceEqual(b.Neurons.Select(neuron => neuron.Kind))
            && a.AsymmetricPairs.SequenceEqual(b.AsymmetricPairs) && a.SharePaired == b.SharePaired && Close(a.BasisAlignment, b.BasisAlignment, 1e-5);
    });

    [Test]
    public void Answers_are_features_above_a_share_of_the_largest_weight()
    {
        float[] w1 = [1, 0, 0.31f, 0, -0.29f, 0, -0.8f, 0], none = new float[8], w2 = [0, 0, 0, 0, 0.5f, 0, 0, 0];
        Assert.Multiple(() =>
        {
            Assert.That(NeuronMeasures.Answers(w1, w1, 2, 0), Is.EqualTo(new[] { 0, 1, 3 }));
            Assert.That(NeuronMeasures.Answers(w1, w2, 2, 0), Is.EqualTo(new[] { 0, 1, 2, 3 }), "what it writes counts too");
            Assert.That(NeuronMeasures.Answers(w1, none, 2, 1), Is.Empty);
        });
    }

    [Test]
    public void A_feature_is_paired_when_neurons_read_both_of_its_signs()
    {
        // Feature 0: +x on neuron 0, −x on neuron 1. Feature 1: +x on neuron 2 only. Feature 2: −x written with a negative weight.
        var weights = Absolute(3, 5, [1, -1, 0, 0, 0, /**/ 0, 0, 2, 0, 0, /**/ 0, 0, 0, 1, -1], [1, 1, 0, 0, 0, /**/ 0, 0, 1, 0, 0, /**/ 0, 0, 0, 1, -1]);
        var neurons = NeuronMeasures.Of(weights, 0);
        Assert.Multiple(() =>
        {
            Assert.That(NeuronMeasures.SharePaired(weights, 0, neurons, [0]), Is.EqualTo(1));
            Assert.That(NeuronMeasures.SharePaired(weights, 0, neurons, [0, 1, 2]), Is.EqualTo(1 / 3.0));
            Assert.That(NeuronMeasures.SharePaired(weights, 0, neurons, []), Is.Zero);
        });
    }

    [Test]
    public void Asymmetric_pairs_read_much_and_write_little_and_the_reverse()
    {
        // Feature 0 is read by neuron 0 and written by neuron 1; feature 1 the other way round. Feature 2 has neuron 2 to itself.
        var weights = Absolute(3, 3, [2, -0.5f, 0, /**/ -0.5f, 2, 0, /**/ 0, 0, 1], [0.5f, 2, 0, /**/ 2, 0.5f, 0, /**/ 0, 0, 1]);
        var symmetric = weights with { W2 = weights.W };
        Assert.Multiple(() =>
        {
            Assert.That(WeightAnalysis.Of(weights, 0).AsymmetricPairs, Is.EqualTo(new[] { new AsymmetricPair(0, 0, 1), new AsymmetricPair(1, 1, 0) }));
            Assert.That(WeightAnalysis.Of(symmetric, 0).AsymmetricPairs, Is.Empty);
        });
    }

    [Test]
    public void Basis_alignment_is_one_for_features_on_neurons_and_less_when_turned()
    {
        var aligned = WeightAnalysis.Of(Shapes.Pack([[1, 0], [0, -2], [0.1, 0.1]], 2), 0);
        var turned = WeightAnalysis.Of(Shapes.Pack([[0.6, 0.8], [-0.8, 0.6]], 2), 0);
        var pairs = WeightAnalysis.Of(Absolute(1, 4, [1, -1, 0, 0], [1, 1, 0, 0]), 0);
        var shared = WeightAnalysis.Of(Absolute(1, 4, [1, -1, 1, 0], [1, 1, 1, 0]), 0);
        Assert.Multiple(() =>
        {
            Assert.That(aligned.BasisAlignment, Is.EqualTo(1).Within(1e-7));
            Assert.That(turned.BasisAlignment, Is.EqualTo(0.64).Within(1e-6));
            Assert.That(pairs.BasisAlignment, Is.EqualTo(1), "a feature of the absolute-value model needs two neurons");
            Assert.That(shared.BasisAlignment, Is.EqualTo(2 / 3.0).Within(1e-7));
            Assert.That(WeightAnalysis.Of(Shapes.Pack([[0, 0]], 2), 0).BasisAlignment, Is.NaN);
            Assert.That(pairs.BasisAlignmentRandom, Is.NaN);
        });
    }

    [Test]
    public void The_alignment_of_random_directions_is_the_mean_over_them()
    {
        Assert.Multiple(() =>
        {
            Assert.That(BasisAlignment.Random(1), Is.EqualTo(1).Within(1e-9));
            Assert.That(BasisAlignment.Random(2), Is.EqualTo(0.5 + (1 / Math.PI)).Within(1e-9), "mean of max(cos², sin²)");
            Assert.That(BasisAlignment.Random(12), Is.EqualTo(Sampled(12)).Within(0.003));
        });
    }

    // 40,000 random directions: a standard error of 0.0005.
    private static double Sampled(int m)
    {
        const int draws = 40_000;
        var random = new Random(5);
        double sum = 0;
        for (int d = 0; d < draws; d++)
        {
            double[] squares = [.. Enumerable.Range(0, m).Select(_ => -2 * Math.Log(1 - random.NextDouble()) * Math.Pow(Math.Cos(Math.Tau * random.NextDouble()), 2))];
            sum += squares.Max() / squares.Sum();
        }

        return sum / draws;
    }

    private static double[] Doubles(ReadOnlySpan<float> values) => Array.ConvertAll(values.ToArray(), value => (double)value);

    private static EnsembleWeights Absolute(int n, int m, float[] w1, float[] w2) => TestData.Weights(ModelKind.AbsoluteValue, 1, n, m) with { W = w1, W2 = w2 };

    private static bool Close(double a, double b, double tolerance = 1e-9) => Math.Abs(a - b) <= tolerance * (1 + Math.Abs(b)) || (double.IsNaN(a) && double.IsNaN(b));
}
