using ToyPipeline.Analysis.Geometry;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Stage;

/// <summary>features.csv: a row per instance and feature.</summary>
internal static class FeatureRows
{
    // Measures that not every run has: see InstanceAnalysis.FurtherOfFeatures.
    private static readonly string[] s_further = [.. ClaimMeasures.OfFeature.Except(["norm", "superposition", "dimensionality", "bias"])];

    public static IReadOnlyList<string> Columns { get; } =
    [
        "feature", "importance", "density", "norm", "represented", "superposition", "dimensionality", "bias", "component", "component_kind", .. s_further, "best",
    ];

    public static void Write(TableWriter table, InstanceAnalysis analysis, bool best)
    {
        for (int i = 0; i < analysis.Weights.Features.Count; i++)
        {
            var feature = analysis.Weights.Features[i];
            table.WriteKey(analysis.Instance).Write(i).Write(analysis.Spec.Importance[i]).Write(analysis.Spec.Data.Density[i])
                .Write(feature.Norm).Write(feature.Represented).Write(feature.Superposition).Write(feature.Dimensionality).Write(feature.Bias)
                .Write(feature.Component).Write(feature.Component is { } c ? FeatureGeometry.Name(analysis.Weights.Components[c].Kind) : "");
            foreach (string name in s_further)
                table.Write(analysis.FurtherOfFeatures.TryGetValue(name, out var values) ? values[i] : double.NaN);
            table.Write(best).EndRow();
        }
    }
}
