using ToyPipeline.Analysis.Data;
using ToyPipeline.Analysis.Scoring;

namespace ToyPipeline.Analysis.Measures;

/// <summary>Samples with the hidden activations of one model.</summary>
/// <param name="X">Samples, [samples][features].</param>
/// <param name="Hidden">Hidden activations, [samples][hidden].</param>
internal sealed record HiddenSamples(IReadOnlyList<float[]> X, IReadOnlyList<float[]> Hidden)
{
    private const int BatchSize = 1024;

    // Values in the input of an ensemble: 4 MB.
    private const int EnsembleInput = 1 << 20;

    /// <summary>Scores the first samples of a dataset, at most <paramref name="count"/> of them.</summary>
    /// <param name="session">The model.</param>
    /// <param name="place">Place of the instance in an ensemble; of a single model it does not matter.</param>
    /// <param name="samples">The dataset.</param>
    /// <param name="count">Number of samples that are wanted.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static HiddenSamples Score(ToyModelSession session, int place, SampleBatches samples, int count, CancellationToken cancellation)
    {
        int m = session.Output("hidden").Shape[^1];
        var x = new List<float[]>();
        var hidden = new List<float[]>();
        using var pool = new BatchMemoryPool(session, Math.Clamp(EnsembleInput / session.InputSize, 1, BatchSize), threads: 1);
        using var reader = new BatchReader(pool, samples, ["hidden"]);
        int start = session.Instances is null ? 0 : place * m;
        while (x.Count < count && reader.Next() is > 0 and var rows)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int row = 0; row < rows && x.Count < count; row++)
            {
                x.Add(reader.Samples.Slice(row * session.Features, session.Features).ToArray());
                hidden.Add(reader.Row(0, row).Slice(start, m).ToArray());
            }
        }

        return new HiddenSamples(x, hidden);
    }

    /// <summary>
    /// How far h is from linear: the largest <c>‖h(x + y) − h(x) − h(y)‖ / (‖h(x)‖ + ‖h(y)‖)</c> over the pairs of neighbouring samples; 0 where
    /// no pair has an activation.
    /// </summary>
    /// <inheritdoc cref="Score" path="/param"/>
    public double LinearityError(ToyModelSession session, int place)
    {
        int pairs = X.Count / 2;
        int n = session.Features;
        int instances = session.Instances ?? 1;
        int batch = Math.Clamp(EnsembleInput / session.InputSize, 1, BatchSize);
        using var scorer = new BatchScorer(session, batch, ["hidden"]);
        double worst = 0;
        for (int first = 0; first < pairs; first += batch)
        {
            int rows = Math.Min(batch, pairs - first);
            var input = scorer.Input.Span;
            for (int row = 0; row < rows; row++)
            {
                var sum = input.Slice(((row * instances) + (session.Instances is null ? 0 : place)) * n, n);
                for (int i = 0; i < n; i++)
                    sum[i] = X[2 * (first + row)][i] + X[(2 * (first + row)) + 1][i];
            }

            scorer.Run(rows);
            for (int row = 0; row < rows; row++)
            {
                int pair = 2 * (first + row);
                int m = Hidden[pair].Length;
                worst = Math.Max(worst, Deviation(scorer.Rows(0, row, 1).Slice(session.Instances is null ? 0 : place * m, m), Hidden[pair], Hidden[pair + 1]));
            }
        }

        return worst;
    }

    private static double Deviation(ReadOnlySpan<float> ofSum, float[] a, float[] b)
    {
        double deviation = 0, squareA = 0, squareB = 0;
        for (int k = 0; k < a.Length; k++)
        {
            double difference = (double)ofSum[k] - a[k] - b[k];
            deviation += difference * difference;
            squareA += (double)a[k] * a[k];
            squareB += (double)b[k] * b[k];
        }

        double scale = Math.Sqrt(squareA) + Math.Sqrt(squareB);
        return scale > 0 ? Math.Sqrt(deviation) / scale : 0;
    }
}
