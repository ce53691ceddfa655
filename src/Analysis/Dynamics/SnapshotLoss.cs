using System.Runtime.Intrinsics;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Dynamics;

/// <summary>The loss of weights that were never exported, such as snapshots, on samples in memory.</summary>
internal static class SnapshotLoss
{
    /// <summary>The loss of the first instance of each pack; the same samples for all, so that what they differ in is the weights.</summary>
    /// <param name="snapshots">Packs of one instance each.</param>
    /// <param name="importance">I_i, length n.</param>
    /// <param name="x">Samples, [samples, features].</param>
    /// <param name="cancellation">Stops between snapshots.</param>
    public static double[] Of(IReadOnlyList<EnsembleWeights> snapshots, IReadOnlyList<double> importance, ReadOnlyMemory<float> x, CancellationToken cancellation)
    {
        double[] losses = new double[snapshots.Count];
        Parallel.For(0, losses.Length, new ParallelOptions { CancellationToken = cancellation }, s => losses[s] = Of(snapshots[s], importance, x.Span));
        return losses;
    }

    private static double Of(EnsembleWeights weights, IReadOnlyList<double> importance, ReadOnlySpan<float> x)
    {
        int n = weights.Features;
        int samples = x.Length / n;
        bool absolute = weights.Kind == ModelKind.AbsoluteValue;
        var network = new NetworkLanes(weights, 0, importance);
        var input = new Vector512<double>[n];
        var target = new Vector512<double>[n];
        double sum = 0;
        for (int first = 0; first < samples; first += NetworkLanes.Lanes)
        {
            int count = Math.Min(NetworkLanes.Lanes, samples - first);
            for (int i = 0; i < n; i++)
            {
                input[i] = Vector512<double>.Zero;
                for (int lane = 0; lane < count; lane++)
                    input[i] = input[i].WithElement(lane, x[((first + lane) * n) + i]);
                target[i] = absolute ? Vector512.Abs(input[i]) : input[i];
            }

            var loss = network.Loss(input, target);
            for (int lane = 0; lane < count; lane++)
                sum += loss[lane];
        }

        return sum / samples;
    }
}
