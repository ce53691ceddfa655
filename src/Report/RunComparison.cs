using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Report.Data;
using ToyPipeline.Report.Page;

namespace ToyPipeline.Report;

/// <summary>What differs between two runs of the same experiment: settings, claims, and the measures of each cell.</summary>
public static class RunComparison
{
    /// <summary>Writes the page and returns its path.</summary>
    /// <param name="before">Folder of one run.</param>
    /// <param name="after">Folder of the other.</param>
    /// <param name="target">Folder of the page.</param>
    /// <exception cref="InvalidInputException">A run is missing or damaged, or the two have different axes.</exception>
    /// <exception cref="EnvironmentFaultException">The page cannot be written.</exception>
    public static string Write(string before, string after, string target)
    {
        var (a, b) = (ComparedRun.Load(before), ComparedRun.Load(after));
        if (!a.Axes.SequenceEqual(b.Axes))
        {
            throw new InvalidInputException(
                $"{before} has the axes {Words(a.Axes)} and {after} has {Words(b.Axes)}: runs of one experiment are compared, cell by cell.");
        }

        string path = Path.Combine(target, $"compare-{a.Experiment.Name}-{b.Experiment.Name}.html");
        AtomicFile.WriteText(path, ComparisonPage.Write(a, b));
        return path;
    }

    private static string Words(IReadOnlyList<string> axes) => axes.Count == 0 ? "none" : string.Join(", ", axes);
}

/// <summary>What a comparison reads of a run.</summary>
/// <param name="Folder">Where it is.</param>
/// <param name="Experiment">Its experiment.</param>
/// <param name="Cells">cells.csv.</param>
/// <param name="Claims">claims.csv; null where there is none.</param>
internal sealed record ComparedRun(string Folder, Experiment Experiment, CsvTable Cells, CsvTable? Claims)
{
    /// <summary>Paths of its axes.</summary>
    public IReadOnlyList<string> Axes => [.. Experiment.Axes.Select(axis => axis.Path)];

    public static ComparedRun Load(string folder)
    {
        string experiment = Path.Combine(folder, "experiment.yaml"), claims = Path.Combine(folder, "analysis", "claims.csv");
        if (!File.Exists(experiment))
            throw new InvalidInputException($"{folder} is no run: it has no experiment.yaml. --compare takes the folders of two runs.");
        return new ComparedRun(
            folder, Experiment.Load(experiment), CsvTable.Load(Path.Combine(folder, "analysis", "cells.csv")), File.Exists(claims) ? CsvTable.Load(claims) : null);
    }
}
