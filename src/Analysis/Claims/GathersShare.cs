using ToyPipeline.Analysis.Stage;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Claims;

/// <summary><c>plateau</c> with <c>share</c>: so large a part of all values, in all cells, lies at the value.</summary>
internal sealed class GathersShare(PlateauSpec plateau, double share) : IVerdict
{
    private long _values;
    private long _near;

    public void Add(Cell cell, InstanceAnalysis best, object measured)
    {
        foreach (double value in measured as double[] ?? [(double)measured])
        {
            _values++;
            _near += Math.Abs(value - plateau.At) <= plateau.Tolerance ? 1 : 0;
        }
    }

    public (bool Holds, string Measured) Reach() => _values == 0
        ? (false, "no value")
        : (_near >= share * _values, $"{_near} of {_values} values ({Axis.Text(Math.Round((double)_near / _values, 4))})");
}
