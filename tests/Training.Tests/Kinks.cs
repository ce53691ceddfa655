using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Tests;

/// <summary>
/// Finds preactivations so close to 0 that the order of summation decides on which side of a ReLU's kink they fall: there the gradient jumps,
/// and two right computations differ by a sample's whole share.
/// </summary>
internal static class Kinks
{
    // Of the root of the sum of the terms' squares: more than float rounding makes of a sum of up to some hundred terms.
    private const double Rounding = 1e-6;

    /// <summary>Whether a batch has such a preactivation in any instance.</summary>
    public static bool Near(Ensemble ensemble, long step) =>
        ensemble.Spec.Kind != ModelKind.Linear && Enumerable.Range(0, ensemble.Instances).Any(instance => Near(ensemble, instance, step));

    private static bool Near(Ensemble ensemble, int instance, long step)
    {
        var (kind, n, m) = ensemble.Spec;
        var weights = ensemble.Weights("");
        float[] encoder = weights.WOf(instance).ToArray(), decoder = weights.DecoderOf(instance).ToArray(), b = weights.BOf(instance).ToArray();
        var source = ensemble.Sources[instance];
        int batch = ensemble.Training.Batch;
        float[] tile = new float[n * SampleSource.TileSamples];
        var buffer = new DrawBuffer(n, source.Sets);
        double[] h = new double[m], squares = new double[m];
        for (int sample = 0; sample < batch; sample++)
        {
            int lane = sample % SampleSource.TileSamples;
            if (lane == 0)
                Tiles.Fill(source, step, sample / SampleSource.TileSamples, tile, buffer);
            Array.Clear(h);
            Array.Clear(squares);
            for (int i = 0; i < n; i++)
            {
                double x = tile[(i * SampleSource.TileSamples) + lane];
                for (int k = 0; x != 0 && k < m; k++)
                {
                    h[k] += encoder[(i * m) + k] * x;
                    squares[k] += Math.Pow(encoder[(i * m) + k] * x, 2);
                }
            }

            if (kind is ModelKind.ReluHidden or ModelKind.AbsoluteValue)
            {
                for (int k = 0; k < m; k++)
                {
                    if (Math.Abs(h[k]) < Rounding * Math.Sqrt(squares[k]))
                        return true;
                    h[k] = Math.Max(h[k], 0);
                    squares[k] = h[k] > 0 ? squares[k] : 0;
                }
            }

            for (int i = 0; i < n; i++)
            {
                double z = b[i], sum = z * z;
                for (int k = 0; k < m; k++)
                {
                    z += decoder[(i * m) + k] * h[k];
                    sum += Math.Pow(decoder[(i * m) + k], 2) * ((h[k] * h[k]) + squares[k]);
                }

                if (Math.Abs(z) < Rounding * Math.Sqrt(sum))
                    return true;
            }
        }

        return false;
    }
}
