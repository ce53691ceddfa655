namespace ToyPipeline.Analysis.Dynamics;

/// <summary>A stretch of a curve that least squares fits by a constant.</summary>
/// <param name="First">First point.</param>
/// <param name="Last">Last point, included.</param>
/// <param name="Mean">Mean of its points, [dimensions].</param>
/// <param name="IsPlateau">Whether it is long and flat enough to be a plateau.</param>
internal sealed record Piece(int First, int Last, double[] Mean, bool IsPlateau);

/// <summary>A quick passage from one plateau to another.</summary>
/// <param name="Before">The plateau that it leaves.</param>
/// <param name="After">The plateau that it comes to.</param>
internal sealed record Transition(Piece Before, Piece After);

/// <summary>A curve taken apart into pieces, by penalised least squares, and the jumps between its plateaus.</summary>
/// <remarks>
/// <para>
/// The pieces minimise <c>Σ_pieces Σ_t ‖y_t − mean‖² + β · pieces</c>, exactly, by dynamic programming over the last piece (optimal
/// partitioning; Jackson et al. 2005, which PELT prunes). <c>β = max((d + 1) σ² ln T, 3 h² / 4)</c>: the first is the Bayesian information
/// criterion for d values and a place a piece, with the noise σ² from the second differences; the second, for curves without noise, is what a
/// detour of 3 points at half the least jump h would save.
/// </para>
/// <para>
/// Least squares cuts a smooth slope into steps as well, so a piece has to earn its name: a <em>plateau</em> has at least 3 points, and the line
/// that fits it best moves by at most h/2 from end to end. A <em>jump</em> leads from a plateau to the next one, at least h away, within a
/// tenth of the points. On a slope, pieces as high as h drift by more than h/2; a slow passage takes longer than a jump may.
/// </para>
/// </remarks>
internal sealed class StepCurve
{
    /// <summary>Points that a plateau has at least.</summary>
    public const int LeastPlateau = 3;

    /// <summary>Part of the points that a jump may take.</summary>
    public const double LongestJump = 0.1;

    // The median of |x| of a standard normal x.
    private const double NormalMedian = 0.6744897501960817;

    private readonly double[] _values;
    private readonly int _dimensions;
    private readonly double _jump;
    // Of the points before t: sums of the values, [points + 1, dimensions], and of their squares, [points + 1].
    private readonly double[] _sums;
    private readonly double[] _squares;

    /// <param name="values">The curve, [points, dimensions].</param>
    /// <param name="dimensions">d, values of a point.</param>
    /// <param name="jump">h, the least distance that counts as a jump.</param>
    public StepCurve(double[] values, int dimensions, double jump)
    {
        (_values, _dimensions, _jump) = (values, dimensions, jump);
        Points = values.Length / dimensions;
        _sums = new double[(Points + 1) * dimensions];
        _squares = new double[Points + 1];
        for (int t = 0; t < Points; t++)
        {
            _squares[t + 1] = _squares[t];
            for (int k = 0; k < dimensions; k++)
            {
                double value = values[(t * dimensions) + k];
                _sums[((t + 1) * dimensions) + k] = _sums[(t * dimensions) + k] + value;
                _squares[t + 1] += value * value;
            }
        }

        Pieces = Partition();
        Transitions = Jumps();
    }

    /// <summary>T.</summary>
    public int Points { get; }

    /// <summary>The pieces in order; together they are the curve.</summary>
    public IReadOnlyList<Piece> Pieces { get; }

    /// <summary>The jumps in order.</summary>
    public IReadOnlyList<Transition> Transitions { get; }

    /// <summary><c>‖a − b‖</c>.</summary>
    public static double Distance(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int k = 0; k < a.Length; k++)
            sum += (a[k] - b[k]) * (a[k] - b[k]);
        return Math.Sqrt(sum);
    }

    private List<Piece> Partition()
    {
        double penalty = Math.Max((_dimensions + 1) * NoiseVariance() * Math.Log(Points), LeastPlateau * _jump * _jump / 4);
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
        {
            double[] mean = Mean(start[end], end);
            pieces.Add(new Piece(start[end], end - 1, mean, end - start[end] >= LeastPlateau && Drift(start[end], end, mean) <= _jump / 2));
        }

        pieces.Reverse();
        return pieces;
    }

    private List<Transition> Jumps()
    {
        var jumps = new List<Transition>();
        Piece? before = null;
        foreach (var piece in Pieces.Where(piece => piece.IsPlateau))
        {
            if (before is not null && piece.First - before.Last <= Math.Max(2, LongestJump * Points) && Distance(before.Mean, piece.Mean) >= _jump)
                jumps.Add(new Transition(before, piece));
            before = piece;
        }

        return jumps;
    }

    // Σ ‖y_t − mean‖² over first ≤ t < end.
    private double Residual(int first, int end)
    {
        double square = 0;
        for (int k = 0; k < _dimensions; k++)
        {
            double sum = _sums[(end * _dimensions) + k] - _sums[(first * _dimensions) + k];
            square += sum * sum;
        }

        return Math.Max(0, _squares[end] - _squares[first] - (square / (end - first)));
    }

    private double[] Mean(int first, int end)
    {
        double[] mean = new double[_dimensions];
        for (int k = 0; k < _dimensions; k++)
            mean[k] = (_sums[(end * _dimensions) + k] - _sums[(first * _dimensions) + k]) / (end - first);
        return mean;
    }

    // How far the best line moves from the first point to the last: (points − 1) · ‖Σ (t − t̄)(y_t − ȳ)‖ / Σ (t − t̄)².
    private double Drift(int first, int end, double[] mean)
    {
        int count = end - first;
        double middle = (first + end - 1) / 2.0, times = 0;
        double[] products = new double[_dimensions];
        for (int t = first; t < end; t++)
        {
            times += (t - middle) * (t - middle);
            for (int k = 0; k < _dimensions; k++)
                products[k] += (t - middle) * (_values[(t * _dimensions) + k] - mean[k]);
        }

        return (count - 1) * Math.Sqrt(products.Sum(product => product * product)) / times;
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
