using ToyPipeline.Analysis.Dynamics;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Analysis.Stage;

/// <summary>Writes dynamics.csv, snapshots.csv and jumps.csv, cell by cell. docs/measures.md defines the columns.</summary>
internal sealed class DynamicsTables : IDisposable
{
    private readonly TableWriter _features;
    private readonly TableWriter _snapshots;
    private readonly TableWriter _jumps;

    private DynamicsTables(IReadOnlyList<Axis> axes, Stream features, Stream snapshots, Stream jumps)
    {
        string[] cell = ["cell", .. axes.Select(axis => axis.Path), "instance"];
        _features = new(features, [.. cell, "step", "feature", "norm", "superposition", "dimensionality"]);
        _snapshots = new(snapshots, [.. cell, "step", "loss", "dimensions_per_feature", "represented_count", "geometry", "arrangement"]);
        _jumps = new(jumps, [.. cell, "of", "feature", "step", "from_step", "to_step", "before", "after", "matched"]);
    }

    /// <summary>The tables, relative to the run folder.</summary>
    public static IReadOnlyList<string> Files { get; } = ["analysis/dynamics.csv", "analysis/snapshots.csv", "analysis/jumps.csv"];

    /// <summary>Opens the tables for as long as <paramref name="work"/> adds cells; they appear whole or not at all.</summary>
    public static void Write(RunFolder run, Action<DynamicsTables> work) =>
        AtomicFile.Write(run.Path(Files[0]), features =>
            AtomicFile.Write(run.Path(Files[1]), snapshots =>
                AtomicFile.Write(run.Path(Files[2]), jumps =>
                {
                    using var tables = new DynamicsTables(run.Experiment.Axes, features, snapshots, jumps);
                    work(tables);
                })));

    public void Add(CellAnalysis cell, TrainingDynamics dynamics)
    {
        foreach (var snapshot in dynamics.Snapshots)
        {
            var weights = snapshot.Weights;
            Begin(_snapshots, cell).Write(snapshot.Step).Write(snapshot.Loss).Write(weights.DimensionsPerFeature).Write(weights.Represented.Count)
                .Write(weights.Geometry).Write(snapshot.Arrangement).EndRow();
            for (int i = 0; i < weights.Features.Count; i++)
            {
                var feature = weights.Features[i];
                Begin(_features, cell).Write(snapshot.Step).Write(i).Write(feature.Norm).Write(feature.Superposition).Write(feature.Dimensionality).EndRow();
            }
        }

        foreach (var jump in dynamics.Jumps.Concat(dynamics.Changes).Concat(dynamics.Drops))
        {
            int from = dynamics.Snapshots[jump.First].Step, to = dynamics.Snapshots[jump.Last].Step;
            Begin(_jumps, cell).Write(jump.Of switch { JumpOf.Dimensionality => "dimensionality", JumpOf.Arrangement => "arrangement", _ => "loss" }).Write(jump.Feature)
                .Write(dynamics.Snapshots[(jump.First + jump.Last) / 2].Step).Write(from).Write(to).Write(jump.Before).Write(jump.After).Write(jump.Matched).EndRow();
        }
    }

    public void Dispose()
    {
        _features.Dispose();
        _snapshots.Dispose();
        _jumps.Dispose();
    }

    private static TableWriter Begin(TableWriter table, CellAnalysis cell) =>
        table.Write(cell.Cell.Index).WriteAxes(cell.Cell).Write(cell.Best.Instance.Index);
}
