using System.Globalization;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Sweeps.Nights;

/// <summary>Reads what a finished run measured from its files: <c>cells.csv</c>, <c>claims.csv</c> and <c>manifest.json</c>.</summary>
internal static class NightMeasures
{
    /// <summary>Where a value of the whole run is.</summary>
    public const string WholeRun = "whole run";

    private const string Seconds = "seconds";

    /// <summary>The metrics that the plan asks for; one that the run does not have is left out.</summary>
    /// <param name="planned">The experiment and its rules.</param>
    /// <param name="run">Folder of the run.</param>
    /// <param name="seconds">Duration of the whole run.</param>
    /// <exception cref="InvalidInputException">A file of the run is damaged.</exception>
    public static IReadOnlyList<MetricValue> Metrics(PlannedExperiment planned, string run, double seconds)
    {
        var values = new List<MetricValue>();
        var durations = RunManifest.Load(run).Stages.ToDictionary(stage => $"{Seconds}[{stage.Key}]", stage => stage.Value.Seconds);
        durations[Seconds] = seconds;
        string[] names = [.. planned.Metrics.Select(rule => rule.Name).Distinct()];
        values.AddRange(names.Where(durations.ContainsKey).Select(name => new MetricValue(WholeRun, name, durations[name], null)));

        string path = Path.Combine(run, "analysis", "cells.csv");
        if (!File.Exists(path))
            return values; // a graph from elsewhere has outputs only
        var axes = planned.Experiment.Axes;
        var table = CsvTable.Load(path, columns: column => names.Contains(column) || axes.Any(axis => axis.Path == column));
        if (!table.Has([.. axes.Select(axis => axis.Path)]))
            throw new InvalidInputException($"{path} lacks a column of the axes {string.Join(", ", axes.Select(axis => axis.Path))}: it is not of this experiment.");
        foreach (string name in names.Where(name => table.Has(name)))
        {
            values.AddRange(table.Rows.Count <= planned.Detail
                ? table.Rows.Select(row => Value(At(table, row, axes), name, table.Text(row, name)))
                : Summary(table, name));
        }

        return values;
    }

    /// <summary>The claims with what was measured; none before the analysis or where the experiment has none.</summary>
    /// <exception cref="InvalidInputException">The file is damaged.</exception>
    public static IReadOnlyList<ClaimValue> Claims(string run)
    {
        string path = Path.Combine(run, "analysis", "claims.csv");
        if (!File.Exists(path))
            return [];
        string[] columns = ["at", "measure", "comparison", "expected", "measured", "holds"];
        var table = CsvTable.Load(path, columns: columns.Contains);
        return table.Has(columns)
            ? [.. table.Rows.Select(row => columns.Select(column => table.Text(row, column)).ToArray()).Select(row => new ClaimValue(row[0], row[1], row[2], row[3], row[4], row[5] == "true"))]
            : throw new InvalidInputException($"{path} has the columns {string.Join(", ", table.Header)} where {string.Join(", ", columns)} are expected.");
    }

    private static string At(CsvTable table, string[] row, IReadOnlyList<Axis> axes) =>
        axes.Count == 0 ? WholeRun : string.Join(", ", axes.Select(axis => new Coordinate(axis.Path, table.Text(row, axis.Path))));

    private static MetricValue Value(string at, string name, string text) =>
        Number(text) is { } number ? new MetricValue(at, name, double.IsFinite(number) ? number : null, double.IsFinite(number) ? null : text) : new MetricValue(at, name, null, text);

    // Of a large grid three numbers stand for its cells; words have no mean.
    private static IEnumerable<MetricValue> Summary(CsvTable table, string name)
    {
        double[] numbers = [.. table.Rows.Select(row => Number(table.Text(row, name)) ?? double.NaN).Where(double.IsFinite)];
        if (numbers.Length == 0)
            return [];
        string of = $"of {table.Rows.Count.ToString(CultureInfo.InvariantCulture)} cells";
        return [new($"mean {of}", name, numbers.Average(), null), new($"least {of}", name, numbers.Min(), null), new($"largest {of}", name, numbers.Max(), null)];
    }

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;
}
