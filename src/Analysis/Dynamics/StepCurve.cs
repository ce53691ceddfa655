namespace ToyPipeline.Analysis.Dynamics;

/// <summary>A quick passage of a curve.</summary>
/// <param name="First">Last point before it.</param>
/// <param name="Last">First point after it.</param>
/// <param name="Before">The curve's line where the passage begins, [dimensions].</param>
/// <param name="After">The curve's line where it ends, [dimensions].</param>
internal sealed record Passage(int First, int Last, double[] Before, double[] After);

/// <summary>The plateaus and jumps of a curve, read off its <see cref="LinearPieces"/>.</summary>
/// <remarks>
/// Along the pieces the curve <em>moves</em>: along each line, and from the end of one to the start of the next. A <em>jump</em> is a run of moves
/// in one direction, grown from the quickest that is left by neighbours at least half as quick as the run, that (1) changes the curve by at least
/// h, by its lines and by the means of the 3 points on either side (lines along a bend need not meet where the curve does), (2) takes at most a tenth of the points, and (3) has on either side 3 points or more on which the curve moves at less than half the speed
/// of the jump. A ramp is one line with nothing beside it; of a smooth decay the beginning has nothing before it; a slow passage fails (2).
/// A <em>plateau</em> is a line of at least 3 points that moves by at most h/2 from end to end.
/// </remarks>
internal sealed class StepCurve
{
    /// <summary>Points that a plateau has at least, and the calm on either side of a jump.</summary>
    public const int LeastCalm = 3;

    /// <summary>Part of the points that a jump may take.</summary>
    public const double LongestJump = 0.1;

    private readonly double[] _values;
    private readonly int _dimensions;
    private readonly double _scale;
    private readonly List<Move> _moves = [];

    /// <param name="values">The curve, [points, dimensions].</param>
    /// <param name="dimensions">d, values of a point.</param>
    /// <param name="scale">h, the least change that counts as a jump.</param>
    public StepCurve(double[] values, int dimensions, double scale)
    {
        (_values, _dimensions, _scale) = (values, dimensions, scale);
        var pieces = LinearPieces.Of(values, dimensions, scale);
        foreach (var piece in pieces)
        {
            if (_moves.Count > 0)
                _moves.Add(new Move(_moves[^1].Last, piece.First, _moves[^1].After, piece.Start));
            if (piece.Points > 1)
                _moves.Add(new Move(piece.First, piece.Last, piece.Start, piece.End));
            else if (_moves.Count == 0)
                _moves.Add(new Move(0, 0, piece.Start, piece.End));
        }

        Plateaus = [.. pieces.Where(piece => piece.Points >= LeastCalm && Distance(piece.Start, piece.End) <= scale / 2)];
        Jumps = [.. FindJumps(Math.Max(2, LongestJump * values.Length / dimensions)).OrderBy(jump => jump.First)];
    }

    /// <summary>The plateaus in order.</summary>
    public IReadOnlyList<Piece> Plateaus { get; }

    /// <summary>The jumps in order.</summary>
    public IReadOnlyList<Passage> Jumps { get; }

    /// <summary><c>‖a − b‖</c>.</summary>
    public static double Distance(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int k = 0; k < a.Length; k++)
            sum += (a[k] - b[k]) * (a[k] - b[k]);
        return Math.Sqrt(sum);
    }

    private IEnumerable<Passage> FindJumps(double longest)
    {
        bool[] taken = new bool[_moves.Count];
        foreach (int seed in Enumerable.Range(0, _moves.Count).OrderByDescending(at => _moves[at].Speed))
        {
            if (taken[seed])
                continue;
            var (from, to) = Grow(seed, taken);
            Array.Fill(taken, true, from, to - from + 1);
            var run = Between(from, to);
            if (Distance(run.Before, run.After) >= _scale
                && Distance(MeanOf(run.First - LeastCalm + 1), MeanOf(run.Last)) >= _scale
                && run.Last - run.First <= longest
                && Calm(from, -1, run.Speed / 2) >= LeastCalm - 1 && Calm(to, +1, run.Speed / 2) >= LeastCalm - 1)
            {
                yield return new Passage(run.First, run.Last, run.Before, run.After);
            }
        }
    }

    // From the seed on to either side, the quicker neighbour first, as long as it keeps up and goes the same way.
    private (int From, int To) Grow(int seed, bool[] taken)
    {
        int from = seed, to = seed;
        while (true)
        {
            var run = Between(from, to);
            double before = Fits(from - 1), after = Fits(to + 1);
            if (Math.Max(before, after) <= 0)
                return (from, to);
            if (before > after)
                from--;
            else
                to++;

            double Fits(int at) =>
                at < 0 || at >= _moves.Count || taken[at] || _moves[at].Speed < run.Speed / 2 || !run.GoesWith(_moves[at]) ? 0 : _moves[at].Speed;
        }
    }

    // Steps beside a run on which the curve moves at less than a speed.
    private int Calm(int at, int direction, double speed)
    {
        int steps = 0;
        for (at += direction; at >= 0 && at < _moves.Count && _moves[at].Speed < speed; at += direction)
            steps += _moves[at].Last - _moves[at].First;
        return steps;
    }

    // Mean of the points from one on, as many as make a calm, [dimensions].
    private double[] MeanOf(int first)
    {
        double[] mean = new double[_dimensions];
        int from = Math.Max(0, first), end = Math.Min(first + LeastCalm, _values.Length / _dimensions);
        for (int t = from; t < end; t++)
        {
            for (int k = 0; k < _dimensions; k++)
                mean[k] += _values[(t * _dimensions) + k] / (end - from);
        }

        return mean;
    }

    private Move Between(int from, int to) => new(_moves[from].First, _moves[to].Last, _moves[from].Before, _moves[to].After);

    private sealed record Move(int First, int Last, double[] Before, double[] After)
    {
        /// <summary>Change a step.</summary>
        public double Speed { get; } = Distance(Before, After) / Math.Max(1, Last - First);

        public bool GoesWith(Move other)
        {
            double dot = 0;
            for (int k = 0; k < Before.Length; k++)
                dot += (After[k] - Before[k]) * (other.After[k] - other.Before[k]);
            return dot > 0;
        }
    }
}
