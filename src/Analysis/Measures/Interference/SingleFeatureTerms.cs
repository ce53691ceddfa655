using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Measures;

/// <summary>
/// The benefit and interference terms of PAPER.md: what inputs with one active feature cost, in closed form.
/// Feature i alone is active and uniform on its range: <c>benefit_i = I_i E[(target_i − y_i)²]</c> is what remains of its own error, and
/// <c>interference_i = Σ_{j≠i} I_j E[y_j²]</c> what it does to the outputs that should be 0.
/// </summary>
/// <remarks>
/// Each is the expectation given that the feature is the only active one, as PAPER.md writes it: not weighted by how often that happens,
/// which is <see cref="AloneProbability"/>. <c>benefit_i + interference_i</c> is n times the expected loss of such an input.
/// </remarks>
/// <param name="Benefit">The benefit term of each feature, [features].</param>
/// <param name="Interference">The interference term of each feature as the active one, [features].</param>
public sealed record SingleFeatureTerms(IReadOnlyList<double> Benefit, IReadOnlyList<double> Interference)
{
    /// <summary><c>Σ_i I_i E[(x_i − ReLU(G_ii x_i + b_i))²]</c>.</summary>
    public double TotalBenefit => Benefit.Sum();

    /// <summary><c>Σ_{i≠j} I_j E[ReLU(G_ij x_i + b_j)²]</c>.</summary>
    public double TotalInterference => Interference.Sum();

    /// <summary>The terms of one model.</summary>
    /// <param name="kind">Architecture: <c>linear</c> has no ReLU at the output, the target of <c>absolute-value</c> is |x|.</param>
    /// <param name="response">Its responses to one input.</param>
    /// <param name="b">b, [features].</param>
    /// <param name="importance">I_i, length n.</param>
    /// <param name="range">Range of an active feature.</param>
    public static SingleFeatureTerms Of(ModelKind kind, ResponseMatrix response, ReadOnlySpan<float> b, IReadOnlyList<double> importance, ValueRange range)
    {
        ArgumentNullException.ThrowIfNull(response);
        ArgumentNullException.ThrowIfNull(importance);
        int n = response.Features;
        bool relu = kind != ModelKind.Linear;
        double negativeTarget = kind == ModelKind.AbsoluteValue ? 1 : -1;
        double[] benefit = new double[n], interference = new double[n];
        for (int j = 0; j < n; j++)
        {
            for (int i = 0; i < n; i++)
            {
                int at = (j * n) + i;
                double own = i == j ? 1 : 0;
                double square = SquaredError(own, response.Positive[at], b[j], relu);
                if (range == ValueRange.Signed)
                    square = (square + SquaredError(own * negativeTarget, response.Negative[at], b[j], relu)) / 2;
                (i == j ? benefit : interference)[i] += importance[j] * square;
            }
        }

        return new SingleFeatureTerms(benefit, interference);
    }

    /// <summary>P(feature i is active and no other is), [features].</summary>
    public static double[] AloneProbability(DataSpec data)
    {
        ArgumentNullException.ThrowIfNull(data);
        int n = data.Density.Count;
        var inSet = new FeatureSet?[n];
        foreach (var set in data.Sets)
        {
            foreach (int member in set.Members)
                inSet[member] = set;
        }

        // Independent draws: one a set, one a feature outside of sets.
        double[] draws = [.. data.Sets.Select(set => set.Density), .. Enumerable.Range(0, n).Where(i => inSet[i] is null).Select(i => data.Density[i])];
        int certain = draws.Count(density => density == 1);
        double noneOfTheOthers = draws.Where(density => density < 1).Aggregate(1.0, (product, density) => product * (1 - density));
        return [.. Enumerable.Range(0, n).Select(i =>
        {
            double active = inSet[i] is { } set
                ? set.Kind == SetKind.Correlated ? 0 : 1.0 / set.Members.Count
                : 1;
            double density = data.Density[i];
            // ∏ (1 − p) over the other draws, where a draw with p = 1 may only be the feature's own.
            return density == 1
                ? certain == 1 ? active * noneOfTheOthers : 0
                : certain == 0 ? active * density * noneOfTheOthers / (1 - density) : 0;
        })];
    }

    // ∫₀¹ (t x − f(r x + b))² dx with f = ReLU or the identity. The integrand is the square of a function that is linear on each side of the
    // point where the ReLU turns on or off, and ∫ of such a square over a width w with end values p and q is w (p² + p q + q²) / 3:
    // nothing cancels.
    internal static double SquaredError(double t, double r, double b, bool relu)
    {
        double end = r + b;
        if (!relu || (b >= 0 && end >= 0))
            return Square(1, -b, t - end);
        if (b <= 0 && end <= 0)
            return t * t / 3;
        // One end is on, the other off; at the zero between them the output is 0.
        double zero = b / (b - end);
        double between = t * zero;
        return b > 0
            ? Square(zero, -b, between) + Square(1 - zero, between, t)
            : Square(zero, 0, between) + Square(1 - zero, between, t - end);
    }

    private static double Square(double width, double p, double q) => width * ((p * p) + (p * q) + (q * q)) / 3;
}
