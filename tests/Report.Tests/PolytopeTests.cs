using ToyPipeline.Report.Figures;

namespace ToyPipeline.Report.Tests;

/// <summary>Edges of solids whose edges are known.</summary>
internal sealed class PolytopeTests
{
    private const double Golden = 1.618033988749895;

    /// <summary>Corners, number of edges, and edges at each corner.</summary>
    private static readonly TestCaseData[] s_solids =
    [
        Case("digon", [[0, 0, 1], [0, 0, -1]], 0, 0),
        Case("digon with a point between", [[0, 0, 1], [0, 0, -1], [0, 0, 0.2]], 0, 0),
        Case("triangle", Ring(3), 3, 2),
        Case("square", Ring(4), 4, 2),
        Case("pentagon", Ring(5), 5, 2),
        Case("tetrahedron", [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], 6, 3),
        Case("octahedron", [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], 12, 4),
        Case("cube", [.. Enumerable.Range(0, 8).Select(i => new double[] { (2 * (i & 1)) - 1, (i & 2) - 1, ((i & 4) / 2) - 1 })], 12, 3),
        Case("triangular prism", [.. Ring(3, 0.7), .. Ring(3, -0.7)], 9, 3),
        Case("square antiprism", [.. Ring(4, 0.5), .. Ring(4, -0.5, Math.PI / 4)], 16, 4),
        Case("icosahedron", [.. from a in (int[])[-1, 1] from b in (int[])[-1, 1] from turn in (int[])[0, 1, 2] select Turned([0, a, b * Golden], turn)], 30, 5),
    ];

    [TestCaseSource(nameof(s_solids))]
    public void A_solid_has_its_edges_however_it_is_turned(double[][] corners, int edges, int each)
    {
        foreach (double angle in new[] { 0, 0.3, 1.1, 2.9 })
        {
            double[][] turned = [.. corners.Select(corner => Rotated(corner, angle))];
            var found = Polytope.Edges(turned);
            Assert.Multiple(() =>
            {
                Assert.That(found, Has.Count.EqualTo(edges));
                Assert.That(found, Is.Unique.And.All.Matches<(int From, int To)>(edge => edge.From < edge.To));
                for (int i = 0; i < corners.Length; i++)
                    Assert.That(found.Count(edge => edge.From == i || edge.To == i), Is.EqualTo(each), $"at corner {i}");
            });
        }
    }

    [Test]
    public void A_pentagon_joins_neighbours_and_no_diagonal() =>
        Assert.That(Polytope.Edges(Ring(5)), Is.EquivalentTo(new[] { (0, 1), (1, 2), (2, 3), (3, 4), (0, 4) }));

    [Test]
    public void Squares_of_an_antiprism_have_no_diagonals()
    {
        var edges = Polytope.Edges([.. Ring(4, 0.5), .. Ring(4, -0.5, Math.PI / 4)]);
        Assert.That(edges, Has.None.EqualTo((0, 2)).And.None.EqualTo((1, 3)).And.None.EqualTo((4, 6)).And.None.EqualTo((5, 7)));
    }

    [Test]
    public void A_point_inside_has_no_edge()
    {
        double[][] corners = [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1], [0.1, 0, 0.05]];
        Assert.That(Polytope.Edges(corners), Has.Count.EqualTo(6).And.None.Matches<(int From, int To)>(edge => edge.To == 4));
    }

    [Test]
    public void Corners_that_training_left_a_little_beside_their_places_keep_the_faces()
    {
        double[][] cube = [.. Enumerable.Range(0, 8).Select(i => new double[] { (2 * (i & 1)) - 1, (i & 2) - 1, ((i & 4) / 2) - 1 })];
        double[][] shaken = [.. cube.Select((corner, i) => corner.Select((x, k) => x + (0.004 * Math.Sin((5 * i) + (3 * k)))).ToArray())];
        Assert.That(Polytope.Edges(shaken), Is.EqualTo(Polytope.Edges(cube)));
    }

    [Test]
    public void More_points_than_can_be_read_have_no_edges() => Assert.Multiple(() =>
    {
        Assert.That(Polytope.Edges(Ring(24)), Has.Count.EqualTo(24));
        Assert.That(Polytope.Edges(Ring(25)), Is.Empty);
    });

    private static double[][] Ring(int corners, double height = 0, double turn = 0) =>
        [.. Enumerable.Range(0, corners).Select(i => new[] { Math.Cos(turn + (Math.Tau * i / corners)), Math.Sin(turn + (Math.Tau * i / corners)), height })];

    private static double[] Turned(double[] point, int places) => [.. Enumerable.Range(0, 3).Select(k => point[(k + places) % 3])];

    private static double[] Rotated(double[] p, double angle)
    {
        var (s, c) = Math.SinCos(angle);
        double[] about = [(c * p[0]) - (s * p[1]), (s * p[0]) + (c * p[1]), p[2]];
        var (t, d) = Math.SinCos(0.7 * angle);
        return [about[0], (d * about[1]) - (t * about[2]), (t * about[1]) + (d * about[2])];
    }

    private static TestCaseData Case(string name, double[][] corners, int edges, int each) => new TestCaseData(corners, edges, each).SetArgDisplayNames(name);
}
