using System.Globalization;
using CsvHelper;
using ToyPipeline.Analysis.Stage;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Analysis.Phases;

/// <summary>
/// What a grid shows as a whole: <c>analysis/phase.csv</c> where the experiment asks for a phase diagram, <c>analysis/minima.csv</c> of cells that
/// were trained on the exact loss, and the measures of claims about the grid. docs/exact.md defines the columns.
/// </summary>
internal sealed class PhaseTables : IDisposable
{
    private const string PhaseCsv = "analysis/phase.csv";
    private const string MinimaCsv = "analysis/minima.csv";

    private static readonly CsvWriterOptions s_options = new() { NewLine = "\n", FormatProvider = CultureInfo.InvariantCulture, TrueValue = "true", FalseValue = "false" };

    private readonly RunFolder _run;
    private readonly PhaseMap? _map;
    private readonly BranchTables? _branches;
    private readonly MemoryStream _minimaBytes = new();
    private readonly CsvWriter _minima;
    private int _exactCells;
    private int _unconverged;

    public PhaseTables(RunFolder run)
    {
        _run = run;
        _map = run.Experiment.Phase is null ? null : new PhaseMap(run.Experiment);
        _branches = run.Experiment.Branches is null ? null : BranchTables.Load(run);
        _minima = Table(_minimaBytes, ["cell", .. Paths, "minimum", "loss", "starts", "share", "instance", "represented_count", "geometry", "dead_outputs", "converged"]);
    }

    private IEnumerable<string> Paths => _run.Experiment.Axes.Select(axis => axis.Path);

    public void Add(CellAnalysis cell)
    {
        _map?.Add(cell);
        if (cell.Best.Pack.Exact is null)
            return;
        _exactCells++;
        var minima = LocalMinima.Of(cell.Replicas);
        _unconverged += minima.Where(minimum => !minimum.Converged).Sum(minimum => minimum.Starts.Count);
        for (int m = 0; m < minima.Count; m++)
            WriteMinimum(cell, m, minima[m]);
    }

    /// <summary>The value of a measure of the whole grid.</summary>
    /// <exception cref="InvalidInputException">The experiment has no such measure.</exception>
    public double Measure(string name) => (name, _map) switch
    {
        ("unconverged", _) when _exactCells > 0 => _unconverged,
        ("theory_agreement", { HasTheory: true } map) => map.Agreement,
        ("theory_accounted", { HasTheory: true } map) => map.Accounted,
        ("objective_agreement", { ObjectiveAgreement: { } agreement }) => agreement,
        ("critical_value", _) when _branches is not null => Critical(point => point.Value),
        ("critical_eigenvalue", _) when _branches is not null => Critical(point => point.SmallestEigenvalue),
        ("critical_value" or "critical_eigenvalue", _) => throw Missing(name, "the key branches"),
        ("unconverged", _) => throw Missing(name, "cells with training.objective exact"),
        ("objective_agreement", _) => throw Missing(name, "the key phase and an axis training.objective"),
        _ => throw Missing(name, "the key phase, and a relu-output model of 2 features in 1 dimension or 3 in 2"),
    };

    /// <summary>Writes the tables and returns their paths.</summary>
    public IReadOnlyList<string> Write()
    {
        var files = new List<string>();
        if (_exactCells > 0)
        {
            _minima.Flush();
            AtomicFile.Write(_run.Path(MinimaCsv), stream => _minimaBytes.WriteTo(stream));
            files.Add(MinimaCsv);
        }

        if (_map is not null)
        {
            AtomicFile.Write(_run.Path(PhaseCsv), stream => WritePhase(_map, stream));
            files.Add(PhaseCsv);
        }

        return _branches is null ? files : [.. files, .. _branches.Write(_run)];
    }

    public void Dispose()
    {
        _minima.Dispose();
        _minimaBytes.Dispose();
    }

    // Not a number where the lowest branch never changes: then no claim about it holds.
    private double Critical(Func<CriticalPoint, double> measure) => _branches!.CriticalPoints.Select(measure).FirstOrDefault(double.NaN);

    private void WriteMinimum(CellAnalysis cell, int place, LocalMinimum minimum)
    {
        WriteKey(_minima, cell.Cell);
        _minima.WriteField(place);
        _minima.WriteField(minimum.First.Loss.Mean, "R");
        _minima.WriteField(minimum.Starts.Count);
        _minima.WriteField(minimum.Starts.Count / (double)cell.Replicas.Count, "R");
        _minima.WriteField(minimum.First.Instance.Index);
        _minima.WriteField(minimum.First.Weights.Represented.Count);
        _minima.WriteField(minimum.First.Weights.Geometry);
        _minima.WriteField(minimum.DeadOutputs);
        _minima.WriteField(minimum.Converged);
        _minima.EndRecord();
    }

    private void WritePhase(PhaseMap map, Stream stream)
    {
        using var csv = Table(stream, ["cell", .. Paths, "feature", "norm", "superposition", "region", "loss", "theory_region", "theory_loss", "agrees", "boundary_distance", "beats_theory"]);
        foreach (var cell in map.Cells)
        {
            WriteKey(csv, cell.Cell);
            csv.WriteField(_run.Experiment.Phase!.Feature);
            csv.WriteField(cell.Norm, "R");
            csv.WriteField(cell.Superposition, "R");
            csv.WriteField(Regions.Name(cell.Region));
            csv.WriteField(cell.Loss, "R");
            if (cell.Theory is { } theory)
            {
                csv.WriteField(Regions.Name(theory.Region));
                csv.WriteField(theory.Loss, "R");
                csv.WriteField(cell.Agrees);
                csv.WriteField(map.BoundaryDistance(cell));
                csv.WriteField(cell.BeatsTheory);
            }
            else
            {
                for (int i = 0; i < 5; i++)
                    csv.WriteField("");
            }

            csv.EndRecord();
        }
    }

    private static CsvWriter Table(Stream stream, string[] header)
    {
        var csv = CsvWriter.Create(stream, s_options, leaveOpen: true);
        csv.WriteHeader((ReadOnlySpan<string>)header);
        return csv;
    }

    private static void WriteKey(CsvWriter csv, Cell cell)
    {
        csv.WriteField(cell.Index);
        foreach (var coordinate in cell.Coordinates)
            csv.WriteField(coordinate.Value);
    }

    private static InvalidInputException Missing(string measure, string needs) => new($"The claim about {measure} cannot be checked: it needs {needs}.");
}
