using ToyPipeline.Analysis.Stage;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Claims;

/// <summary><c>correlates</c>: the coefficient of two measures over all cells, and over all their values where there are many in a cell.</summary>
internal sealed class Correlates(CorrelationSpec expected) : IVerdict
{
    private readonly MeasureName _with = MeasureName.Parse(expected.With);
    private readonly List<double> _x = [];
    private readonly List<double> _y = [];

    public void Add(Cell cell, InstanceAnalysis best, object measured)
    {
        _x.AddRange(measured as double[] ?? [(double)measured]);
        object with = MeasuredValue.Of(best, _with);
        _y.AddRange(with as double[] ?? [(double)with]);
    }

    public (bool Holds, string Measured) Reach()
    {
        double[] x = [.. _x], y = [.. _y];
        double coefficient = expected.Rank ? Correlation.Spearman(x, y) : Correlation.Pearson(x, y);
        // Not a number fails either way.
        bool holds = (expected.AtLeast is not { } low || coefficient >= low) && (expected.AtMost is not { } high || coefficient <= high);
        return (holds, $"{Axis.Text(Math.Round(coefficient, 6))} over {x.Length} values");
    }
}
