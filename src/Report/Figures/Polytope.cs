namespace ToyPipeline.Report.Figures;

/// <summary>Edges of the convex hull of points in space.</summary>
internal static class Polytope
{
    private const double Flat = 0.03;

    /// <summary>More points than this have too many edges to be read.</summary>
    private const int MostPoints = 24;

    /// <summary>The edges, by places of the points; none for fewer than three points, or more than can be read.</summary>
    /// <remarks>
    /// A plane through three points with all others on one side is a face. Of the points in it, those are joined that have the face's other
    /// points on one side of their line, so that a square has four edges and no diagonal. Points closer to a plane than 0.03 count as in it.
    /// </remarks>
    public static IReadOnlyList<(int From, int To)> Edges(IReadOnlyList<double[]> points)
    {
        var edges = new SortedSet<(int, int)>();
        int count = points.Count is >= 3 and <= MostPoints ? points.Count : 0;
        for (int i = 0; i < count; i++)
        {
            for (int j = i + 1; j < count; j++)
            {
                for (int k = j + 1; k < count; k++)
                    AddFace(points, i, j, k, edges);
            }
        }

        return [.. edges];
    }

    private static void AddFace(IReadOnlyList<double[]> points, int i, int j, int k, SortedSet<(int, int)> edges)
    {
        double[] normal = Cross(Minus(points[j], points[i]), Minus(points[k], points[i]));
        double length = Math.Sqrt(Dot(normal, normal));
        if (length < 1e-6)
            return;
        double[] heights = [.. points.Select(point => Dot(Minus(point, points[i]), normal) / length)];
        if (heights.Any(height => height > Flat) && heights.Any(height => height < -Flat))
            return;
        int[] face = [.. Enumerable.Range(0, points.Count).Where(p => Math.Abs(heights[p]) <= Flat)];
        foreach (var (a, b) in new[] { (i, j), (i, k), (j, k) })
        {
            double[] along = Minus(points[b], points[a]);
            double[] outwards = Cross(along, normal);
            double size = Math.Sqrt(Dot(outwards, outwards));
            double[] sides = [.. face.Where(p => p != a && p != b).Select(p => Dot(Minus(points[p], points[a]), outwards) / size)];
            if (sides.All(side => side >= -Flat) || sides.All(side => side <= Flat))
                edges.Add((a, b));
        }
    }

    private static double[] Minus(double[] a, double[] b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

    private static double[] Cross(double[] a, double[] b) => [(a[1] * b[2]) - (a[2] * b[1]), (a[2] * b[0]) - (a[0] * b[2]), (a[0] * b[1]) - (a[1] * b[0])];

    private static double Dot(double[] a, double[] b) => (a[0] * b[0]) + (a[1] * b[1]) + (a[2] * b[2]);
}
