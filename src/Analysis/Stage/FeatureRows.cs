using ToyPipeline.Analysis.Geometry;
using ToyPipeline.Analysis.Measures;

namespace ToyPipeline.Analysis.Stage;

/// <summary>features.csv: a row per instance and feature.</summary>
internal static class FeatureRows
{
    public static IReadOnlyList<string> Columns { get; } =
    [
        "feature", "importance", "density", "norm", "represented", "superposition", "dimensionality", "bias", "component", "component_kind",
        "loss", "loss_se", "weighted_loss", "weighted_loss_se", "best",
    ];

    public static void Write(TableWriter table, InstanceAnalysis analysis, bool best)
    {
        for (int i = 0; i < analysis.Weights.Features.Count; i++)
        {
            var feature = analysis.Weights.Features[i];
            table.WriteKey(analysis.Instance).Write(i).Write(analysis.Spec.Importance[i]).Write(analysis.Spec.Data.Density[i])
                .Write(feature.Norm).Write(feature.Represented).Write(feature.Superposition).Write(feature.Dimensionality).Write(feature.Bias)
                .Write(feature.Component).Write(feature.Component is { } c ? FeatureGeometry.Name(analysis.Weights.Components[c].Kind) : "");
            // Without an evaluation dataset the features have no losses.
            var loss = analysis.Loss.LossPerFeature.Count > 0 ? analysis.Loss.LossPerFeature[i] : new FeatureLoss(double.NaN, double.NaN, double.NaN);
            table.Write(loss.Mean).Write(loss.StandardError).Write(loss.Weighted).Write(loss.WeightedStandardError);
            table.Write(best).EndRow();
        }
    }
}
