using System.Globalization;
using ToyPipeline.Analysis.Stage;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Claims;

/// <summary>Checks one claim on the best instance of each cell that it speaks of, cell by cell.</summary>
internal sealed class ClaimCheck(ClaimSpec claim)
{
    private readonly List<string> _measured = [];
    private double _low = double.PositiveInfinity;
    private double _high = double.NegativeInfinity;
    private string? _failure;

    /// <summary>The measure's name.</summary>
    public string Measure => claim.Measure;

    /// <summary>Whether the measure is one of the whole grid.</summary>
    public bool IsOfGrid { get; } = ClaimMeasures.OfGrid.Contains(claim.Measure);

    /// <summary>Takes a measure of the whole grid.</summary>
    /// <exception cref="InvalidInputException">The comparison does not fit the measure.</exception>
    public void Add(double measured)
    {
        _measured.Add(Text(measured));
        if (!Holds(measured))
            _failure = Text(measured);
    }

    /// <summary>Takes a cell into account, if the claim speaks of it.</summary>
    /// <exception cref="InvalidInputException">The comparison does not fit the measure.</exception>
    public void Add(CellAnalysis cell)
    {
        if (IsOfGrid || !cell.Cell.Coordinates.All(c => !claim.At.TryGetValue(c.Path, out string? value) || value == c.Value))
            return;
        object measured = Measured(cell);
        string text = Text(measured);
        if (measured is double number)
            (_low, _high) = (Math.Min(_low, number), Math.Max(_high, number));
        // A grid may have a million cells: the first few names are enough.
        if (_measured.Count < 4 && !_measured.Contains(text))
            _measured.Add(text);
        if (!Holds(measured))
            _failure ??= cell.Cell.Coordinates.Count > claim.At.Count ? $"{text} at {cell.Cell}" : text;
    }

    public ClaimResult Result() => new(
        claim.At.Count == 0 ? "all cells" : string.Join(", ", claim.At.Select(pair => $"{pair.Key} = {pair.Value}")),
        claim.Measure,
        ComparisonName,
        claim.Comparison == Comparison.Between || claim.Expected.Count != 1 || claim.Measure == "represented" ? Listed(claim.Expected) : claim.Expected[0],
        _failure ?? (_low < _high ? $"{Text(_low)} to {Text(_high)}" : _measured.Count > 0 ? string.Join("; ", _measured) : "no cell"),
        claim.Tolerance,
        _failure is null && _measured.Count > 0);

    private string ComparisonName => claim.Comparison switch
    {
        Comparison.EqualTo => "equals",
        Comparison.Between => "between",
        Comparison.AtLeast => "at_least",
        _ => "at_most",
    };

    // A string, a list of features, or a number.
    private object Measured(CellAnalysis cell)
    {
        var best = cell.Best;
        var (name, feature) = ClaimMeasures.Split(claim.Measure);
        if (feature is { } i)
        {
            if (i >= best.Weights.Features.Count)
                throw Wrong($"names feature {i}, and the models of the cell {cell.Cell} have {best.Weights.Features.Count} features");
            var measures = best.Weights.Features[i];
            return name switch
            {
                "norm" => measures.Norm,
                "superposition" => measures.Superposition,
                "dimensionality" => measures.Dimensionality,
                "bias" => measures.Bias,
                _ => throw Wrong("is no measure of a feature"),
            };
        }

        return name switch
        {
            "geometry" => best.Weights.Geometry,
            "represented" => best.Weights.Represented,
            "represented_count" => (double)best.Weights.Represented.Count,
            "loss" => best.Loss.Mean,
            "dimensions_per_feature" => best.Weights.DimensionsPerFeature,
            "features_per_dimension" => best.Weights.FeaturesPerDimension,
            "mean_superposition" => best.Weights.MeanSuperposition,
            "max_superposition" => best.Weights.MaxSuperposition,
            _ => throw Wrong("is no measure of an instance"),
        };
    }

    private bool Holds(object measured) => (measured, claim.Comparison) switch
    {
        (string text, Comparison.EqualTo) => claim.Expected.Count == 1 && Parts(text).SequenceEqual(Parts(claim.Expected[0])),
        (IReadOnlyList<int> features, Comparison.EqualTo) => claim.Expected.Select(Number).Order().SequenceEqual(features.Select(i => (double)i)),
        (double number, Comparison.EqualTo) => claim.Expected.Count == 1 && Math.Abs(number - Number(claim.Expected[0])) <= claim.Tolerance,
        (double number, Comparison.Between) => number >= Number(claim.Expected[0]) && number <= Number(claim.Expected[1]),
        (double number, Comparison.AtLeast) => number >= Number(claim.Expected[0]),
        (double number, Comparison.AtMost) => number <= Number(claim.Expected[0]),
        _ => throw Wrong($"is {(measured is string ? "a name" : "a list of features")}, which {ComparisonName} cannot compare; use equals"),
    };

    // "digon + 3 dedicated" says the same as "3 dedicated + digon".
    private static IOrderedEnumerable<string> Parts(string composition) => composition.Split('+', StringSplitOptions.TrimEntries).Order(StringComparer.Ordinal);

    private double Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number
            : throw Wrong($"is compared with {text}, which is no number");

    private InvalidInputException Wrong(string what) => new($"The claim about {claim.Measure} cannot be checked: {claim.Measure} {what}.");

    private static string Text(object measured) => measured switch
    {
        IReadOnlyList<int> features => Listed(features.Select(i => i.ToString(CultureInfo.InvariantCulture))),
        double number => Axis.Text(number),
        _ => (string)measured,
    };

    private static string Listed(IEnumerable<string> values) => $"[{string.Join(", ", values)}]";
}
