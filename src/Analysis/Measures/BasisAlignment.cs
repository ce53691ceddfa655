using System.Collections.Concurrent;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Measures;

/// <summary>How much of each represented feature lies on a single neuron.</summary>
public static class BasisAlignment
{
    private static readonly ConcurrentDictionary<int, double> s_random = new();

    /// <summary>
    /// Mean over the features of <c>max_k W_ik² / ‖W_i‖²</c>: 1 when each lies on one neuron. Of the absolute-value model, where a feature needs
    /// two, of <c>(max_{k: W1_ik &gt; 0} e_ik + max_{k: W1_ik &lt; 0} e_ik) / Σ_k e_ik</c> with <c>e_ik = |W1_ik W2_ik|</c>. Not a number without features.
    /// </summary>
    /// <param name="weights">The pack.</param>
    /// <param name="place">Place of the instance.</param>
    /// <param name="features">The represented features.</param>
    public static double Of(EnsembleWeights weights, int place, IReadOnlyList<int> features)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(features);
        int m = weights.Hidden;
        var w1 = weights.WOf(place);
        var w2 = weights.DecoderOf(place);
        double alignment = 0;
        foreach (int i in features)
        {
            double plus = 0, minus = 0, sum = 0;
            for (int k = 0; k < m; k++)
            {
                double energy = Math.Abs((double)w1[(i * m) + k] * w2[(i * m) + k]);
                sum += energy;
                if (w1[(i * m) + k] > 0)
                    plus = Math.Max(plus, energy);
                else
                    minus = Math.Max(minus, energy);
            }

            alignment += (weights.W2 is null ? Math.Max(plus, minus) : plus + minus) / sum;
        }

        return alignment / features.Count;
    }

    /// <summary>What <see cref="Of"/> gives on average for directions without a preferred basis: <c>E[max_k u_k²]</c>, u uniform on the unit sphere of m dimensions.</summary>
    /// <remarks>
    /// With m standard normal g_k, <c>u = g / |g|</c> and |g| are independent: <c>E[max u²] = E[max g²] / m</c>, and
    /// <c>E[max g²] = ∫_0^∞ 2x (1 − P(|g| ≤ x)^m) dx</c>. Simpson's rule over both integrals.
    /// </remarks>
    public static double Random(int hidden)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hidden, 1);
        return s_random.GetOrAdd(hidden, Integrate);
    }

    private static double Integrate(int m)
    {
        const int steps = 2000; // of two halves each
        const double end = 12; // P(|g| > 12) is 4e-33
        const double h = end / (2 * steps);
        double probability = 0, sum = 0;
        for (int s = 0; s < steps; s++)
        {
            double a = 2 * s * h;
            double quarter = probability + Simpson(Density, a, a + h), half = quarter + Simpson(Density, a + h, a + (2 * h));
            sum += h / 3 * (Tail(a, probability) + (4 * Tail(a + h, quarter)) + Tail(a + (2 * h), half));
            probability = half;
        }

        return sum / m;

        double Tail(double x, double p) => 2 * x * (1 - Math.Pow(Math.Min(p, 1), m));
    }

    // Of |g|.
    private static double Density(double x) => Math.Sqrt(2 / Math.PI) * Math.Exp(-x * x / 2);

    private static double Simpson(Func<double, double> f, double a, double b) => (b - a) / 6 * (f(a) + (4 * f((a + b) / 2)) + f(b));
}
