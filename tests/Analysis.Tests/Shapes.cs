using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Tests;

/// <summary>Exact arrangements of directions, and what a test does to them.</summary>
internal static class Shapes
{
    public static double[][] Dedicated => [[1]];

    public static double[][] Digon => [[1], [-1]];

    public static double[][] Triangle => Polygon(3);

    public static double[][] Pentagon => Polygon(5);

    public static double[][] Tetrahedron => [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]];

    /// <summary>Two squares, the upper one turned by 45°; height² : radius² = 1 : 2 makes a tight frame.</summary>
    public static double[][] SquareAntiprism =>
        [.. Enumerable.Range(0, 8).Select(i => (double[])[Math.Cos(i * Math.PI / 4) * Math.Sqrt(2), Math.Sin(i * Math.PI / 4) * Math.Sqrt(2), i % 2 == 0 ? 1 : -1])];

    /// <summary>A pole, a tetrahedron at 79.51° from it and the dual tetrahedron at 121.91°, in four dimensions: a tight frame.</summary>
    public static double[][] FourNinths
    {
        get
        {
            double a = double.DegreesToRadians(79.51206), b = double.DegreesToRadians(121.90757);
            double[][] t = [.. Tetrahedron.Select(row => row.Select(x => x / Math.Sqrt(3)).ToArray())];
            return
            [
                [1, 0, 0, 0],
                .. t.Select(x => (double[])[Math.Cos(a), Math.Sin(a) * x[0], Math.Sin(a) * x[1], Math.Sin(a) * x[2]]),
                .. t.Select(x => (double[])[Math.Cos(b), -Math.Sin(b) * x[0], -Math.Sin(b) * x[1], -Math.Sin(b) * x[2]]),
            ];
        }
    }

    public static double[][] Polygon(int corners) =>
        [.. Enumerable.Range(0, corners).Select(i => (double[])[Math.Cos(2 * Math.PI * i / corners), Math.Sin(2 * Math.PI * i / corners)])];

    /// <summary>Directions side by side in orthogonal spaces.</summary>
    public static double[][] Sum(params double[][][] shapes)
    {
        int dimensions = shapes.Sum(shape => shape[0].Length);
        int offset = 0;
        var rows = new List<double[]>();
        foreach (double[][] shape in shapes)
        {
            foreach (double[] row in shape)
            {
                double[] wide = new double[dimensions];
                row.CopyTo(wide, offset);
                rows.Add(wide);
            }

            offset += shape[0].Length;
        }

        return [.. rows];
    }

    /// <summary>Unit rows, randomly rotated in <paramref name="hidden"/> dimensions, each coordinate moved by up to <paramref name="noise"/>.</summary>
    public static double[][] Disturbed(double[][] rows, int hidden, double noise, int seed)
    {
        var random = new Random(seed);
        double[][] basis = Orthonormal(rows[0].Length, hidden, random);
        return [.. rows.Select(row =>
        {
            double length = Math.Sqrt(row.Sum(value => value * value));
            double[] moved = new double[hidden];
            for (int k = 0; k < hidden; k++)
                moved[k] = row.Select((value, d) => value / length * basis[d][k]).Sum() + (noise * ((2 * random.NextDouble()) - 1));
            return moved;
        })];
    }

    /// <summary>A pack of one tied instance with these rows as W and zero bias.</summary>
    public static EnsembleWeights Pack(double[][] rows, int hidden) => new()
    {
        Kind = ModelKind.ReluOutput,
        Features = rows.Length,
        Hidden = hidden,
        Instances = [new Instance(0, new Cell(0, []), 0, 0)],
        W = [.. rows.SelectMany(row => row.Select(value => (float)value).Concat(Enumerable.Repeat(0f, hidden - row.Length)))],
        B = new float[rows.Length],
    };

    private static double[][] Orthonormal(int count, int dimensions, Random random)
    {
        var basis = new List<double[]>();
        while (basis.Count < count)
        {
            double[] v = [.. Enumerable.Range(0, dimensions).Select(_ => random.NextDouble() - 0.5)];
            foreach (double[] b in basis)
            {
                double dot = v.Zip(b, (x, y) => x * y).Sum();
                v = [.. v.Zip(b, (x, y) => x - (dot * y))];
            }

            double norm = Math.Sqrt(v.Sum(x => x * x));
            if (norm > 1e-3)
                basis.Add([.. v.Select(x => x / norm)]);
        }

        return [.. basis];
    }
}
