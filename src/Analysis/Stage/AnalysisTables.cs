using System.Globalization;
using CsvHelper;
using ToyPipeline.Analysis.Claims;
using ToyPipeline.Analysis.Geometry;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Stage;

/// <summary>Writes instances.csv, features.csv and cells.csv row by row as cells come in. docs/measures.md defines the columns.</summary>
internal sealed class AnalysisTables : IDisposable
{
    private static readonly CsvWriterOptions s_options = new() { NewLine = "\n", FormatProvider = CultureInfo.InvariantCulture, TrueValue = "true", FalseValue = "false" };
    private static readonly CsvReaderOptions s_readerOptions = new() { Separator = ',', FormatProvider = CultureInfo.InvariantCulture };

    private readonly CsvWriter _instances;
    private readonly CsvWriter _features;
    private readonly CsvWriter _cells;

    private readonly bool _bestOnly;

    /// <param name="instances">Receives instances.csv.</param>
    /// <param name="features">Receives features.csv.</param>
    /// <param name="cells">Receives cells.csv.</param>
    /// <param name="axes">Axes of the experiment.</param>
    /// <param name="bestOnly">Write the best instance of each cell alone to the first two.</param>
    public AnalysisTables(Stream instances, Stream features, Stream cells, IReadOnlyList<Axis> axes, bool bestOnly)
    {
        _bestOnly = bestOnly;
        string[] paths = [.. axes.Select(axis => axis.Path)];
        _instances = Table(instances,
        [
            "instance", "cell", "replica", "seed", .. paths, "loss", "loss_se", "dimensions_per_feature", "features_per_dimension",
            "represented_count", "mean_superposition", "max_superposition", "geometry", "best",
        ]);
        _features = Table(features,
        [
            "instance", "cell", "replica", .. paths, "feature", "importance", "density", "norm", "represented", "superposition",
            "dimensionality", "bias", "component", "component_kind", "best",
        ]);
        _cells = Table(cells,
        [
            "cell", .. paths, "replicas", "best_instance", "loss_best", "loss_mean", "loss_sd", "loss_max", "represented", "represented_count",
            "dimensions_per_feature", "features_per_dimension", "mean_superposition", "max_superposition", "geometry", "geometry_replicas",
        ]);
    }

    public void Add(CellAnalysis cell)
    {
        foreach (var replica in _bestOnly ? [cell.Best] : cell.Replicas)
        {
            WriteInstance(replica, replica == cell.Best);
            WriteFeatures(replica, replica == cell.Best);
        }

        WriteCell(cell);
    }

    public void Dispose()
    {
        _instances.Dispose();
        _features.Dispose();
        _cells.Dispose();
    }

    /// <summary>Writes claims.csv.</summary>
    public static void WriteClaims(Stream stream, IReadOnlyList<ClaimResult> claims)
    {
        using var csv = Table(stream, ["claim", "at", "measure", "comparison", "expected", "measured", "tolerance", "holds"]);
        for (int i = 0; i < claims.Count; i++)
        {
            var claim = claims[i];
            csv.WriteField(i);
            foreach (string text in (ReadOnlySpan<string>)[claim.At, claim.Measure, claim.Comparison, claim.Expected, claim.Measured])
                csv.WriteField(text);
            Write(csv, claim.Tolerance);
            csv.WriteField(claim.Holds);
            csv.EndRecord();
        }
    }

