using ToyPipeline.Analysis.Stage;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Claims;

/// <summary>Checks one claim on the best instance of each cell that it speaks of, cell by cell.</summary>
internal sealed class ClaimCheck
{
    private readonly ClaimSpec _claim;
    private readonly MeasureName _measure;
    private readonly IVerdict _verdict;
    private double? _deviation;

    /// <param name="claim">The claim.</param>
    /// <param name="axes">Axes of its experiment.</param>
    public ClaimCheck(ClaimSpec claim, IReadOnlyList<Axis> axes)
    {
        _claim = claim;
        _measure = MeasureName.Parse(claim.Measure);
        _verdict = claim switch
        {
            { Comparison: Comparison.Correlates } => new Correlates(claim.Correlation!),
            { Comparison: Comparison.Plateau, Plateau: { Share: { } share } plateau } => new GathersShare(plateau, share),
            { Comparison: Comparison.Plateau } => new AlongAxis(axes.First(axis => axis.Path == claim.Along), new StaysFor(claim.Plateau!)),
            { Comparison: Comparison.Monotone } => new AlongAxis(axes.First(axis => axis.Path == claim.Along), new NeverTurns(claim)),
            _ => new HoldsInEachCell(claim),
        };
    }

    /// <summary>The measure's name.</summary>
    public string Measure => _claim.Measure;

    /// <summary>Whether the measure is one of the whole grid.</summary>
    public bool IsOfGrid => ClaimMeasures.OfGrid.Contains(_claim.Measure);

    /// <summary>Takes a measure of the whole grid.</summary>
    public void Add(double measured) => ((HoldsInEachCell)_verdict).AddOne(null, measured);

    /// <summary>Takes a cell into account, if the claim speaks of it.</summary>
    /// <exception cref="InvalidInputException">The comparison does not fit the measure.</exception>
    public void Add(CellAnalysis cell)
    {
        if (IsOfGrid || !cell.Cell.Coordinates.All(c => !_claim.At.TryGetValue(c.Path, out string? value) || value == c.Value))
            return;
        if (!_measure.IsText && !_measure.IsMany && !ClaimMeasures.IsOfBest(_measure) && cell.Replicas.Count > 1)
            _deviation = Math.Max(_deviation ?? 0, cell.Spread(replica => MeasuredValue.Number(replica, _measure)).Deviation);
        _verdict.Add(cell.Cell, cell.Best, MeasuredValue.Of(cell.Best, _measure));
    }

    public ClaimResult Result()
    {
        var (holds, measured) = _verdict.Reach();
        return new ClaimResult(
            _claim.At.Count == 0 ? "all cells" : string.Join(", ", _claim.At.Select(pair => $"{pair.Key} = {pair.Value}")),
            _claim.Measure,
            ComparisonName,
            Expected,
            measured,
            _claim.Plateau?.Tolerance ?? _claim.Tolerance,
            holds)
        {
            Deviation = _deviation,
        };
    }

    private string ComparisonName => _claim.Comparison switch
    {
        Comparison.EqualTo => "equals",
        Comparison.Between => "between",
        Comparison.AtLeast => "at_least",
        Comparison.AtMost => "at_most",
        Comparison.Monotone => "monotone",
        Comparison.Plateau => "plateau",
        _ => "correlates",
    };

    private string Expected => _claim switch
    {
        { Correlation: { } c } => $"with {c.With}{(c.Rank ? " by rank" : "")}{Bound(" at least ", c.AtLeast)}{Bound(" at most ", c.AtMost)}",
        { Plateau: { } p } => $"{Axis.Text(p.At)} ± {Axis.Text(p.Tolerance)} "
            + (p.Share is { } share ? $"for {Axis.Text(share)} of the values" : $"over {p.Cells} cells along {_claim.Along}"),
        { Comparison: Comparison.Monotone } => $"{_claim.Expected[0]} along {_claim.Along}{(_claim.Tolerance > 0 ? $", back by at most {Axis.Text(_claim.Tolerance)}" : "")}",
        { Expected: [var single], Comparison: not Comparison.Between, Measure: not "represented" } => single,
        _ => MeasuredValue.Listed(_claim.Expected),
    };

    private static string Bound(string words, double? coefficient) => coefficient is { } number ? words + Axis.Text(number) : "";
}

/// <summary>How a claim comes to its end: it sees the cells one by one.</summary>
internal interface IVerdict
{
    /// <summary>Takes a cell into account.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="best">Its best instance.</param>
    /// <param name="measured">What the claim measures there: see <see cref="MeasuredValue.Of"/>.</param>
    void Add(Cell cell, InstanceAnalysis best, object measured);

    /// <summary>Whether the claim holds, and what to show for it.</summary>
    (bool Holds, string Measured) Reach();
}
