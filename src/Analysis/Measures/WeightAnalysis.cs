using ToyPipeline.Analysis.Geometry;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Measures;

/// <summary>All measures of one instance's weights.</summary>
public sealed record WeightAnalysis
{
    /// <summary>The features in order.</summary>
    public required IReadOnlyList<FeatureAnalysis> Features { get; init; }

    /// <summary>The hidden units in order.</summary>
    public required IReadOnlyList<NeuronAnalysis> Neurons { get; init; }

    /// <summary>The components of the interference graph, by their lowest feature.</summary>
    public required IReadOnlyList<FeatureComponent> Components { get; init; }

    /// <summary>The components' kinds as text, for example <c>digon + 3 dedicated</c>.</summary>
    public required string Geometry { get; init; }

    /// <summary>The interference matrix G, [features, features].</summary>
    public required IReadOnlyList<double> G { get; init; }

    /// <summary>D* = m / ‖W‖_F².</summary>
    public required double DimensionsPerFeature { get; init; }

    /// <summary>‖W‖_F² / m.</summary>
    public required double FeaturesPerDimension { get; init; }

    /// <summary>Represented features, ascending.</summary>
    public required IReadOnlyList<int> Represented { get; init; }

    /// <summary>Mean superposition of the represented features; 0 where none is.</summary>
    public required double MeanSuperposition { get; init; }

    /// <summary>Largest superposition of a represented feature; 0 where none is.</summary>
    public required double MaxSuperposition { get; init; }

    /// <summary>How far G is from the identity on the represented features; see <see cref="FeatureMeasures.IdentityError"/>.</summary>
    public required double IdentityError { get; init; }

    /// <summary>How much of each represented feature lies on one neuron; see <see cref="Measures.BasisAlignment.Of"/>.</summary>
    public required double BasisAlignment { get; init; }

    /// <summary>What it would be without a preferred basis; not a number of the absolute-value model.</summary>
    public required double BasisAlignmentRandom { get; init; }

    /// <summary>Share of the represented features with a neuron for +x and one for −x; see <see cref="NeuronMeasures.SharePaired"/>.</summary>
    public required double SharePaired { get; init; }

    /// <summary>Pairs of neurons that serve a feature lopsidedly.</summary>
    public required IReadOnlyList<AsymmetricPair> AsymmetricPairs { get; init; }

    /// <summary>Measures one instance of a pack.</summary>
    public static WeightAnalysis Of(EnsembleWeights weights, int place)
    {
        ArgumentNullException.ThrowIfNull(weights);
        int n = weights.Features;
        double[] g = FeatureMeasures.InterferenceMatrix(weights, place);
        bool tied = weights.Kind != ModelKind.AbsoluteValue;
        var components = FeatureGeometry.Components(g, n, tied ? weights.WOf(place) : []);
        var features = FeaturesOf(g, weights.BOf(place), components);
        var neurons = NeuronMeasures.Of(weights, place);
        var represented = new List<int>();
        double sum = 0, max = 0;
        for (int i = 0; i < n; i++)
        {
            if (!features[i].Represented)
                continue;
            represented.Add(i);
            sum += features[i].Superposition;
            max = Math.Max(max, features[i].Superposition);
        }

        return new WeightAnalysis
        {
            Features = features,
            Neurons = neurons,
            Components = components,
            Geometry = FeatureGeometry.Composition(components),
            G = g,
            DimensionsPerFeature = FeatureMeasures.DimensionsPerFeature(g, n, weights.Hidden),
            FeaturesPerDimension = FeatureMeasures.FeaturesPerDimension(g, n, weights.Hidden),
            Represented = represented,
            MeanSuperposition = represented.Count > 0 ? sum / represented.Count : 0,
            MaxSuperposition = max,
            IdentityError = FeatureMeasures.IdentityError(g, n),
            BasisAlignment = Measures.BasisAlignment.Of(weights, place, represented),
            BasisAlignmentRandom = tied ? Measures.BasisAlignment.Random(weights.Hidden) : double.NaN,
            SharePaired = NeuronMeasures.SharePaired(weights, place, neurons, represented),
            AsymmetricPairs = NeuronMeasures.AsymmetricPairs(weights, place, neurons),
        };
    }

    private static FeatureAnalysis[] FeaturesOf(ReadOnlySpan<double> g, ReadOnlySpan<float> b, IReadOnlyList<FeatureComponent> components)
    {
        int n = b.Length;
        int?[] componentOf = new int?[n];
        for (int c = 0; c < components.Count; c++)
        {
            foreach (int member in components[c].Members)
                componentOf[member] = c;
        }

        var features = new FeatureAnalysis[n];
        for (int i = 0; i < n; i++)
        {
            features[i] = new FeatureAnalysis(
                FeatureMeasures.Norm(g, n, i), FeatureMeasures.Superposition(g, n, i), FeatureMeasures.Dimensionality(g, n, i), b[i], componentOf[i]);
        }

        return features;
    }
}
