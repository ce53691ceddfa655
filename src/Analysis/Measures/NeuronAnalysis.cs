namespace ToyPipeline.Analysis.Measures;

/// <summary>How many features a hidden unit answers to.</summary>
public enum NeuronKind
{
    /// <summary>None: its weights are too small to matter.</summary>
    Dead,

    /// <summary>One.</summary>
    Monosemantic,

    /// <summary>Several.</summary>
    Polysemantic,
}

/// <summary>The measures of one hidden unit k of an instance; docs/measures.md defines them. Of the tied models input and output are the same.</summary>
/// <param name="InputNorm"><c>√Σ_i W1_ik²</c>.</param>
/// <param name="OutputNorm"><c>√Σ_i W2_ik²</c>.</param>
/// <param name="InputRatio">Participation ratio of its input weights, <c>(Σ_i W1_ik²)² / Σ_i W1_ik⁴</c>; 0 where all are 0.</param>
/// <param name="OutputRatio">The same of its output weights.</param>
public sealed record NeuronAnalysis(double InputNorm, double OutputNorm, double InputRatio, double OutputRatio)
{
    /// <summary>The larger of the two: a neuron is monosemantic when it reads one feature and writes one.</summary>
    public double ParticipationRatio => Math.Max(InputRatio, OutputRatio);

    /// <summary>Dead, mono- or polysemantic.</summary>
    /// <remarks>The product of the norms is the same however a unit's input weights are scaled up and its output weights down.</remarks>
    public NeuronKind Kind =>
        !(InputNorm * OutputNorm >= FeatureMeasures.RepresentedNorm * FeatureMeasures.RepresentedNorm) ? NeuronKind.Dead
        : ParticipationRatio < NeuronMeasures.PolysemanticRatio ? NeuronKind.Monosemantic
        : NeuronKind.Polysemantic;
}
