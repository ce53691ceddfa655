namespace ToyPipeline.Analysis.Geometry;

/// <summary>Arrangement of the features of a component, in the order in which a composition names them.</summary>
public enum ComponentKind
{
    /// <summary>8 features in 3 dimensions: two squares, one turned by 45°; D_i near 3/8.</summary>
    SquareAntiprism,

    /// <summary>5 features in 2 dimensions, 72° apart; D_i = 2/5.</summary>
    Pentagon,

    /// <summary>9 features in 4 dimensions: a pole, a tetrahedron below it and its dual beyond the equator; D_i near 4/9.</summary>
    FourNinths,

    /// <summary>4 features in 3 dimensions, every pair at cos = −1/3; D_i = 3/4.</summary>
    Tetrahedron,

    /// <summary>3 features in 2 dimensions, 120° apart; D_i = 2/3.</summary>
    Triangle,

    /// <summary>2 features in 1 dimension, opposite; D_i = 1/2.</summary>
    Digon,

    /// <summary>1 feature with a dimension to itself; D_i = 1.</summary>
    Dedicated,

    /// <summary>Anything else.</summary>
    Other,
}
