using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Runs;
using ToyPipeline.Training;

namespace ToyPipeline.Cli;

/// <summary>How far a sweep is: packs that are made, models, cells. Threads may share it.</summary>
internal sealed class PackProgress
{
    private readonly int _cells;
    private readonly PackGate _made;
    private readonly Action<StageProgress> _report;
    private readonly Lock _lock = new();
    private readonly double _before;
    private readonly double _total;
    private readonly int _replicas;
    private double _models;
    private long _finished;

    /// <summary>The progress of a plan; packs that stand are made.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="cells">Number of cells of the grid.</param>
    /// <param name="made">Opens for each pack that is made.</param>
    /// <param name="report">Told how far it is.</param>
    public PackProgress(TrainingPlan plan, int cells, PackGate made, Action<StageProgress> report)
    {
        (_cells, _made, _report) = (cells, made, report);
        _total = plan.Packs.Sum(pack => (double)pack.Instances.Count);
        _replicas = (int)(_total / cells);
        foreach (var pack in plan.Packs.Where(plan.Stands))
        {
            _finished += pack.Instances.Count;
            made.Open(pack.Index);
        }

        _models = _before = _finished;
    }

    /// <summary>A part of some models is trained.</summary>
    public void Add(double models)
    {
        lock (_lock)
        {
            _models += models;
            Report();
        }
    }

    /// <summary>A pack is on disk.</summary>
    public void Made(Pack pack)
    {
        lock (_lock)
        {
            _finished += pack.Instances.Count;
            Report();
        }

        _made.Open(pack.Index);
    }

    private void Report() =>
        _report(new StageProgress(TrainStage.Name, Math.Min(_models, _total), _total, "models") { Before = _before, Note = $"{_finished / _replicas} of {_cells} cells" });
}
