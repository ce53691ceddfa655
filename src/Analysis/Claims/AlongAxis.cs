using System.Globalization;
using ToyPipeline.Analysis.Stage;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Claims;

/// <summary>
/// Follows a measure along one axis, and does so for every combination of the other axes' values: a line. The cells of a line come in the order
/// of the axis's numbers; where its values are not all numbers, in the order in which the file lists them.
/// </summary>
/// <remarks>A line is judged as soon as it is whole, and let go.</remarks>
internal sealed class AlongAxis : IVerdict
{
    private readonly Axis _axis;
    private readonly Dictionary<string, int> _placeOf = [];
    private readonly string[] _ordered;
    private readonly ILine _line;
    private readonly Dictionary<string, Values> _open = [];
    private int _lines;
    private string? _failure;
    private string _measured = "no cell";

    /// <param name="axis">The axis.</param>
    /// <param name="line">What is asked of each line.</param>
    public AlongAxis(Axis axis, ILine line)
    {
        _axis = axis;
        _line = line;
        double[] numbers = [.. axis.Values.Select(text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : double.NaN)];
        _ordered = numbers.Any(double.IsNaN) ? [.. axis.Values] : [.. axis.Values.Zip(numbers).OrderBy(pair => pair.Second).Select(pair => pair.First)];
        for (int place = 0; place < _ordered.Length; place++)
            _placeOf[_ordered[place]] = place;
    }

    public void Add(Cell cell, InstanceAnalysis best, object measured)
    {
        string place = cell.Coordinates.First(coordinate => coordinate.Path == _axis.Path).Value;
        string others = string.Join(", ", cell.Coordinates.Where(coordinate => coordinate.Path != _axis.Path));
        if (!_open.TryGetValue(others, out var values))
            _open[others] = values = new Values(_ordered.Length);
        values.Set(_placeOf[place], (double)measured);
        if (!values.AreWhole)
            return;
        _open.Remove(others);
        _lines++;
        var (holds, text) = _line.Judge(values.Numbers, at => $"{_axis.Path} = {_ordered[at]}{(others.Length == 0 ? "" : ", ")}{others}");
        if (!holds)
            _failure ??= text;
        if (_lines == 1)
            _measured = text;
    }

    public (bool Holds, string Measured) Reach() =>
        (_failure is null && _lines > 0, _failure ?? (_lines > 1 ? $"{_measured}; on all {_lines} lines" : _measured));

    private sealed class Values(int count)
    {
        private int _set;

        public double[] Numbers { get; } = new double[count];

        public bool AreWhole => _set == Numbers.Length;

        public void Set(int place, double value)
        {
            Numbers[place] = value;
            _set++;
        }
    }
}

/// <summary>What is asked of the values along a line of cells.</summary>
internal interface ILine
{
    /// <summary>Whether it holds, and what to show for it.</summary>
    /// <param name="values">Values in the order of the axis.</param>
    /// <param name="where">Names the cell of a place.</param>
    (bool Holds, string Measured) Judge(double[] values, Func<int, string> where);
}

/// <summary><c>monotone</c>: no value falls below the highest before it, or rises above the lowest, by more than the tolerance.</summary>
internal sealed class NeverTurns(ClaimSpec claim) : ILine
{
    private readonly bool _rises = claim.Expected[0] == "increasing";

    public (bool Holds, string Measured) Judge(double[] values, Func<int, string> where)
    {
        double furthest = values[0];
        for (int at = 0; at < values.Length; at++)
        {
            double back = _rises ? furthest - values[at] : values[at] - furthest;
            if (!(back <= claim.Tolerance))
                return (false, $"{Axis.Text(values[at])} after {Axis.Text(furthest)} at {where(at)}");
            furthest = back < 0 ? values[at] : furthest;
        }

        return (true, $"{Axis.Text(values[0])} to {Axis.Text(values[^1])}");
    }
}

/// <summary><c>plateau</c> with <c>cells</c>: so many neighbouring values lie at the value.</summary>
internal sealed class StaysFor(PlateauSpec plateau) : ILine
{
    public (bool Holds, string Measured) Judge(double[] values, Func<int, string> where)
    {
        int run = 0, longest = 0, end = 0;
        for (int at = 0; at < values.Length; at++)
        {
            run = Math.Abs(values[at] - plateau.At) <= plateau.Tolerance ? run + 1 : 0;
            if (run > longest)
                (longest, end) = (run, at);
        }

        return (longest >= plateau.Cells, longest == 0 ? $"no cell of the line of {where(0)}" : $"{Nouns.Count(longest, "cell")} up to {where(end)}");
    }
}
