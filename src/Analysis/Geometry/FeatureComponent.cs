namespace ToyPipeline.Analysis.Geometry;

/// <summary>A connected component of the interference graph.</summary>
/// <param name="Kind">Its arrangement.</param>
/// <param name="Members">Its features, ascending.</param>
public sealed record FeatureComponent(ComponentKind Kind, IReadOnlyList<int> Members)
{
    /// <summary>Dimensions that its directions span; null of several features of the absolute-value model, which have no directions.</summary>
    public required int? Dimensions { get; init; }

    /// <summary>Mean of D_i over the members.</summary>
    public required double MeanDimensionality { get; init; }

    /// <summary>Standard deviation of D_i over the members (divisor: their number).</summary>
    public required double DimensionalityDeviation { get; init; }

    /// <summary>Angles between any two members in degrees, ascending; empty of one member, and of the absolute-value model.</summary>
    public required IReadOnlyList<double> Angles { get; init; }
}
