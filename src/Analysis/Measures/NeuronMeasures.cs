using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Measures;

/// <summary>A feature and two neurons that serve it lopsidedly.</summary>
/// <param name="Feature">The feature.</param>
/// <param name="InputNeuron">The neuron with the large input weight and the small output weight.</param>
/// <param name="OutputNeuron">The neuron with the small input weight and the large output weight.</param>
public readonly record struct AsymmetricPair(int Feature, int InputNeuron, int OutputNeuron);

/// <summary>The measures of one instance's hidden units, as functions of its input weights W1 and output weights W2, both [features, hidden].</summary>
/// <remarks>Of the tied models (<c>linear</c>, <c>relu-output</c>, <c>relu-hidden</c>) both are W.</remarks>
public static class NeuronMeasures
{
    /// <summary>From this participation ratio on a neuron is polysemantic: its second feature has more than half the weight of its first.</summary>
    public const double PolysemanticRatio = 1.5;

    /// <summary>A neuron answers to a feature whose weight is at least this share of its largest.</summary>
    public const double AnswerShare = 0.3;

    /// <summary>A neuron serves a feature when the geometric mean of its input and output share is at least this.</summary>
    public const double ServingShare = 0.15;

    /// <summary>A neuron is lopsided for a feature when one of its shares is at least this many times the other.</summary>
    public const double Lopsidedness = 2;

    /// <summary>Measures every hidden unit of one instance of a pack.</summary>
    public static IReadOnlyList<NeuronAnalysis> Of(EnsembleWeights weights, int place)
    {
        ArgumentNullException.ThrowIfNull(weights);
        var w1 = weights.WOf(place);
        var w2 = weights.DecoderOf(place);
        var neurons = new NeuronAnalysis[weights.Hidden];
        for (int k = 0; k < neurons.Length; k++)
        {
            var (inputNorm, inputRatio) = NormAndRatio(w1, weights.Hidden, k);
            var (outputNorm, outputRatio) = weights.W2 is null ? (inputNorm, inputRatio) : NormAndRatio(w2, weights.Hidden, k);
            neurons[k] = new NeuronAnalysis(inputNorm, outputNorm, inputRatio, outputRatio);
        }

        return neurons;
    }

    /// <summary>Participation ratio of column k, <c>(Σ_i W_ik²)² / Σ_i W_ik⁴</c>: 1 for one feature, a for a features alike; 0 where all are 0.</summary>
    /// <param name="w">W, [features, hidden].</param>
    /// <param name="hidden">m.</param>
    /// <param name="k">The hidden unit.</param>
    public static double ParticipationRatio(ReadOnlySpan<float> w, int hidden, int k) => NormAndRatio(w, hidden, k).Ratio;

    /// <summary>The features that hidden unit k answers to, ascending: <c>|W_ik| ≥ 0.3 max_j |W_jk|</c>, of the input or of the output weights.</summary>
    /// <param name="w1">W1, [features, hidden].</param>
    /// <param name="w2">W2, [features, hidden]; W1 again of the tied models.</param>
    /// <param name="hidden">m.</param>
    /// <param name="k">The hidden unit.</param>
    public static IReadOnlyList<int> Answers(ReadOnlySpan<float> w1, ReadOnlySpan<float> w2, int hidden, int k)
    {
        float input = 0, output = 0;
        for (int at = k; at < w1.Length; at += hidden)
        {
            input = Math.Max(input, Math.Abs(w1[at]));
            output = Math.Max(output, Math.Abs(w2[at]));
        }

        var features = new List<int>();
        for (int i = 0; i < w1.Length / hidden; i++)
        {
            int at = (i * hidden) + k;
            if ((w1[at] != 0 && Math.Abs(w1[at]) >= AnswerShare * input) || (w2[at] != 0 && Math.Abs(w2[at]) >= AnswerShare * output))
                features.Add(i);
        }

        return features;
    }

    /// <summary>Whether each of the features has a neuron for +x and one for −x: units that serve it, write it with a positive weight, and read it with either sign.</summary>
    /// <param name="weights">The pack.</param>
    /// <param name="place">Place of the instance.</param>
    /// <param name="neurons">What <see cref="Of"/> gives.</param>
    /// <param name="features">The features to look at.</param>
    /// <returns>The share of them that has both; 0 where there are none.</returns>
    public static double SharePaired(EnsembleWeights weights, int place, IReadOnlyList<NeuronAnalysis> neurons, IReadOnlyList<int> features)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(neurons);
        ArgumentNullException.ThrowIfNull(features);
        if (features.Count == 0 || weights.W2 is null)
            return 0; // W W: a unit that reads −x writes −x
        var w1 = weights.WOf(place);
        var w2 = weights.DecoderOf(place);
        int paired = 0;
        foreach (int i in features)
        {
            bool plus = false, minus = false;
            for (int k = 0; k < weights.Hidden; k++)
            {
                int at = (i * weights.Hidden) + k;
                if (!(w2[at] > 0) || !Serves(Shares(w1[at], w2[at], neurons[k])))
                    continue;
                plus |= w1[at] > 0;
                minus |= w1[at] < 0;
            }

            paired += plus && minus ? 1 : 0;
        }

        return (double)paired / features.Count;
    }

    /// <summary>The asymmetric pairs of the absolute-value model, ordered by feature, then by neurons; none of the tied models.</summary>
    /// <param name="weights">The pack.</param>
    /// <param name="place">Place of the instance.</param>
    /// <param name="neurons">What <see cref="Of"/> gives.</param>
    public static IReadOnlyList<AsymmetricPair> AsymmetricPairs(EnsembleWeights weights, int place, IReadOnlyList<NeuronAnalysis> neurons)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(neurons);
        if (weights.W2 is null)
            return [];
        var w1 = weights.WOf(place);
        var w2 = weights.DecoderOf(place);
        var pairs = new List<AsymmetricPair>();
        List<int> readers = [], writers = [];
        for (int i = 0; i < weights.Features; i++)
        {
            readers.Clear();
            writers.Clear();
            for (int k = 0; k < weights.Hidden; k++)
            {
                int at = (i * weights.Hidden) + k;
                var (input, output) = Shares(w1[at], w2[at], neurons[k]);
                if (!Serves((input, output)))
                    continue;
                if (input >= Lopsidedness * output)
                    readers.Add(k);
                else if (output >= Lopsidedness * input)
                    writers.Add(k);
            }

            foreach (int reader in readers)
                pairs.AddRange(writers.Select(writer => new AsymmetricPair(i, reader, writer)));
        }

        return pairs;
    }

    // What part of a unit's input and output weights a feature has: free of the unit's scale.
    private static (double Input, double Output) Shares(float input, float output, NeuronAnalysis neuron) =>
        neuron.Kind == NeuronKind.Dead ? (0, 0) : (Math.Abs(input) / neuron.InputNorm, Math.Abs(output) / neuron.OutputNorm);

    private static bool Serves((double Input, double Output) shares) => shares.Input * shares.Output >= ServingShare * ServingShare;

    private static (double Norm, double Ratio) NormAndRatio(ReadOnlySpan<float> w, int hidden, int k)
    {
        double squares = 0, fourths = 0;
        for (int at = k; at < w.Length; at += hidden)
        {
            double square = (double)w[at] * w[at];
            squares += square;
            fourths += square * square;
        }

        return (Math.Sqrt(squares), fourths > 0 ? squares * squares / fourths : 0);
    }
}
