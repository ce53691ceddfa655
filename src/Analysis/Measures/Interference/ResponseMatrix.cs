using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Measures;

/// <summary>
/// How the preactivation of each output answers to one input alone: <c>z_i(x_j e_j) − b_i = R⁺_ij x_j</c> for x_j ≥ 0 and
/// <c>R⁻_ij |x_j|</c> for x_j &lt; 0. Exact for every kind: with one input alone, the only kink is at 0.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item><c>linear</c>, <c>relu-output</c>: <c>R⁺ = G</c>, <c>R⁻ = −G</c>.</item>
/// <item><c>relu-hidden</c>: <c>R^±_ij = Σ_k W_ik ReLU(±W_jk)</c>.</item>
/// <item><c>absolute-value</c>: <c>R^±_ij = Σ_k W2_ik ReLU(±W1_jk)</c>; the mean of the two is its G.</item>
/// </list>
/// </remarks>
public sealed class ResponseMatrix
{
    private ResponseMatrix(int features, double[] positive, double[] negative) => (Features, Positive, Negative) = (features, positive, negative);

    /// <summary>n.</summary>
    public int Features { get; }

    /// <summary>R⁺, [features, features]: row i is the output.</summary>
    public IReadOnlyList<double> Positive { get; }

    /// <summary>R⁻, [features, features].</summary>
    public IReadOnlyList<double> Negative { get; }

    /// <summary>The responses of one instance of a pack.</summary>
    public static ResponseMatrix Of(EnsembleWeights weights, int place)
    {
        ArgumentNullException.ThrowIfNull(weights);
        int n = weights.Features;
        double[] positive = new double[n * n], negative = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
                (positive[(i * n) + j], negative[(i * n) + j]) = Response(weights, place, i, j);
        }

        return new ResponseMatrix(n, positive, negative);
    }

    internal static (double Positive, double Negative) Response(EnsembleWeights weights, int place, int output, int input)
    {
        int m = weights.Hidden;
        var w = weights.WOf(place).Slice(input * m, m);
        var decoder = weights.DecoderOf(place).Slice(output * m, m);
        double positive = 0, negative = 0;
        if (weights.Kind is ModelKind.Linear or ModelKind.ReluOutput)
        {
            for (int k = 0; k < m; k++)
                positive += (double)decoder[k] * w[k];
            return (positive, -positive);
        }

        for (int k = 0; k < m; k++)
        {
            positive += decoder[k] * Math.Max(0.0, w[k]);
            negative += decoder[k] * Math.Max(0.0, -w[k]);
        }

        return (positive, negative);
    }
}
