using ToyPipeline.Analysis.Geometry;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Measures;

/// <summary>All measures of one instance's weights.</summary>
public sealed record WeightAnalysis
{
    /// <summary>The features in order.</summary>
    public required IReadOnlyList<FeatureAnalysis> Features { get; init; }

    /// <summary>The components of the interference graph, by their lowest feature.</summary>
    public required IReadOnlyList<FeatureComponent> Components { get; init; }

    /// <summary>The interference matrix G, [features, features].</summary>
    public required IReadOnlyList<double> G { get; init; }

    /// <summary>D* = m / ‖W‖_F².</summary>
    public required double DimensionsPerFeature { get; init; }

    /// <summary>‖W‖_F² / m.</summary>
    public required double FeaturesPerDimension { get; init; }

    /// <summary>Represented features, ascending.</summary>
    public IReadOnlyList<int> Represented => [.. Enumerable.Range(0, Features.Count).Where(i => Features[i].Represented)];

    /// <summary>Mean superposition of the represented features; 0 where none is.</summary>
    public double MeanSuperposition => Features.Where(f => f.Represented).Select(f => f.Superposition).DefaultIfEmpty().Average();

    /// <summary>Largest superposition of a represented feature; 0 where none is.</summary>
    public double MaxSuperposition => Features.Where(f => f.Represented).Select(f => f.Superposition).DefaultIfEmpty().Max();

    /// <summary>The components' kinds as text, for example <c>digon + 3 dedicated</c>.</summary>
    public string Geometry => FeatureGeometry.Composition(Components);

    /// <summary>Measures one instance of a pack.</summary>
    public static WeightAnalysis Of(EnsembleWeights weights, int place)
    {
        ArgumentNullException.ThrowIfNull(weights);
        int n = weights.Features;
        double[] g = FeatureMeasures.InterferenceMatrix(weights, place);
        var components = FeatureGeometry.Components(g, n, symmetric: weights.Kind != ModelKind.AbsoluteValue);
        int?[] componentOf = new int?[n];
        for (int c = 0; c < components.Count; c++)
        {
            foreach (int member in components[c].Members)
                componentOf[member] = c;
        }

        var b = weights.BOf(place);
        var features = new FeatureAnalysis[n];
        for (int i = 0; i < n; i++)
        {
            features[i] = new FeatureAnalysis(
                FeatureMeasures.Norm(g, n, i), FeatureMeasures.Superposition(g, n, i), FeatureMeasures.Dimensionality(g, n, i), b[i], componentOf[i]);
        }

        return new WeightAnalysis
        {
            Features = features,
            Components = components,
            G = g,
            DimensionsPerFeature = FeatureMeasures.DimensionsPerFeature(g, n, weights.Hidden),
            FeaturesPerDimension = FeatureMeasures.FeaturesPerDimension(g, n, weights.Hidden),
        };
    }
}
