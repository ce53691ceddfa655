using CsCheck;
using ToyPipeline.Analysis.Geometry;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Tests;

public sealed class GeometryTests
{
    private static readonly (string Name, double[][] Rows)[] s_shapes =
    [
        ("dedicated", Shapes.Dedicated),
        ("digon", Shapes.Digon),
        ("triangle", Shapes.Triangle),
        ("tetrahedron", Shapes.Tetrahedron),
        ("pentagon", Shapes.Pentagon),
        ("square antiprism", Shapes.SquareAntiprism),
        ("4/9 cluster", Shapes.FourNinths),
    ];

    [Test]
    public void Exact_shapes_are_named_however_they_are_turned() =>
        Gen.Select(Gen.Int[0, s_shapes.Length - 1], Gen.Int[4, 7], Gen.Int[0, 1 << 20]).Sample((shape, hidden, seed) =>
            Name(Shapes.Disturbed(s_shapes[shape].Rows, hidden, 0, seed), hidden) == s_shapes[shape].Name);

    [Test]
    public void Noise_of_a_trained_model_does_not_change_the_name() =>
        Gen.Select(Gen.Int[0, s_shapes.Length - 1], Gen.Int[0, 1 << 20]).Sample((shape, seed) =>
            Name(Shapes.Disturbed(s_shapes[shape].Rows, 4, 0.025, seed), 4) == s_shapes[shape].Name);

    [Test]
    public void Lengths_do_not_change_the_name_while_the_mean_dimensionality_is_within_the_tolerance() =>
        Gen.Select(Gen.Int[0, s_shapes.Length - 1], Gen.Int[0, 1 << 20]).Sample((shape, seed) =>
        {
            var random = new Random(seed);
            double[][] rows = Shapes.Disturbed(s_shapes[shape].Rows, 4, 0, seed);
            double[][] scaled = [.. rows.Select(row => Scaled(row, 0.6 + random.NextDouble()))];
            double off = Math.Abs(MeanDimensionality(scaled) - MeanDimensionality(rows));
            // Exactly at the tolerance, rounding to floats decides.
            return Math.Abs(off - ReferencePolytope.DimensionalityTolerance) < 1e-6
                || (Name(scaled, 4) == s_shapes[shape].Name) == (off < ReferencePolytope.DimensionalityTolerance);
        });

    [Test]
    public void Orthogonal_sums_are_named_by_their_parts() =>
        Gen.Select(Gen.Int[0, s_shapes.Length - 1].Array[1, 5], Gen.Int[0, 1 << 20]).Sample((parts, seed) =>
        {
            double[][] rows = Shapes.Sum([.. parts.Select(part => s_shapes[part].Rows)]);
            int hidden = rows[0].Length + 1;
            string[] order = ["square antiprism", "pentagon", "4/9 cluster", "tetrahedron", "triangle", "digon", "dedicated"];
            string expected = string.Join(" + ", parts.Select(part => s_shapes[part].Name).GroupBy(name => name).OrderBy(group => Array.IndexOf(order, group.Key))
                .Select(group => group.Count() == 1 ? group.Key : $"{group.Count()} {group.Key}"));
            return Name(Shapes.Disturbed(rows, hidden, 0.01, seed), hidden) == expected;
        });

    [Test]
    public void Broken_shapes_are_other()
    {
        double[][] bent = Shapes.Pentagon;
        bent[0] = [Math.Cos(0.25), Math.Sin(0.25)];
        double[][] fat = Shapes.Tetrahedron;
        fat[0] = [1, 0.2, 0.2];
        double[][] pole = Shapes.FourNinths;
        pole[0] = [Math.Cos(0.35), Math.Sin(0.35), 0, 0];
        Assert.Multiple(() =>
        {
            Assert.That(Name(bent, 2), Is.EqualTo("other"), "a pentagon with one corner 14° off");
            Assert.That(Name(fat, 3), Is.EqualTo("other"), "a tetrahedron with one corner 30° off");
            Assert.That(Name(Shapes.Pentagon[..4], 2), Is.EqualTo("other"), "a pentagon with a corner missing");
            Assert.That(Name(Shapes.SquareAntiprism[..7], 3), Is.EqualTo("other"), "an antiprism with a corner missing");
            Assert.That(Name([[1, 0], [0.6, 0.8]], 2), Is.EqualTo("other"), "two features 53° apart");
            Assert.That(Name([[1, 0], [1, 0]], 2), Is.EqualTo("other"), "two features side by side");
            Assert.That(Name(Shapes.Polygon(6), 2), Is.EqualTo("other"), "a hexagon");
            Assert.That(Name(Cube(), 3), Is.EqualTo("other"), "a cube: an antiprism that is not twisted");
            Assert.That(Name(Shapes.Polygon(9), 2), Is.EqualTo("other"), "more members than any arrangement has");
            Assert.That(Name(Simplex5(), 4), Is.EqualTo("other"), "five features in four dimensions");
            Assert.That(Name(TriangleByTriangle(), 4), Is.EqualTo("other"), "nine features in four dimensions with D_i = 4/9, but other angles");
            Assert.That(Name(pole, 4), Is.EqualTo("other"), "a 4/9 cluster with its pole 20° off");
            Assert.That(Name(Shapes.FourNinths[..8], 4), Is.EqualTo("other"), "a 4/9 cluster with a corner missing");
            Assert.That(Name([.. Shapes.FourNinths[1..], Shapes.FourNinths[1]], 4), Is.EqualTo("other"), "a 4/9 cluster with one corner twice and no pole");
        });
    }

