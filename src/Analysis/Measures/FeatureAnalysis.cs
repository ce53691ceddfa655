namespace ToyPipeline.Analysis.Measures;

/// <summary>The measures of one feature of an instance; docs/measures.md defines them.</summary>
/// <param name="Norm">‖W_i‖.</param>
/// <param name="Superposition">Σ_{j≠i} (Ŵ_i·W_j)².</param>
/// <param name="Dimensionality">D_i.</param>
/// <param name="Bias">b_i.</param>
/// <param name="Component">Its component in the interference graph; null of a feature that is not represented.</param>
public sealed record FeatureAnalysis(double Norm, double Superposition, double Dimensionality, double Bias, int? Component)
{
    /// <summary>Whether ‖W_i‖ ≥ 0.5.</summary>
    public bool Represented => Norm >= FeatureMeasures.RepresentedNorm;
}
