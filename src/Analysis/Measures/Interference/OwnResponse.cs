using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Measures;

/// <summary>What an instance's preactivation is without interference: <c>z_i(x_i e_i) = b_i + R⁺_ii x_i</c>, or <c>b_i + R⁻_ii |x_i|</c> for x_i &lt; 0.</summary>
/// <param name="Positive">R⁺_ii, [features].</param>
/// <param name="Negative">R⁻_ii, [features].</param>
/// <param name="Bias">b, [features].</param>
internal sealed record OwnResponse(double[] Positive, double[] Negative, double[] Bias)
{
    /// <summary>n.</summary>
    public int Features => Bias.Length;

    public static OwnResponse Of(EnsembleWeights weights, int place)
    {
        int n = weights.Features;
        double[] positive = new double[n], negative = new double[n];
        for (int i = 0; i < n; i++)
            (positive[i], negative[i]) = ResponseMatrix.Response(weights, place, i, i);
        return new OwnResponse(positive, negative, Array.ConvertAll(weights.BOf(place).ToArray(), value => (double)value));
    }

    /// <summary>The interference on output <paramref name="i"/>, <c>z_i − z_i(x_i e_i)</c>.</summary>
    public double Interference(double x, double z, int i) => z - Bias[i] - (x >= 0 ? Positive[i] * x : Negative[i] * -x);
}
