namespace ToyPipeline.Analysis.Claims;

/// <summary>Correlation coefficients.</summary>
internal static class Correlation
{
    /// <summary>Pearson's: <c>Σ(x − x̄)(y − ȳ) / √(Σ(x − x̄)² Σ(y − ȳ)²)</c>; not a number where either is constant or there are fewer than two.</summary>
    public static double Pearson(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        // The mean of equal numbers may differ from them in the last bit, and noise would correlate.
        if (IsConstant(x) || IsConstant(y))
            return double.NaN;
        double meanX = Mean(x), meanY = Mean(y), products = 0, squaresX = 0, squaresY = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double dx = x[i] - meanX, dy = y[i] - meanY;
            products += dx * dy;
            squaresX += dx * dx;
            squaresY += dy * dy;
        }

        return Math.Clamp(products / Math.Sqrt(squaresX * squaresY), -1, 1);
    }

    /// <summary>Spearman's: Pearson's of the ranks, equal values sharing the mean of theirs.</summary>
    public static double Spearman(double[] x, double[] y) =>
        Array.Exists(x, double.IsNaN) || Array.Exists(y, double.IsNaN) ? double.NaN : Pearson(Ranks(x), Ranks(y));

    private static double[] Ranks(double[] values)
    {
        int[] order = [.. Enumerable.Range(0, values.Length)];
        Array.Sort((double[])values.Clone(), order);
        double[] ranks = new double[values.Length];
        for (int from = 0, to; from < order.Length; from = to)
        {
            to = from + 1;
            while (to < order.Length && values[order[to]] == values[order[from]])
                to++;
            for (int i = from; i < to; i++)
                ranks[order[i]] = (from + to - 1) / 2.0;
        }

        return ranks;
    }

    private static bool IsConstant(ReadOnlySpan<double> values) => values.IsEmpty || !values.ContainsAnyExcept(values[0]);

    private static double Mean(ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (double value in values)
            sum += value;
        return sum / values.Length;
    }
}
