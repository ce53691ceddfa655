using System.Globalization;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Training.Exact;

/// <summary>Follows stationary points of the exact expected loss along an axis, and finds where the losses of two branches cross.</summary>
/// <remarks>
/// Continuation: the point at one value is where the search at the next starts; a step that loses the branch is halved, and where the smallest
/// step does the branch ends (two stationary points meet and vanish).
/// </remarks>
internal sealed class BranchFollower : IDisposable
{
    // How far a point may move in a step, and how often a step is halved.
    private const double Reach = 0.1;
    private const int MaxHalvings = 12;
    private const int MaxBisections = 60;

    // Branches that are followed from each start, those with the lowest losses.
    private const int MaxBranches = 12;
    private const double SameLoss = 1e-6;

    private readonly Experiment _experiment;
    private readonly Axis _axis;
    private readonly double[] _values;
    private readonly bool _logarithmic;
    private readonly ModelSpec _model;
    private readonly StationarySearch _search;

    public BranchFollower(Experiment experiment, BranchesSpec branches)
    {
        _experiment = experiment;
        _axis = branches.Axis;
        _values = [.. _axis.Values.Select(value => double.Parse(value, CultureInfo.InvariantCulture))];
        _logarithmic = Array.TrueForAll(_values, value => value > 0);
        _model = CellAt(_values[0]).Model;
        _search = new StationarySearch(_model);
    }

    /// <summary>Follows the distinct solutions of the start cells.</summary>
    /// <param name="solutions">Place of a start among the axis values, and solutions there in ascending order of loss.</param>
    /// <param name="cancellation">Stops between branches.</param>
    public BranchFile Follow(IEnumerable<(int Place, IReadOnlyList<double[]> Solutions)> solutions, CancellationToken cancellation)
    {
        var branches = new List<StationaryPoint?[]>();
        foreach (var (place, candidates) in solutions)
        {
            int followed = 0;
            foreach (double[] x in candidates)
            {
                cancellation.ThrowIfCancellationRequested();
                // What the file rounded to float32 is made exact again.
                if (followed == MaxBranches || _search.Find(CellAt(_values[place]), x, Reach) is not { } start || branches.Exists(branch => Same(branch[place], start)))
                    continue;
                branches.Add(Along(start, place));
                followed++;
            }
        }

        return new BranchFile
        {
            Model = _model,
            Axis = _axis,
            Branches = [.. branches.Select(Compact)],
            Crossings = [.. Crossings(branches).OrderBy(crossing => crossing.Value)],
        };
    }

    public void Dispose() => _search.Dispose();

    private static bool Same(StationaryPoint? known, StationaryPoint point) => known is not null && Math.Abs(known.Loss - point.Loss) <= SameLoss * point.Loss;

    private CellSpec CellAt(double value) =>
        _experiment.Spec([.. _experiment.Axes.Select(axis => new Coordinate(axis.Path, axis.Path == _axis.Path ? Axis.Text(value) : axis.Values[0]))]);

    private StationaryPoint?[] Along(StationaryPoint start, int place)
    {
        var points = new StationaryPoint?[_values.Length];
        points[place] = start;
        for (int at = place + 1; at < points.Length && points[at - 1] is { } last; at++)
            points[at] = Step(last, _values[at - 1], _values[at]);
        for (int at = place - 1; at >= 0 && points[at + 1] is { } last; at--)
            points[at] = Step(last, _values[at + 1], _values[at]);
        return points;
    }

    // From one value to another in as many steps as it takes.
    private StationaryPoint? Step(StationaryPoint from, double a, double b)
    {
        double done = 0, step = 1;
        var point = from;
        while (done < 1)
        {
            double to = Math.Min(1, done + step);
            if (_search.Find(CellAt(Between(a, b, to)), point.X, Reach) is { } next)
            {
                point = next;
                done = to;
                step *= 2;
            }
            else if ((step /= 2) < 1.0 / (1 << MaxHalvings))
            {
                return null;
            }
        }

        return point;
    }

    private double Between(double a, double b, double t) =>
        t == 1 ? b : _logarithmic ? a * Math.Pow(b / a, t) : a + (t * (b - a));

    private IEnumerable<BranchCrossing> Crossings(List<StationaryPoint?[]> branches)
    {
        for (int a = 0; a < branches.Count; a++)
        {
            for (int b = a + 1; b < branches.Count; b++)
            {
                for (int at = 1; at < _values.Length; at++)
                {
                    if (branches[a][at - 1] is { } a0 && branches[b][at - 1] is { } b0 && branches[a][at] is { } a1 && branches[b][at] is { } b1
                        && (a0.Loss < b0.Loss) != (a1.Loss < b1.Loss) && Crossing(a0, b0, at) is var (value, pointA, pointB))
                    {
                        yield return new BranchCrossing(a, b, value, pointA.Loss, pointA.SmallestEigenvalue, pointB.SmallestEigenvalue);
                    }
                }
            }
        }
    }

    private (double Value, StationaryPoint A, StationaryPoint B)? Crossing(StationaryPoint a, StationaryPoint b, int at)
    {
        double low = _values[at - 1], high = _values[at];
        bool sign = a.Loss < b.Loss;
        for (int i = 0; i < MaxBisections; i++)
        {
            double middle = Between(low, high, 0.5);
            if (middle == low || middle == high)
                break;
            if (Step(a, low, middle) is not { } nextA || Step(b, low, middle) is not { } nextB)
                return null;
            if (nextA.Loss < nextB.Loss == sign)
                (a, b, low) = (nextA, nextB, middle);
            else
                high = middle;
        }

        return (low, a, b);
    }

    private Branch Compact(StationaryPoint?[] points)
    {
        int size = _model.Features * _model.Hidden;
        var present = points.OfType<StationaryPoint>().ToList();
        return new Branch(
            Array.FindIndex(points, point => point is not null),
            [.. present.SelectMany(point => point.X[..size]).Select(value => (float)value)],
            [.. present.SelectMany(point => point.X[size..]).Select(value => (float)value)],
            [.. present.Select(point => (float)point.Loss)],
            [.. present.Select(point => (float)point.SmallestEigenvalue)]);
    }
}
