using System.Globalization;
using CsvHelper;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Analysis.Stage;

/// <summary>Writes interference.csv, and probes.csv and adversarial.csv where asked for, cell by cell. docs/measures.md defines the columns.</summary>
internal sealed class DataTables : IDisposable
{
    private const string InterferenceCsv = "analysis/interference.csv";
    private const string ProbesCsv = "analysis/probes.csv";
    private const string AdversarialCsv = "analysis/adversarial.csv";
    private const string PcaCsv = "analysis/pca.csv";

    private static readonly CsvWriterOptions s_options = new() { NewLine = "\n", FormatProvider = CultureInfo.InvariantCulture, TrueValue = "true", FalseValue = "false" };

    private readonly CsvWriter _interference;
    private readonly CsvWriter? _probes;
    private readonly CsvWriter? _adversarial;
    private readonly CsvWriter? _pca;

    private DataTables(IReadOnlyList<Axis> axes, Stream interference, Stream? probes, Stream? adversarial, Stream? pca)
    {
        string[] cell = ["cell", .. axes.Select(axis => axis.Path), "instance"];
        _interference = Table(interference,
            [.. cell, "feature", "benefit_term", "interference_term", "alone_probability", "interference_mean", "interference_rms", "interference_worst"])!;
        _probes = Table(probes, [.. cell, "feature", "represented", "probe_r2", "linearity_error"]);
        _adversarial = Table(adversarial,
            [.. cell, "epsilon", "samples", "clean_loss", "random_loss", "adversarial_loss", "reference_clean_loss", "reference_adversarial_loss", "vulnerability", "attack_amplification"]);
        _pca = Table(pca, [.. cell, "component", "variance", "variance_share", "weight_share", "vector"]);
    }

    /// <summary>The tables that are written, relative to the run folder.</summary>
    public static IEnumerable<string> Files(EvaluationSpec evaluation) =>
    [
        InterferenceCsv,
        .. evaluation.Probes is null ? [] : (string[])[ProbesCsv],
        .. evaluation.Adversarial is null ? [] : (string[])[AdversarialCsv],
        .. evaluation.Pca ? (string[])[PcaCsv] : [],
    ];

    /// <summary>Opens the tables for as long as <paramref name="work"/> adds rows; they appear whole or not at all.</summary>
    public static void Write(RunFolder run, Action<DataTables> work)
    {
        var evaluation = run.Experiment.Evaluation;
        AtomicFile.Write(run.Path(InterferenceCsv), interference =>
            Optional(evaluation.Probes is not null, ProbesCsv, probes =>
                Optional(evaluation.Adversarial is not null, AdversarialCsv, adversarial =>
                    Optional(evaluation.Pca, PcaCsv, pca =>
                    {
                        using var tables = new DataTables(run.Experiment.Axes, interference, probes, adversarial, pca);
                        work(tables);
                    }))));

        void Optional(bool wanted, string path, Action<Stream?> write)
        {
            if (wanted)
                AtomicFile.Write(run.Path(path), write);
            else
                write(null);
        }
    }

    public void Add(CellAnalysis cell, DataMeasures data)
    {
        double[] alone = SingleFeatureTerms.AloneProbability(cell.Best.Spec.Data);
        for (int i = 0; i < alone.Length; i++)
        {
            WriteCell(_interference, cell);
            _interference.WriteField(i);
            Write(_interference, data.Terms.Benefit[i], data.Terms.Interference[i], alone[i]);
            Write(_interference, data.Interference?.Mean[i], data.Interference?.RootMeanSquare[i], data.Interference?.Worst[i]);
            _interference.EndRecord();
        }

        if (_probes is not null && data.Probes is { } probes)
            AddProbes(_probes, cell, probes, data.LinearityError);
        if (_adversarial is not null && data.Adversarial is { } adversarial)
            AddAdversarial(_adversarial, cell, adversarial);
        if (_pca is not null && data.Pca is { } alignment)
            AddPca(_pca, cell, alignment);
    }

    public void Dispose()
    {
        _interference.Dispose();
        _probes?.Dispose();
        _adversarial?.Dispose();
        _pca?.Dispose();
    }

    private static void AddProbes(CsvWriter csv, CellAnalysis cell, LinearProbes probes, double? linearityError)
    {
        for (int i = 0; i < probes.R2.Count; i++)
        {
            WriteCell(csv, cell);
            csv.WriteField(i);
            csv.WriteField(cell.Best.Weights.Features[i].Represented);
            Write(csv, probes.R2[i], linearityError);
            csv.EndRecord();
        }
    }

    private static void AddAdversarial(CsvWriter csv, CellAnalysis cell, AdversarialVulnerability found)
    {
        WriteCell(csv, cell);
        Write(csv, found.Epsilon);
        csv.WriteField(found.Samples);
        Write(csv, found.Model.Clean, double.IsNaN(found.Model.Random) ? null : found.Model.Random, found.Model.Worst);
        Write(csv, found.Reference.Clean, found.Reference.Worst, found.Vulnerability, found.Amplification);
        csv.EndRecord();
    }

    private static void AddPca(CsvWriter csv, CellAnalysis cell, PcaAlignment alignment)
    {
        var components = alignment.Components;
        int n = components.Features;
        double total = components.Variances.Sum();
        for (int c = 0; c < n; c++)
        {
            WriteCell(csv, cell);
            csv.WriteField(c);
            Write(csv, components.Variances[c], components.Variances[c] / total, alignment.Shares[c]);
            csv.WriteField(string.Join(' ', components.Vectors.Skip(c * n).Take(n).Select(value => Axis.Text(Math.Round(value, 6)))));
            csv.EndRecord();
        }
    }

    private static void WriteCell(CsvWriter csv, CellAnalysis cell)
    {
        csv.WriteField(cell.Cell.Index);
        foreach (var coordinate in cell.Cell.Coordinates)
            csv.WriteField(coordinate.Value);
        csv.WriteField(cell.Best.Instance.Index);
    }

    // Empty where it was not measured.
    private static void Write(CsvWriter csv, params ReadOnlySpan<double?> values)
    {
        foreach (double? value in values)
        {
            if (value is { } number)
                csv.WriteField(number, "R");
            else
                csv.WriteField("");
        }
    }

    private static CsvWriter? Table(Stream? stream, string[] header)
    {
        if (stream is null)
            return null;
        var csv = CsvWriter.Create(stream, s_options, leaveOpen: true);
        csv.WriteHeader((ReadOnlySpan<string>)header);
        return csv;
    }
}
