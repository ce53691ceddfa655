using System.Globalization;
using CsvHelper;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Analysis.Phases;

/// <summary>Where the arrangement with the lowest loss changes: two branches have the same loss there, and no other has a lower one.</summary>
/// <param name="Value">The axis value.</param>
/// <param name="SmallestEigenvalue">The smaller of the two branches' smallest eigenvalues: both are local minima where it is positive.</param>
internal readonly record struct CriticalPoint(double Value, double SmallestEigenvalue);

/// <summary>The branches that training followed, named: <c>analysis/branches.csv</c> and <c>analysis/crossings.csv</c>.</summary>
internal sealed class BranchTables
{
    private const string BranchesCsv = "analysis/branches.csv";
    private const string CrossingsCsv = "analysis/crossings.csv";

    private static readonly CsvWriterOptions s_options = new() { NewLine = "\n", FormatProvider = CultureInfo.InvariantCulture, TrueValue = "true", FalseValue = "false" };

    private readonly BranchFile _file;
    private readonly string[][] _geometry; // [branch][point]

    private BranchTables(BranchFile file)
    {
        _file = file;
        _geometry = [.. file.Branches.Select(branch => Geometry(file.Model, branch))];
    }

    /// <summary>The critical points, in the order of their values.</summary>
    public IEnumerable<CriticalPoint> CriticalPoints => _file.Crossings.Where(IsCritical)
        .Select(crossing => new CriticalPoint(crossing.Value, Math.Min(crossing.EigenvalueA, crossing.EigenvalueB)));

    /// <summary>Reads the branches of a run.</summary>
    /// <exception cref="Core.InvalidInputException">The file is missing or damaged.</exception>
    public static BranchTables Load(RunFolder run) => new(BranchFile.Load(run.Path(RunFolder.Branches)));

    /// <summary>Writes the tables and returns their paths.</summary>
    public IReadOnlyList<string> Write(RunFolder run)
    {
        AtomicFile.Write(run.Path(BranchesCsv), WriteBranches);
        AtomicFile.Write(run.Path(CrossingsCsv), WriteCrossings);
        return [BranchesCsv, CrossingsCsv];
    }

    private void WriteBranches(Stream stream)
    {
        using var csv = Table(stream, ["branch", _file.Axis.Path, "loss", "smallest_eigenvalue", "local_minimum", "lowest", "geometry"]);
        for (int k = 0; k < _file.Branches.Count; k++)
        {
            var branch = _file.Branches[k];
            for (int point = 0; point < branch.Points; point++)
            {
                csv.WriteField(k);
                csv.WriteField(_file.Axis.Values[branch.First + point]);
                csv.WriteField((double)branch.Loss[point], "R");
                csv.WriteField((double)branch.SmallestEigenvalue[point], "R");
                csv.WriteField(branch.SmallestEigenvalue[point] > 0);
                csv.WriteField(LossesAt(branch.First + point).All(loss => loss >= branch.Loss[point]));
                csv.WriteField(_geometry[k][point]);
                csv.EndRecord();
            }
        }
    }

    private void WriteCrossings(Stream stream)
    {
        using var csv = Table(stream, ["branch_a", "branch_b", "geometry_a", "geometry_b", _file.Axis.Path, "loss", "smallest_eigenvalue_a", "smallest_eigenvalue_b", "critical"]);
        foreach (var crossing in _file.Crossings)
        {
            csv.WriteField(crossing.A);
            csv.WriteField(crossing.B);
            csv.WriteField(GeometryAt(crossing.A, crossing.Value));
            csv.WriteField(GeometryAt(crossing.B, crossing.Value));
            csv.WriteField(crossing.Value, "R");
            csv.WriteField(crossing.Loss, "R");
            csv.WriteField(crossing.EigenvalueA, "R");
            csv.WriteField(crossing.EigenvalueB, "R");
            csv.WriteField(IsCritical(crossing));
            csv.EndRecord();
        }
    }

    // Whether the branches on the two sides are the lowest of all, and differ in their arrangement.
    private bool IsCritical(BranchCrossing crossing)
    {
        int after = After(crossing.Value);
        return after > 0 && after < _file.Axis.Values.Count
            && GeometryAt(crossing.A, crossing.Value) != GeometryAt(crossing.B, crossing.Value)
            && Lowest(after - 1) is var before && Lowest(after) is var then && before != then
            && (before == crossing.A || before == crossing.B) && (then == crossing.A || then == crossing.B);
    }

    private int Lowest(int value) => Enumerable.Range(0, _file.Branches.Count).Where(k => Has(k, value)).MinBy(k => Loss(k, value));

    private IEnumerable<float> LossesAt(int value) => Enumerable.Range(0, _file.Branches.Count).Where(k => Has(k, value)).Select(k => Loss(k, value));

    private bool Has(int branch, int value) => value >= _file.Branches[branch].First && value < _file.Branches[branch].First + _file.Branches[branch].Points;

    private float Loss(int branch, int value) => _file.Branches[branch].Loss[value - _file.Branches[branch].First];

    // Place of the first axis value beyond another, in the direction of the axis.
    private int After(double value)
    {
        double[] values = [.. _file.Axis.Values.Select(text => double.Parse(text, CultureInfo.InvariantCulture))];
        bool rising = values[0] < values[^1];
        return Array.FindIndex(values, other => rising ? other > value : other < value);
    }

    private string GeometryAt(int branch, double value)
    {
        int point = Math.Clamp(After(value) - 1 - _file.Branches[branch].First, 0, _geometry[branch].Length - 1);
        return _geometry[branch][point];
    }

    private static string[] Geometry(ModelSpec model, Branch branch)
    {
        var weights = new EnsembleWeights
        {
            Kind = model.Kind,
            Features = model.Features,
            Hidden = model.Hidden,
            Instances = [],
            W = branch.W,
            B = branch.B,
        };
        return [.. Enumerable.Range(0, branch.Points).Select(point => WeightAnalysis.Of(weights, point).Geometry)];
    }

    private static CsvWriter Table(Stream stream, string[] header)
    {
        var csv = CsvWriter.Create(stream, s_options, leaveOpen: true);
        csv.WriteHeader((ReadOnlySpan<string>)header);
        return csv;
    }
}
