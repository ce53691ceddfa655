using System.Globalization;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Figures;

/// <summary>An axis of the grid as an axis of a matrix: values at whole numbers, round numbers named between them.</summary>
internal static class GridAxis
{
    private const int MostNames = 8;

    /// <summary>Whether values are positive and span so much that they are better drawn on a logarithmic axis.</summary>
    public static bool IsLog(IReadOnlyList<double> values) => values.Min() > 0 && values.Max() / values.Min() >= 8;

    /// <summary>The axis; downwards when <paramref name="reversed"/>, so that the last value stands at place 0, which is on top.</summary>
    public static Charts.Axis Of(Core.Experiments.Axis axis, bool reversed)
    {
        int last = axis.Values.Count - 1;
        var names = Names(axis).Select(tick => reversed ? tick with { At = last - tick.At } : tick);
        return new Charts.Axis(CellLabel.Symbol(axis.Path), -0.5, last + 0.5) { Names = [.. names], Reversed = reversed };
    }

    /// <summary>Numbers of an axis; null where it has other values.</summary>
    public static double[]? Values(Core.Experiments.Axis axis)
    {
        double[] values = new double[axis.Values.Count];
        for (int i = 0; i < values.Length; i++)
        {
            if (!double.TryParse(axis.Values[i], NumberStyles.Float, CultureInfo.InvariantCulture, out values[i]))
                return null;
        }

        return values;
    }

    private static IEnumerable<Tick> Names(Core.Experiments.Axis axis)
    {
        int count = axis.Values.Count;
        if (Values(axis) is not { } values || count <= MostNames || !Rising(values))
        {
            int step = (count + MostNames - 1) / MostNames;
            return Enumerable.Range(0, count).Where(i => i % step == 0).Select(i => new Tick(i, Numbers.Short(axis.Values[i])));
        }

        bool log = IsLog(values);
        var round = log ? Ticks.Log(values[0], values[^1]) : Ticks.Linear(values[0], values[^1], 5);
        return round.Select(tick => new Tick(Place(values, tick.At, log), tick.Text));
    }

    private static bool Rising(double[] values) => values.Zip(values.Skip(1)).All(pair => pair.First < pair.Second);

    // Between which two values, and how far from the first.
    private static double Place(double[] values, double at, bool log)
    {
        int next = Math.Clamp(Array.FindIndex(values, value => value >= at), 1, values.Length - 1);
        var (a, b) = log ? (Math.Log(values[next - 1]), Math.Log(values[next])) : (values[next - 1], values[next]);
        return Math.Clamp(next - 1 + (((log ? Math.Log(at) : at) - a) / (b - a)), 0, values.Length - 1);
    }
}
