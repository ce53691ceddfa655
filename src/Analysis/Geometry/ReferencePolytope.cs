namespace ToyPipeline.Analysis.Geometry;

/// <summary>A uniform arrangement to compare with: how many directions, in how many dimensions, and the angles that each sees the others under.</summary>
/// <remarks>
/// All vertices of these arrangements are alike, so that one sorted list of angles describes them; with the number of vertices and dimensions it
/// tells each from the others and from everything near.
/// </remarks>
internal sealed record ReferencePolytope(ComponentKind Kind, int Vertices, int Dimensions, double[] Angles)
{
    /// <summary>Largest difference of an angle, in degrees.</summary>
    /// <remarks>
    /// Claims about single angles hold to ±3°. A name asks for less: under falling importance a pentagon is not regular, and a neighbour under
    /// noise must not lose its name. The closest two arrangements of one size differ by far more.
    /// </remarks>
    public const double AngleTolerance = 8;

    /// <summary>An eigenvalue of the matrix of cosines counts as a dimension from here on.</summary>
    /// <remarks>The dimensions of the arrangements have eigenvalues of at least 4/3, the others 0; turning by the angle tolerance lifts a 0 to under 0.2.</remarks>
    public const double DimensionEigenvalue = 0.25;

    public const int MaxVertices = 8;

    private static readonly ReferencePolytope[] s_all =
    [
        new(ComponentKind.Digon, 2, 1, [180]),
        new(ComponentKind.Triangle, 3, 2, [120, 120]),
        new(ComponentKind.Tetrahedron, 4, 3, Degrees(-1 / 3.0, -1 / 3.0, -1 / 3.0)),
        new(ComponentKind.Pentagon, 5, 2, [72, 72, 144, 144]),
        new(ComponentKind.SquareAntiprism, 8, 3, Antiprism()),
    ];

    /// <summary>The arrangement that the directions are in, or null.</summary>
    /// <param name="cosines">Cosines of the angles between directions, [count, count].</param>
    /// <param name="count">Number of directions.</param>
    public static ReferencePolytope? Match(double[] cosines, int count) =>
        Array.Find(s_all, polytope => polytope.Vertices == count && polytope.SeesItsAngles(cosines)
            && SymmetricEigenvalues.Of(cosines, count).Count(value => value >= DimensionEigenvalue) == polytope.Dimensions);

    private bool SeesItsAngles(double[] cosines)
    {
        for (int i = 0; i < Vertices; i++)
        {
            double[] seen = Degrees([.. Enumerable.Range(0, Vertices).Where(j => j != i).Select(j => cosines[(i * Vertices) + j])]);
            for (int k = 0; k < seen.Length; k++)
            {
                if (!(Math.Abs(seen[k] - Angles[k]) <= AngleTolerance))
                    return false;
            }
        }

        return true;
    }

    private static double[] Degrees(params double[] cosines) => [.. cosines.Select(cosine => double.RadiansToDegrees(Math.Acos(cosine))).Order()];

    // Two squares at height ±h and radius r with equal spread along all three axes: h² = 1/3, r² = 2/3, so that D_i = 3/8.
    private static double[] Antiprism()
    {
        const double h2 = 1 / 3.0;
        const double r2 = 2 / 3.0;
        double half = Math.Sqrt(0.5);
        return Degrees(h2, h2, h2 - r2, -h2 + (r2 * half), -h2 + (r2 * half), -h2 - (r2 * half), -h2 - (r2 * half));
    }
}
