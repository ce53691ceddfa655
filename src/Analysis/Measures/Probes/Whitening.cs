namespace ToyPipeline.Analysis.Measures;

/// <summary>
/// Turns activations into uncorrelated ones of mean 0 and variance 1: <c>h' = L⁻¹ (h − μ)</c> with the covariance <c>C = L Lᵀ</c>.
/// What a linear probe can read stays the same; a trainer that goes coordinate by coordinate converges in a few passes.
/// </summary>
internal static class Whitening
{
    // A dimension whose variance, given those before it, is less than this part of its own repeats them: it becomes 0.
    private const double SmallestPart = 1e-9;

    /// <param name="hidden">Activations, [samples][hidden].</param>
    /// <param name="trained">Mean and covariance are those of the first so many samples.</param>
    public static float[][] Of(IReadOnlyList<float[]> hidden, int trained)
    {
        int m = hidden[0].Length;
        double[] mean = [.. Enumerable.Range(0, m).Select(k => hidden.Take(trained).Average(row => (double)row[k]))];
        double[,] factor = Cholesky(Covariance(hidden, trained, mean));
        return [.. hidden.Select(row => Solve(factor, row, mean))];
    }

    private static double[,] Covariance(IReadOnlyList<float[]> hidden, int trained, double[] mean)
    {
        int m = mean.Length;
        double[,] covariance = new double[m, m];
        for (int s = 0; s < trained; s++)
        {
            float[] row = hidden[s];
            for (int k = 0; k < m; k++)
            {
                for (int l = 0; l <= k; l++)
                    covariance[k, l] += (row[k] - mean[k]) * (row[l] - mean[l]) / trained;
            }
        }

        return covariance;
    }

    // Lower triangle of L, in place of that of C; 0 on the diagonal where a dimension repeats others.
    private static double[,] Cholesky(double[,] c)
    {
        int m = c.GetLength(0);
        for (int k = 0; k < m; k++)
        {
            double variance = c[k, k];
            for (int l = 0; l < k; l++)
            {
                double sum = c[k, l];
                for (int p = 0; p < l; p++)
                    sum -= c[k, p] * c[l, p];
                c[k, l] = c[l, l] > 0 ? sum / c[l, l] : 0;
            }

            double rest = variance;
            for (int l = 0; l < k; l++)
                rest -= c[k, l] * c[k, l];
            c[k, k] = rest > SmallestPart * variance ? Math.Sqrt(rest) : 0;
        }

        return c;
    }

    private static float[] Solve(double[,] factor, float[] row, double[] mean)
    {
        int m = row.Length;
        double[] white = new double[m];
        for (int k = 0; k < m; k++)
        {
            double sum = row[k] - mean[k];
            for (int l = 0; l < k; l++)
                sum -= factor[k, l] * white[l];
            white[k] = factor[k, k] > 0 ? sum / factor[k, k] : 0;
        }

        return Array.ConvertAll(white, value => (float)value);
    }
}
