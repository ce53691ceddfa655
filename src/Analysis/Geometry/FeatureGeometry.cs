using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Geometry;

/// <summary>Names the arrangement of an instance's represented features.</summary>
/// <remarks>
/// Represented features are the nodes of a graph, with an edge where <c>|Ŵ_i·Ŵ_j| &gt; 0.15</c>. A component has the name of a
/// <see cref="ReferencePolytope"/> when it has as many members and dimensions, every member sees the others under the angles of one of the
/// polytope's corners, each to within 8°, and the mean of D_i is within 0.1 of the polytope's. Lengths may differ: importance stretches
/// directions without turning them. A feature that no other interferes with is dedicated, whatever the noise around it makes of its D_i.
/// </remarks>
public static class FeatureGeometry
{
    /// <summary>Two features interfere when the cosine of the angle between them is larger than this: 81.4° or less, 98.6° or more.</summary>
    /// <remarks>Smaller than every cosine that holds a named arrangement together; larger than the noise of a trained model.</remarks>
    public const double EdgeCosine = 0.15;

    /// <summary>Names of the kinds, as compositions and tables have them.</summary>
    public static string Name(ComponentKind kind) => kind switch
    {
        ComponentKind.SquareAntiprism => "square antiprism",
        ComponentKind.Pentagon => "pentagon",
        ComponentKind.FourNinths => "4/9 cluster",
        ComponentKind.Tetrahedron => "tetrahedron",
        ComponentKind.Triangle => "triangle",
        ComponentKind.Digon => "digon",
        ComponentKind.Dedicated => "dedicated",
        _ => "other",
    };

    /// <summary>The components of the interference graph, ordered by their lowest feature.</summary>
    /// <param name="g">Interference matrix, [features, features].</param>
    /// <param name="features">n.</param>
    /// <param name="directions">
    /// W, [features, hidden], where <paramref name="g"/> is its Gram matrix. Empty where it is none (absolute-value): there are no angles then, a
    /// component of several features is <see cref="ComponentKind.Other"/>, and the larger of |G_ij| and |G_ji| makes the edge.
    /// </param>
    public static IReadOnlyList<FeatureComponent> Components(ReadOnlySpan<double> g, int features, ReadOnlySpan<float> directions)
    {
        double[] norms = new double[features];
        bool[] seen = new bool[features];
        for (int i = 0; i < features; i++)
        {
            norms[i] = FeatureMeasures.Norm(g, features, i);
            seen[i] = norms[i] < FeatureMeasures.RepresentedNorm;
        }

        var components = new List<FeatureComponent>();
        for (int i = 0; i < features; i++)
        {
            if (!seen[i])
                components.Add(Component(g, norms, Reach(g, norms, seen, i), directions));
        }

        return components;
    }

    /// <summary>Kinds with their counts, in the order of <see cref="ComponentKind"/>: <c>pentagon</c>, <c>digon + 3 dedicated</c>; <c>none</c> without components.</summary>
    public static string Composition(IEnumerable<FeatureComponent> components)
    {
        string text = string.Join(" + ", components
            .GroupBy(component => component.Kind)
            .OrderBy(group => group.Key)
            .Select(group => group.Count() == 1 ? Name(group.Key) : $"{group.Count()} {Name(group.Key)}"));
        return text.Length == 0 ? ClaimMeasures.NoGeometry : text;
    }

    private static int[] Reach(ReadOnlySpan<double> g, double[] norms, bool[] seen, int start)
    {
        int n = norms.Length;
        var members = new List<int> { start };
        seen[start] = true;
        for (int at = 0; at < members.Count; at++)
        {
            int i = members[at];
            for (int j = 0; j < n; j++)
            {
                if (seen[j] || Math.Max(Math.Abs(g[(i * n) + j]), Math.Abs(g[(j * n) + i])) <= EdgeCosine * norms[i] * norms[j])
                    continue;
                seen[j] = true;
                members.Add(j);
            }
        }

        members.Sort();
        return [.. members];
    }

    private static FeatureComponent Component(ReadOnlySpan<double> g, double[] norms, int[] members, ReadOnlySpan<float> directions)
    {
        int n = norms.Length;
        double sum = 0, squares = 0;
        foreach (int i in members)
        {
            double dimensionality = FeatureMeasures.Dimensionality(g, n, i);
            sum += dimensionality;
            squares += dimensionality * dimensionality;
        }

        double mean = sum / members.Length;
        double deviation = members.Length == 1 ? 0 : Math.Sqrt(Math.Max(0, (squares / members.Length) - (mean * mean)));
        if (members.Length == 1)
            return Named(ComponentKind.Dedicated, 1, []);
        if (directions.IsEmpty)
            return Named(ComponentKind.Other, null, []);
        double[] cosines = Cosines(g, norms, members);
        int dimensions = Dimensions(cosines, members, directions, norms);
        return Named(ReferencePolytope.Match(cosines, members.Length, dimensions, mean)?.Kind ?? ComponentKind.Other, dimensions, Angles(cosines, members.Length));

        FeatureComponent Named(ComponentKind kind, int? spanned, double[] angles) => new(kind, members)
        {
            Dimensions = spanned,
            MeanDimensionality = mean,
            DimensionalityDeviation = deviation,
            Angles = angles,
        };
    }

    private static double[] Cosines(ReadOnlySpan<double> g, double[] norms, int[] members)
    {
        int count = members.Length;
        double[] cosines = new double[count * count];
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < count; j++)
            {
                double cosine = g[(members[i] * norms.Length) + members[j]] / (norms[members[i]] * norms[members[j]]);
                cosines[(i * count) + j] = i == j ? 1 : Math.Clamp(cosine, -1, 1);
            }
        }

        return cosines;
    }

    private static double[] Angles(double[] cosines, int count)
    {
        double[] angles = new double[count * (count - 1) / 2];
        for (int i = 0, at = 0; i < count; i++)
        {
            for (int j = i + 1; j < count; j++)
                angles[at++] = double.RadiansToDegrees(Math.Acos(cosines[(i * count) + j]));
        }

        Array.Sort(angles);
        return angles;
    }

    // ŴŴᵀ [members, members] and ŴᵀŴ [hidden, hidden] have the same eigenvalues but for zeros: the smaller one is quicker.
    private static int Dimensions(double[] cosines, int[] members, ReadOnlySpan<float> w, double[] norms)
    {
        int hidden = w.Length / norms.Length;
        double[] values;
        if (members.Length <= hidden)
        {
            values = SymmetricEigenvalues.Of(cosines, members.Length);
        }
        else
        {
            double[] scatter = new double[hidden * hidden];
            foreach (int i in members)
            {
                var wi = w.Slice(i * hidden, hidden);
                for (int k = 0; k < hidden; k++)
                {
                    for (int l = 0; l < hidden; l++)
                        scatter[(k * hidden) + l] += (double)wi[k] * wi[l] / (norms[i] * norms[i]);
                }
            }

            values = SymmetricEigenvalues.Of(scatter, hidden);
        }

        return values.Count(value => value >= ReferencePolytope.DimensionEigenvalue);
    }
}
