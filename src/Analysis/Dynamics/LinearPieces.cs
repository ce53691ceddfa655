namespace ToyPipeline.Analysis.Dynamics;

/// <summary>A stretch of a curve that least squares fits by a line.</summary>
/// <param name="First">First point.</param>
/// <param name="Last">Last point, included.</param>
/// <param name="Mean">Mean of its points, [dimensions].</param>
/// <param name="Slope">Change of the line from a point to the next, [dimensions]; 0 of a single point.</param>
internal sealed record Piece(int First, int Last, double[] Mean, double[] Slope)
{
    /// <summary>Number of points.</summary>
    public int Points => Last - First + 1;

    /// <summary>The line at its first point, [dimensions].</summary>
    public double[] Start => At(-(Points - 1) / 2.0);

    /// <summary>The line at its last point, [dimensions].</summary>
    public double[] End => At((Points - 1) / 2.0);

    private double[] At(double fromMiddle) => [.. Mean.Zip(Slope, (mean, slope) => mean + (fromMiddle * slope))];
}

/// <summary>Takes a curve apart into lines by penalised least squares.</summary>
/// <remarks>
/// The pieces minimise <c>Σ_pieces Σ_t ‖y_t − line_t‖² + β · pieces</c>, exactly, by dynamic programming over the last piece (optimal
/// partitioning, Jackson et al. 2005, of which PELT is the pruned form). <c>β = max((2d + 1) σ² ln T, 3 h² / 16)</c>: the first is the Bayesian
/// information criterion, for d levels, d slopes and a place a piece; the second, for curves without noise, leaves alone what 3 points a quarter
/// of h off the line make. Lines need not meet: a step is two of them.
/// </remarks>
internal sealed class LinearPieces
{
    // The median of |x| of a standard normal x.
    private const double NormalMedian = 0.6744897501960817;

    private readonly double[] _values;
    private readonly int _dimensions;
    // Of the points before t: sums of y and of t y, [points + 1, dimensions], and of ‖y‖², [points + 1].
    private readonly double[] _sums;
    private readonly double[] _moments;
    private readonly double[] _squares;

    private LinearPieces(double[] values, int dimensions)
    {
        (_values, _dimensions) = (values, dimensions);
        Points = values.Length / dimensions;
        _sums = new double[(Points + 1) * dimensions];
        _moments = new double[(Points + 1) * dimensions];
        _squares = new double[Points + 1];
        for (int t = 0; t < Points; t++)
        {
            _squares[t + 1] = _squares[t];
            for (int k = 0; k < dimensions; k++)
            {
                int from = (t * dimensions) + k, to = from + dimensions;
                _sums[to] = _sums[from] + values[from];
                _moments[to] = _moments[from] + (t * values[from]);
                _squares[t + 1] += values[from] * values[from];
            }
        }
    }

    private int Points { get; }

    /// <summary>The pieces in order; together they are the curve.</summary>
    /// <param name="values">The curve, [points, dimensions].</param>
    /// <param name="dimensions">d, values of a point.</param>
    /// <param name="scale">h, the least change that matters.</param>
    public static IReadOnlyList<Piece> Of(double[] values, int dimensions, double scale)
    {
        var curve = new LinearPieces(values, dimensions);
        double noise = ((2 * dimensions) + 1) * curve.NoiseVariance() * Math.Log(curve.Points);
        return curve.Partition(Math.Max(noise, 3 * scale * scale / 16));
    }

    private List<Piece> Partition(double penalty)
    {
        double[] best = new double[Points + 1];
        int[] start = new int[Points + 1];
        for (int end = 1; end <= Points; end++)
        {
            best[end] = double.PositiveInfinity;
            for (int first = 0; first < end; first++)
            {
                double cost = best[first] + Residual(first, end) + penalty;
                if (cost < best[end])
                    (best[end], start[end]) = (cost, first);
            }
        }

        var pieces = new List<Piece>();
        for (int end = Points; end > 0; end = start[end])
            pieces.Add(Line(start[end], end));
        pieces.Reverse();
        return pieces;
    }

    // Σ ‖y_t − line_t‖² over first ≤ t < end: Σ‖y‖² − ‖Σy‖²/count − ‖Σ(t − t̄)y‖²/Σ(t − t̄)².
    private double Residual(int first, int end)
    {
        int count = end - first;
        double times = Times(count), explained = 0;
        for (int k = 0; k < _dimensions; k++)
        {
            var (sum, moment) = Sums(first, end, k);
            explained += (sum * sum / count) + (times > 0 ? moment * moment / times : 0);
        }

        return Math.Max(0, _squares[end] - _squares[first] - explained);
    }

    private Piece Line(int first, int end)
    {
        int count = end - first;
        double times = Times(count);
        double[] mean = new double[_dimensions], slope = new double[_dimensions];
        for (int k = 0; k < _dimensions; k++)
        {
            var (sum, moment) = Sums(first, end, k);
            mean[k] = sum / count;
            slope[k] = times > 0 ? moment / times : 0;
        }

        return new Piece(first, end - 1, mean, slope);
    }

    // Σ (t − t̄)² of so many points.
    private static double Times(int count) => count * ((double)count * count - 1) / 12;

    // Σ y and Σ (t − t̄) y.
    private (double Sum, double Moment) Sums(int first, int end, int k)
    {
        int from = (first * _dimensions) + k, to = (end * _dimensions) + k;
        double sum = _sums[to] - _sums[from];
        return (sum, _moments[to] - _moments[from] - (sum * (first + end - 1) / 2));
    }

    // Mean over the dimensions of σ². A second difference y_{t−1} − 2 y_t + y_{t+1} of noise has the variance 6 σ², whatever the slope; their
    // median does not see the few that lie at jumps.
    private double NoiseVariance()
    {
        if (Points < 3)
            return 0;
        double sum = 0;
        double[] differences = new double[Points - 2];
        for (int k = 0; k < _dimensions; k++)
        {
            for (int t = 0; t < differences.Length; t++)
                differences[t] = Math.Abs(At(t) - (2 * At(t + 1)) + At(t + 2));
            Array.Sort(differences);
            double deviation = differences[differences.Length / 2] / NormalMedian;
            sum += deviation * deviation / 6;

            double At(int t) => _values[(t * _dimensions) + k];
        }

        return sum / _dimensions;
    }
}
