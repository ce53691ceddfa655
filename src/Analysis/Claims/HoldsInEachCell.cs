using System.Globalization;
using ToyPipeline.Analysis.Stage;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Claims;

/// <summary><c>equals</c>, <c>between</c>, <c>at_least</c>, <c>at_most</c>: each cell by itself, and of many values in a cell each one.</summary>
internal sealed class HoldsInEachCell(ClaimSpec claim) : IVerdict
{
    private readonly List<string> _measured = [];
    private readonly double[] _expected =
        MeasureName.Parse(claim.Measure) is { IsText: true, Name: not "represented" } ? [] : [.. claim.Expected.Select(text => Number(claim, text))];

    private double _low = double.PositiveInfinity;
    private double _high = double.NegativeInfinity;
    private string? _failure;
    private bool _any;

    public void Add(Cell cell, InstanceAnalysis best, object measured)
    {
        if (measured is double[] many)
        {
            _any = true;
            foreach (double value in many)
                AddOne(cell, value);
        }
        else
        {
            AddOne(cell, measured);
        }
    }

    public (bool Holds, string Measured) Reach() => (
        _failure is null && _any,
        _failure ?? (_low < _high ? $"{Axis.Text(_low)} to {Axis.Text(_high)}" : _measured.Count > 0 ? string.Join("; ", _measured) : _any ? "no value" : "no cell"));

    /// <summary>Takes one value into account; null stands for the whole grid.</summary>
    public void AddOne(Cell? cell, object measured)
    {
        _any = true;
        if (measured is double number)
            (_low, _high) = (Math.Min(_low, number), Math.Max(_high, number));
        // A grid may have a million cells: the first few names are enough.
        if (_measured.Count < 4 && MeasuredValue.Text(measured) is var text && !_measured.Contains(text))
            _measured.Add(text);
        if (_failure is null && !Holds(measured))
            _failure = MeasuredValue.Text(measured) + (cell?.Coordinates.Count > claim.At.Count ? $" at {cell}" : "");
    }

    private bool Holds(object measured) => (measured, claim.Comparison) switch
    {
        (string text, Comparison.EqualTo) => claim.Expected.Count == 1 && Parts(text).SequenceEqual(Parts(claim.Expected[0])),
        (IReadOnlyList<int> features, Comparison.EqualTo) => _expected.Order().SequenceEqual(features.Select(i => (double)i)),
        (double number, Comparison.EqualTo) => _expected.Length == 1 && Math.Abs(number - _expected[0]) <= claim.Tolerance,
        (double number, Comparison.Between) => number >= _expected[0] && number <= _expected[1],
        (double number, Comparison.AtLeast) => number >= _expected[0],
        (double number, Comparison.AtMost) => number <= _expected[0],
        _ => throw Wrong(claim, $"is {(measured is string ? "a name" : "a list of features")}, which has no order; use equals"),
    };

    // "digon + 3 dedicated" says the same as "3 dedicated + digon".
    private static IOrderedEnumerable<string> Parts(string composition) => composition.Split('+', StringSplitOptions.TrimEntries).Order(StringComparer.Ordinal);

    private static double Number(ClaimSpec claim, string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number
            : throw Wrong(claim, $"is compared with {text}, which is no number");

    private static InvalidInputException Wrong(ClaimSpec claim, string what) => new($"The claim about {claim.Measure} cannot be checked: {claim.Measure} {what}.");
}
