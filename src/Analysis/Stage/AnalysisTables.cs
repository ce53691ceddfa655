using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Analysis.Stage;

/// <summary>Writes the tables of instances, features, neurons, components and cells row by row as cells come in. docs/measures.md defines the columns.</summary>
internal sealed class AnalysisTables : IDisposable
{
    private readonly TableWriter _instances;
    private readonly TableWriter _features;
    private readonly TableWriter _neurons;
    private readonly TableWriter _components;
    private readonly TableWriter _cells;

    private readonly bool _bestOnly;

    private AnalysisTables(IReadOnlyList<Stream> streams, IReadOnlyList<Axis> axes, bool bestOnly)
    {
        _bestOnly = bestOnly;
        string[] paths = [.. axes.Select(axis => axis.Path)];
        _instances = new(streams[0], ["instance", "cell", "replica", .. paths, .. InstanceRows.Columns]);
        _features = new(streams[1], ["instance", "cell", "replica", .. paths, .. FeatureRows.Columns]);
        _neurons = new(streams[2], ["instance", "cell", "replica", .. paths, .. NeuronRows.Columns]);
        _components = new(streams[3], ["instance", "cell", "replica", .. paths, .. ComponentRows.Columns]);
        _cells = new(streams[4], ["cell", .. paths, .. CellRows.Columns]);
    }

    /// <summary>Paths of the tables, relative to the run folder.</summary>
    public static IReadOnlyList<string> Files { get; } =
        ["analysis/instances.csv", "analysis/features.csv", "analysis/neurons.csv", "analysis/components.csv", "analysis/cells.csv"];

    /// <summary>Writes all tables with what <paramref name="write"/> adds; they appear when it is through, or not at all.</summary>
    /// <param name="run">The run.</param>
    /// <param name="bestOnly">Whether of each cell the best instance alone is listed.</param>
    /// <param name="write">Adds the cells.</param>
    public static void Write(RunFolder run, bool bestOnly, Action<AnalysisTables> write)
    {
        Open([]);

        void Open(List<Stream> streams)
        {
            if (streams.Count < Files.Count)
            {
                AtomicFile.Write(run.Path(Files[streams.Count]), stream =>
                {
                    streams.Add(stream);
                    Open(streams);
                });
                return;
            }

            using var tables = new AnalysisTables(streams, run.Experiment.Axes, bestOnly);
            write(tables);
        }
    }

    public void Add(CellAnalysis cell)
    {
        foreach (var replica in _bestOnly ? [cell.Best] : cell.Replicas)
        {
            bool best = replica == cell.Best;
            InstanceRows.Write(_instances, replica, best);
            FeatureRows.Write(_features, replica, best);
            ComponentRows.Write(_components, replica, best);
        }

        NeuronRows.Write(_neurons, cell.Best);
        CellRows.Write(_cells, cell);
    }

    public void Dispose()
    {
        _instances.Dispose();
        _features.Dispose();
        _neurons.Dispose();
        _components.Dispose();
        _cells.Dispose();
    }
}