    /// <summary>Reads what <see cref="WriteClaims"/> wrote.</summary>
    /// <exception cref="InvalidInputException">The file is missing or damaged.</exception>
    public static IReadOnlyList<ClaimResult> ReadClaims(string path)
    {
        try
        {
            using var csv = CsvReader.FromFile(path, s_readerOptions);
            var claims = new List<ClaimResult>();
            while (csv.Read())
            {
                claims.Add(new ClaimResult(
                    csv.GetString("at"), csv.GetString("measure"), csv.GetString("comparison"), csv.GetString("expected"), csv.GetString("measured"),
                    csv.Parse<double>("tolerance"), csv.GetString("holds") == "true"));
            }

            return claims;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or InvalidOperationException or ArgumentException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message} Analyse again with `toy analyze --force`.", e);
        }
    }

    private void WriteInstance(InstanceAnalysis analysis, bool best)
    {
        var csv = _instances;
        var weights = analysis.Weights;
        csv.WriteField(analysis.Instance.Index);
        csv.WriteField(analysis.Instance.Cell.Index);
        csv.WriteField(analysis.Instance.Replica);
        csv.WriteField(analysis.Instance.Seed);
        WriteAxes(csv, analysis.Instance.Cell);
        Write(csv, analysis.Loss.Mean);
        Write(csv, analysis.Loss.StandardError);
        Write(csv, weights.DimensionsPerFeature);
        Write(csv, weights.FeaturesPerDimension);
        csv.WriteField(weights.Represented.Count);
        Write(csv, weights.MeanSuperposition);
        Write(csv, weights.MaxSuperposition);
        csv.WriteField(weights.Geometry);
        csv.WriteField(best);
        csv.EndRecord();
    }

    private void WriteFeatures(InstanceAnalysis analysis, bool best)
    {
        var csv = _features;
        for (int i = 0; i < analysis.Weights.Features.Count; i++)
        {
            var feature = analysis.Weights.Features[i];
            csv.WriteField(analysis.Instance.Index);
            csv.WriteField(analysis.Instance.Cell.Index);
            csv.WriteField(analysis.Instance.Replica);
            WriteAxes(csv, analysis.Instance.Cell);
            csv.WriteField(i);
            Write(csv, analysis.Spec.Importance[i]);
            Write(csv, analysis.Spec.Data.Density[i]);
            Write(csv, feature.Norm);
            csv.WriteField(feature.Represented);
            Write(csv, feature.Superposition);
            Write(csv, feature.Dimensionality);
            Write(csv, feature.Bias);
            csv.WriteField(feature.Component?.ToString(CultureInfo.InvariantCulture) ?? "");
            csv.WriteField(feature.Component is { } c ? FeatureGeometry.Name(analysis.Weights.Components[c].Kind) : "");
            csv.WriteField(best);
            csv.EndRecord();
        }
    }

    private void WriteCell(CellAnalysis cell)
    {
        var csv = _cells;
        var weights = cell.Best.Weights;
        csv.WriteField(cell.Cell.Index);
        WriteAxes(csv, cell.Cell);
        csv.WriteField(cell.Replicas.Count);
        csv.WriteField(cell.Best.Instance.Index);
        Write(csv, cell.Best.Loss.Mean);
        Write(csv, cell.Losses.Average());
        Write(csv, cell.LossDeviation);
        Write(csv, cell.Losses.Max());
        csv.WriteField(string.Join(' ', weights.Represented));
        csv.WriteField(weights.Represented.Count);
        Write(csv, weights.DimensionsPerFeature);
        Write(csv, weights.FeaturesPerDimension);
        Write(csv, weights.MeanSuperposition);
        Write(csv, weights.MaxSuperposition);
        csv.WriteField(weights.Geometry);
        csv.WriteField(cell.Replicas.Count(replica => replica.Weights.Geometry == weights.Geometry));
        csv.EndRecord();
    }

    private static CsvWriter Table(Stream stream, string[] header)
    {
        var csv = CsvWriter.Create(stream, s_options, leaveOpen: true);
        csv.WriteHeader((ReadOnlySpan<string>)header);
        return csv;
    }

    private static void WriteAxes(CsvWriter csv, Cell cell)
    {
        foreach (var coordinate in cell.Coordinates)
            csv.WriteField(coordinate.Value);
    }

    private static void Write(CsvWriter csv, double value) => csv.WriteField(value, "R");
}
