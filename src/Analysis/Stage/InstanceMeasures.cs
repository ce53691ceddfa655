using ToyPipeline.Analysis.Geometry;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Stage;

/// <summary>The measures of an instance that are one number, by the name that claims and columns have.</summary>
internal static class InstanceMeasures
{
    private static readonly Dictionary<string, Func<InstanceAnalysis, double>> s_measures = new()
    {
        ["represented_count"] = a => a.Weights.Represented.Count,
        ["share_represented"] = a => (double)a.Weights.Represented.Count / a.Weights.Features.Count,
        ["loss"] = a => a.Loss.Mean,
        ["dimensions_per_feature"] = a => a.Weights.DimensionsPerFeature,
        ["features_per_dimension"] = a => a.Weights.FeaturesPerDimension,
        ["mean_superposition"] = a => a.Weights.MeanSuperposition,
        ["max_superposition"] = a => a.Weights.MaxSuperposition,
        ["basis_alignment"] = a => a.Weights.BasisAlignment,
        ["basis_alignment_random"] = a => a.Weights.BasisAlignmentRandom,
        ["monosemantic_count"] = a => Count(a, Measures.NeuronKind.Monosemantic),
        ["polysemantic_count"] = a => Count(a, Measures.NeuronKind.Polysemantic),
        ["share_paired"] = a => a.Weights.SharePaired,
        ["asymmetric_pairs"] = a => a.Weights.AsymmetricPairs.Count,
        ["identity_error"] = a => a.Weights.IdentityError,
        ["superposition_within_sets"] = a => OfSets(a).Within,
        ["superposition_between_sets"] = a => OfSets(a).Between,
    };

    static InstanceMeasures()
    {
        foreach (var kind in Enum.GetValues<ComponentKind>())
            s_measures.Add($"count[{FeatureGeometry.Name(kind)}]", a => Count(a, kind));
    }

    /// <summary>Names in the order of the columns.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. ClaimMeasures.OfInstance.Where(name => !MeasureName.Parse(name).IsText), .. ClaimMeasures.Kinds.Select(kind => $"count[{kind}]")];

    /// <summary>The value of a measure; not a number where the instance was not measured so.</summary>
    public static double Of(InstanceAnalysis analysis, string name) =>
        s_measures.TryGetValue(name, out var measure) ? measure(analysis) : analysis.Data?.Of(name) ?? double.NaN;

    private static (double Within, double Between) OfSets(InstanceAnalysis analysis) =>
        Measures.SetSuperposition.Of(analysis.Weights.G, analysis.Weights.Represented, analysis.Spec.Data.Sets);

    private static double Count(InstanceAnalysis analysis, Measures.NeuronKind kind)
    {
        int count = 0;
        foreach (var neuron in analysis.Weights.Neurons)
            count += neuron.Kind == kind ? 1 : 0;
        return count;
    }

    private static double Count(InstanceAnalysis analysis, ComponentKind kind)
    {
        int count = 0;
        foreach (var component in analysis.Weights.Components)
            count += component.Kind == kind ? 1 : 0;
        return count;
    }
}