    [Test]
    public void A_component_tells_its_dimensions_angles_and_dimensionalities()
    {
        double[][] rows = Shapes.Sum(Shapes.Pentagon, Shapes.Dedicated, Shapes.Digon);
        foreach (int hidden in (int[])[4, 9])
        {
            var components = WeightAnalysis.Of(Shapes.Pack(Shapes.Disturbed(rows, hidden, 0, 3), hidden), 0).Components;
            Assert.Multiple(() =>
            {
                Assert.That(components.Select(component => component.Dimensions), Is.EqualTo(new int?[] { 2, 1, 1 }), "the smaller of two matrices has the same eigenvalues");
                Assert.That(components.Select(component => component.MeanDimensionality), Is.EqualTo(new[] { 0.4, 1, 0.5 }).Within(1e-6));
                Assert.That(components.Select(component => component.DimensionalityDeviation), Is.All.EqualTo(0).Within(1e-6));
                Assert.That(components[0].Angles, Is.EqualTo(new double[] { 72, 72, 72, 72, 72, 144, 144, 144, 144, 144 }).Within(1e-2));
                Assert.That(components[1].Angles, Is.Empty);
                Assert.That(components[2].Angles.Single(), Is.EqualTo(180).Within(0.1));
            });
        }

        // A digon of lengths 1 and 1/2: D = 1 / (1 + 1/4) and (1/4) / (1 + 1/4).
        var uneven = WeightAnalysis.Of(Shapes.Pack([[1, 0], [-0.5, 0]], 2), 0).Components.Single();
        Assert.That((uneven.Kind, uneven.MeanDimensionality), Is.EqualTo((ComponentKind.Digon, 0.5)));
        Assert.That(uneven.DimensionalityDeviation, Is.EqualTo(0.3).Within(1e-12));
    }

    [Test]
    public void Neighbours_that_take_its_dimensions_take_its_name()
    {
        // 40 features that are not represented lie along a digon and have half of its dimension.
        double[][] crowded = [[1, 0], [-1, 0], .. Enumerable.Range(0, 40).Select(i => (double[])[i % 2 == 0 ? 0.2 : -0.2, 0.1])];
        Assert.Multiple(() =>
        {
            Assert.That(Name(crowded, 2), Is.EqualTo("other"));
            Assert.That(Name(crowded[..6], 2), Is.EqualTo("digon"));
        });
    }

    [Test]
    public void Kinds_have_the_names_that_claims_use() =>
        Assert.That(Enum.GetValues<ComponentKind>().Select(FeatureGeometry.Name), Is.EqualTo(ClaimMeasures.Kinds));

    [Test]
    public void A_square_of_digons_is_two_digons() => Assert.That(Name(Shapes.Polygon(4), 2), Is.EqualTo("2 digon"));

    [Test]
    public void Features_that_are_not_represented_have_no_component()
    {
        var components = FeatureGeometry.Components(FeatureMeasures.GramMatrix([1, 0, 0.3f, 0.3f, -1, 0], 3, 2), 3, [1, 0, 0.3f, 0.3f, -1, 0]);
        Assert.That(components.Single().Members, Is.EqualTo(new[] { 0, 2 }));
        Assert.That(components.Single().Kind, Is.EqualTo(ComponentKind.Digon));
    }

    [Test]
    public void Absolute_value_components_of_several_features_are_other()
    {
        var weights = TestData.Weights(ModelKind.AbsoluteValue, 1, 3, 4) with { W = [.. Enumerable.Repeat(1f, 12)], W2 = [.. Enumerable.Repeat(1f, 12)] };
        Assert.That(WeightAnalysis.Of(weights, 0).Geometry, Is.EqualTo("other"));
    }

    [Test]
    public void Eigenvalues_sum_to_the_trace_and_their_squares_to_the_squared_norm() => Gen.Select(Gen.Int[1, 8], Gen.Int[0, 999]).Sample((n, seed) =>
    {
        var random = new Random(seed);
        double[] a = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
                a[(i * n) + j] = a[(j * n) + i] = random.NextDouble() - 0.5;
        }

        double[] values = SymmetricEigenvalues.Of(a, n);
        return Math.Abs(values.Sum() - Enumerable.Range(0, n).Sum(i => a[i * (n + 1)])) < 1e-9 && Math.Abs(values.Sum(x => x * x) - a.Sum(x => x * x)) < 1e-9;
    });

    private static double[][] Cube() => [.. Enumerable.Range(0, 8).Select(i => (double[])[(i & 1) - 0.5, ((i >> 1) & 1) - 0.5, (i >> 2) - 0.5])];

    private static double[][] Simplex5()
    {
        double c = -1 / Math.Sqrt(5);
        return [[1, 1, 1, c], [1, -1, -1, c], [-1, 1, -1, c], [-1, -1, 1, c], [0, 0, 0, 4 / Math.Sqrt(5)]];
    }

    // Corners of triangles in two planes, added: cosines 1/4 and −1/2, and Σ cos² = 9/4.
    private static double[][] TriangleByTriangle() =>
        [.. Shapes.Triangle.SelectMany(a => Shapes.Triangle.Select(b => (double[])[.. a.Concat(b).Select(x => x / Math.Sqrt(2))]))];

    private static double[] Scaled(double[] row, double by) => [.. row.Select(value => value * by)];

    // D_i = |W_i|² / Σ_j (Ŵ_i·W_j)²
    private static double MeanDimensionality(double[][] rows) => rows.Average(row =>
    {
        double square = Dot(row, row);
        return square * square / rows.Sum(other => Dot(row, other) * Dot(row, other));
    });

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static string Name(double[][] rows, int hidden) => WeightAnalysis.Of(Shapes.Pack(rows, hidden), 0).Geometry;
}
