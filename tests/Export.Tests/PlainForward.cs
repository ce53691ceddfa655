using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Export.Tests;

/// <summary>The forward pass as PAPER's formulas say it, in float64: what the exported models are tested against.</summary>
internal static class PlainForward
{
    /// <summary>Outputs of one instance for one sample.</summary>
    public static (double[] Hidden, double[] Preactivation, double[] Reconstruction) Run(EnsembleWeights weights, int place, ReadOnlySpan<float> x)
    {
        int n = weights.Features, m = weights.Hidden;
        var W1 = weights.WOf(place); // [features, hidden]
        var W2 = weights.DecoderOf(place); // [features, hidden]
        var b = weights.BOf(place); // [features]
        bool hiddenRelu = weights.Kind is ModelKind.ReluHidden or ModelKind.AbsoluteValue;

        double[] h = new double[m];
        for (int k = 0; k < m; k++)
        {
            for (int i = 0; i < n; i++)
                h[k] += (double)W1[(i * m) + k] * x[i];
            if (hiddenRelu)
                h[k] = Math.Max(h[k], 0);
        }

        double[] z = new double[n];
        for (int i = 0; i < n; i++)
        {
            z[i] = b[i];
            for (int k = 0; k < m; k++)
                z[i] += W2[(i * m) + k] * h[k];
        }

        return (h, z, weights.Kind == ModelKind.Linear ? z : [.. z.Select(value => Math.Max(value, 0))]);
    }
}
