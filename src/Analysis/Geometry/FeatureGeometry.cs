using ToyPipeline.Analysis.Measures;

namespace ToyPipeline.Analysis.Geometry;

/// <summary>A connected component of the interference graph.</summary>
/// <param name="Kind">Its arrangement.</param>
/// <param name="Members">Its features, ascending.</param>
public sealed record FeatureComponent(ComponentKind Kind, IReadOnlyList<int> Members);

/// <summary>Names the arrangement of an instance's represented features.</summary>
/// <remarks>
/// Represented features are the nodes of a graph, with an edge where <c>|Ŵ_i·Ŵ_j| &gt; 0.15</c>. A component has the name of a
/// <see cref="ReferencePolytope"/> when it has as many members and dimensions and every member sees the others under the polytope's angles,
/// each to within 8°. Lengths do not enter: importance stretches directions without turning them.
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
        ComponentKind.Tetrahedron => "tetrahedron",
        ComponentKind.Triangle => "triangle",
        ComponentKind.Digon => "digon",
        ComponentKind.Dedicated => "dedicated",
        _ => "other",
    };

    /// <summary>The components of the interference graph, ordered by their lowest feature.</summary>
    /// <param name="g">Interference matrix, [features, features].</param>
    /// <param name="features">n.</param>
    /// <param name="symmetric">
    /// Whether <paramref name="g"/> is a Gram matrix. Where it is not (absolute-value) there are no angles: a component of several features is
    /// <see cref="ComponentKind.Other"/>, and the larger of |G_ij| and |G_ji| makes the edge.
    /// </param>
    public static IReadOnlyList<FeatureComponent> Components(ReadOnlySpan<double> g, int features, bool symmetric = true)
    {
        double[] norms = new double[features];
        for (int i = 0; i < features; i++)
            norms[i] = FeatureMeasures.Norm(g, features, i);
        bool[] seen = [.. norms.Select(norm => norm < FeatureMeasures.RepresentedNorm)];
        var components = new List<FeatureComponent>();
        for (int i = 0; i < features; i++)
        {
            if (seen[i])
                continue;
            int[] members = Reach(g, norms, seen, i);
            components.Add(new FeatureComponent(Classify(g, norms, members, symmetric), members));
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
        return text.Length == 0 ? "none" : text;
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

    private static ComponentKind Classify(ReadOnlySpan<double> g, double[] norms, int[] members, bool symmetric)
    {
        if (members.Length == 1)
            return ComponentKind.Dedicated;
        if (!symmetric || members.Length > ReferencePolytope.MaxVertices)
            return ComponentKind.Other;
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

        return ReferencePolytope.Match(cosines, count)?.Kind ?? ComponentKind.Other;
    }
}
