namespace ToyPipeline.Analysis.Geometry;

/// <summary>An arrangement to compare with: how many directions, in how many dimensions, and the angles under which each sees the others.</summary>
/// <remarks>
/// The lists of angles describe the corners; with the number of corners and dimensions they tell each arrangement from the others and from
/// everything near. Every arrangement here is a tight frame: with equal lengths each D_i is dimensions / corners.
/// </remarks>
internal sealed record ReferencePolytope(ComponentKind Kind, int Dimensions, IReadOnlyList<Corners> Corners)
{
    /// <summary>Largest difference of an angle, in degrees.</summary>
    /// <remarks>
    /// Claims about single angles hold to ±3°. A name asks for less: under falling importance a pentagon is not regular, and a neighbour under
    /// noise must not lose its name. The closest two arrangements of one size differ by far more.
    /// </remarks>
    public const double AngleTolerance = 8;

    /// <summary>Largest difference of the mean D_i from dimensions / corners.</summary>
    /// <remarks>Noise and unequal lengths move it by a few hundredths; neighbours that leave it no dimensions of its own, by more.</remarks>
    public const double DimensionalityTolerance = 0.1;

    /// <summary>An eigenvalue of the matrix of cosines counts as a dimension from here on.</summary>
    /// <remarks>The dimensions of the arrangements have eigenvalues of at least 4/3, the others 0; turning by the angle tolerance lifts a 0 to under 0.2.</remarks>
    public const double DimensionEigenvalue = 0.25;

    private static readonly ReferencePolytope[] s_all =
    [
        new(ComponentKind.Digon, 1, [new(2, 180)]),
        new(ComponentKind.Triangle, 2, [new(3, 120, 120)]),
        new(ComponentKind.Tetrahedron, 3, [new(4, Degrees(-1 / 3.0, -1 / 3.0, -1 / 3.0))]),
        new(ComponentKind.Pentagon, 2, [new(5, 72, 72, 144, 144)]),
        new(ComponentKind.SquareAntiprism, 3, [new(8, Antiprism())]),
        new(ComponentKind.FourNinths, 4, FourNinths()),
    ];

    private int Count => Corners.Sum(corners => corners.Count);

    /// <summary>The arrangement that the directions are in, or null.</summary>
    /// <param name="cosines">Cosines of the angles between directions, [count, count].</param>
    /// <param name="count">Number of directions.</param>
    /// <param name="dimensions">Dimensions that they span.</param>
    /// <param name="dimensionality">Mean of their D_i.</param>
    public static ReferencePolytope? Match(double[] cosines, int count, int dimensions, double dimensionality) =>
        Array.Find(s_all, polytope => polytope.Count == count && polytope.Dimensions == dimensions
            && Math.Abs(dimensionality - ((double)dimensions / count)) <= DimensionalityTolerance && polytope.SeesItsAngles(cosines));

    // Each direction must be one of the corners, and each sort of corner must come as often as it should.
    private bool SeesItsAngles(double[] cosines)
    {
        int count = Count;
        int[] found = new int[Corners.Count];
        for (int i = 0; i < count; i++)
        {
            double[] seen = Degrees([.. Enumerable.Range(0, count).Where(j => j != i).Select(j => cosines[(i * count) + j])]);
            var (error, sort) = Corners.Select((corners, place) => (corners.Distance(seen), place)).Min();
            if (!(error <= AngleTolerance))
                return false;
            found[sort]++;
        }

        return found.SequenceEqual(Corners.Select(corners => corners.Count));
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

    // Nine directions in four dimensions: a pole P; a tetrahedron A_1..A_4 at the angle α from it, near the equator; its dual B_1..B_4 at β,
    // where B_i lies across from A_i. With tetrahedron corners t_i·t_j = −1/3, A_i = (cos α, sin α t_i) and B_i = (cos β, −sin β t_i).
    // D_i = 4/9 for all asks for a tight frame, 1 + 4 cos²α + 4 cos²β = 9/4; of these the one where A_i is as far from P as from B_j:
    // cos α = cos α cos β + sin α sin β / 3. Models with n = 9, m = 4 trained at densities of 0.1 and 0.02 come within 7° of it.
    private static Corners[] FourNinths()
    {
        double low = 0, high = Math.Sqrt(5) / 4; // of cos α
        for (int step = 0; step < 60; step++)
        {
            double middle = (low + high) / 2;
            var (cosA, sinA, cosB, sinB) = Latitudes(middle);
            if (cosA < (cosA * cosB) + (sinA * sinB / 3))
                low = middle;
            else
                high = middle;
        }

        var (ca, sa, cb, sb) = Latitudes(low);
        double ab = (ca * cb) + (sa * sb / 3), across = (ca * cb) - (sa * sb), aa = (ca * ca) - (sa * sa / 3), bb = (cb * cb) - (sb * sb / 3);
        return
        [
            new(1, Degrees(ca, ca, ca, ca, cb, cb, cb, cb)),
            new(4, Degrees(ca, aa, aa, aa, ab, ab, ab, across)),
            new(4, Degrees(cb, bb, bb, bb, ab, ab, ab, across)),
        ];

        static (double CosA, double SinA, double CosB, double SinB) Latitudes(double cosA)
        {
            double cosB = -Math.Sqrt((5 / 16.0) - (cosA * cosA));
            return (cosA, Math.Sqrt(1 - (cosA * cosA)), cosB, Math.Sqrt(1 - (cosB * cosB)));
        }
    }
}

/// <summary>Corners of an arrangement that are alike.</summary>
/// <param name="Count">How many there are.</param>
/// <param name="Angles">Angles under which each sees the other corners of the arrangement, ascending.</param>
internal sealed record Corners(int Count, params double[] Angles)
{
    /// <summary>Largest difference between <paramref name="seen"/>, ascending, and the angles.</summary>
    public double Distance(double[] seen)
    {
        double distance = 0;
        for (int k = 0; k < Angles.Length; k++)
            distance = Math.Max(distance, Math.Abs(seen[k] - Angles[k]));
        return distance;
    }
}
