using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Measures;

/// <summary>How far the members of correlated or anticorrelated sets share dimensions with each other, and with members of other sets.</summary>
public static class SetSuperposition
{
    /// <summary>
    /// Mean over the represented members i of sets of <c>Σ_j (Ŵ_i·W_j)² = Σ_j G_ij² / G_ii</c>, j over the other members of i's set for
    /// <c>Within</c>, over the members of all other sets for <c>Between</c>. A set that is an orthogonal basis has 0 within; both are 0 where
    /// no member is represented.
    /// </summary>
    /// <param name="g">G, [features, features].</param>
    /// <param name="represented">The represented features.</param>
    /// <param name="sets">The sets; a feature is in at most one.</param>
    public static (double Within, double Between) Of(IReadOnlyList<double> g, IReadOnlyList<int> represented, IReadOnlyList<FeatureSet> sets)
    {
        ArgumentNullException.ThrowIfNull(g);
        ArgumentNullException.ThrowIfNull(represented);
        ArgumentNullException.ThrowIfNull(sets);
        int n = (int)Math.Sqrt(g.Count);
        double within = 0, between = 0;
        int members = 0;
        foreach (int i in represented)
        {
            if (sets.FirstOrDefault(set => set.Members.Contains(i)) is not { } own)
                continue;
            members++;
            foreach (var set in sets)
            {
                double shared = set.Members.Where(j => j != i).Sum(j => g[(i * n) + j] * g[(i * n) + j]) / g[(i * n) + i];
                if (set == own)
                    within += shared;
                else
                    between += shared;
            }
        }

        return members == 0 ? (0, 0) : (within / members, between / members);
    }
}
