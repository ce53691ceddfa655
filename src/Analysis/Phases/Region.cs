using ToyPipeline.Analysis.Measures;

namespace ToyPipeline.Analysis.Phases;

/// <summary>What becomes of a feature.</summary>
internal enum Region
{
    /// <summary>Its norm is under 0.5.</summary>
    NotRepresented,

    /// <summary>It is represented, and shares its dimensions with others.</summary>
    Superposition,

    /// <summary>It is represented, and has a dimension to itself.</summary>
    OwnDimension,
}

/// <summary>Regions of a phase diagram.</summary>
internal static class Regions
{
    /// <summary>A represented feature is in superposition when <c>Σ_{j≠i} (Ŵ_i·W_j)²</c> is at least this.</summary>
    /// <remarks>An antipodal pair has about 1, a triangle 1/2, a dimension of one's own 0.</remarks>
    public const double LeastSuperposition = 0.25;

    /// <summary>The region of a measured feature.</summary>
    public static Region Of(FeatureAnalysis feature) =>
        !feature.Represented ? Region.NotRepresented
        : feature.Superposition >= LeastSuperposition ? Region.Superposition
        : Region.OwnDimension;

    /// <summary>Name in tables.</summary>
    public static string Name(Region region) => region switch
    {
        Region.NotRepresented => "not represented",
        Region.Superposition => "superposition",
        _ => "own dimension",
    };
}
