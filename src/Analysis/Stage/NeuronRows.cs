using ToyPipeline.Analysis.Measures;

namespace ToyPipeline.Analysis.Stage;

/// <summary>neurons.csv: a row per cell and hidden unit of its best instance.</summary>
internal static class NeuronRows
{
    public static IReadOnlyList<string> Columns { get; } =
    [
        "neuron", "kind", "participation_ratio", "input_ratio", "output_ratio", "input_norm", "output_norm", "features", "signs",
        "asymmetric_features", "asymmetric_partners",
    ];

    public static void Write(TableWriter table, InstanceAnalysis analysis)
    {
        int m = analysis.Pack.Hidden;
        var w1 = analysis.Pack.WOf(analysis.Place);
        var w2 = analysis.Pack.DecoderOf(analysis.Place);
        var partners = analysis.Weights.AsymmetricPairs.ToLookup(pair => pair.InputNeuron);
        for (int k = 0; k < m; k++)
        {
            var neuron = analysis.Weights.Neurons[k];
            var features = neuron.Kind == NeuronKind.Dead ? [] : NeuronMeasures.Answers(w1, w2, m, k);
            var signs = new char[features.Count];
            for (int f = 0; f < signs.Length; f++)
                signs[f] = w1[(features[f] * m) + k] < 0 ? '-' : '+';
            table.WriteKey(analysis.Instance).Write(k).Write(Name(neuron.Kind)).Write(neuron.ParticipationRatio).Write(neuron.InputRatio).Write(neuron.OutputRatio)
                .Write(neuron.InputNorm).Write(neuron.OutputNorm).Write(features).Write(string.Join(' ', signs))
                .Write(partners[k].Select(pair => pair.Feature)).Write(partners[k].Select(pair => pair.OutputNeuron)).EndRow();
        }
    }

    private static string Name(NeuronKind kind) => kind switch
    {
        NeuronKind.Dead => "dead",
        NeuronKind.Monosemantic => "monosemantic",
        _ => "polysemantic",
    };
}
