namespace ToyPipeline.Report.Charts;

/// <summary>Geometry that both renderings of vectors share.</summary>
internal static class Vectors
{
    /// <summary>How far beyond a tip its name stands, in units of the data.</summary>
    public const double NameDistance = 0.11;

    /// <summary>How much further a name stands for each letter after the first, in units of the data, where it stands beside its tip.</summary>
    public const double LetterDistance = 0.04;

    // Looking down from a third of a right angle, turned so that no axis hides another.
    private const double Azimuth = 0.61;
    private const double Elevation = 0.42;

    /// <summary>Where the name of a tip has its centre: clear of the tip, to whose side a long name takes more room than above it.</summary>
    public static double[] NameAt(double[] tip, string name)
    {
        double length = Math.Sqrt(tip.Sum(x => x * x));
        return Beyond(tip, NameDistance + (length == 0 ? 0 : LetterDistance * (name.Length - 1) * Math.Abs(tip[0]) / length));
    }

    /// <summary>The point <paramref name="distance"/> further out than <paramref name="tip"/>.</summary>
    public static double[] Beyond(double[] tip, double distance)
    {
        double length = Math.Sqrt(tip.Sum(x => x * x));
        return length == 0 ? tip : [.. tip.Select(x => x * (length + distance) / length)];
    }

    /// <summary>Orthographic projection of a point in space to the plane of a static figure; a point of the plane stays.</summary>
    public static (double X, double Y) Project(double[] point)
    {
        if (point.Length == 2)
            return (point[0], point[1]);
        var (sa, ca) = Math.SinCos(Azimuth);
        var (se, ce) = Math.SinCos(Elevation);
        double depth = (ca * point[1]) + (sa * point[0]);
        return ((ca * point[0]) - (sa * point[1]), (ce * point[2]) - (se * depth));
    }
}
