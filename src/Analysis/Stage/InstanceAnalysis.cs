using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Stage;

/// <summary>One instance, measured.</summary>
/// <param name="Instance">Which one.</param>
/// <param name="Spec">Specification of its cell.</param>
/// <param name="Pack">The weights of its pack.</param>
/// <param name="Place">Its place in the pack.</param>
/// <param name="Weights">Measures of its weights.</param>
/// <param name="Loss">Its loss on the evaluation dataset.</param>
internal sealed record InstanceAnalysis(Instance Instance, CellSpec Spec, EnsembleWeights Pack, int Place, WeightAnalysis Weights, LossEstimate Loss)
{
    /// <summary>The interference on the evaluation dataset; null where it was not measured.</summary>
    public InterferenceStatistics? Interference { get; init; }

    /// <summary>Path of the exported model that has it, relative to the run folder: its own, or its pack's.</summary>
    public string Model { get; init; } = "";
}

/// <summary>One cell of the grid, measured: all its replicas.</summary>
internal sealed class CellAnalysis
{
    public CellAnalysis(IReadOnlyList<InstanceAnalysis> replicas)
    {
        Replicas = replicas;
        // A loss that is not a number is no best; among equals the first replica.
        Best = replicas.MinBy(replica => double.IsNaN(replica.Loss.Mean) ? double.PositiveInfinity : replica.Loss.Mean)!;
    }

    public Cell Cell => Best.Instance.Cell;

    public IReadOnlyList<InstanceAnalysis> Replicas { get; }

    /// <summary>The replica with the lowest evaluation loss.</summary>
    public InstanceAnalysis Best { get; }

    /// <summary>What <see cref="Best"/> is on data beyond its loss; null before it was measured.</summary>
    public DataMeasures? Data { get; set; }

    public IEnumerable<double> Losses => Replicas.Select(replica => replica.Loss.Mean);

    /// <summary>Standard deviation of the replicas' losses (divisor replicas − 1); 0 for one replica.</summary>
    public double LossDeviation
    {
        get
        {
            double mean = Losses.Average();
            return Replicas.Count > 1 ? Math.Sqrt(Losses.Sum(loss => (loss - mean) * (loss - mean)) / (Replicas.Count - 1)) : 0;
        }
    }
}
