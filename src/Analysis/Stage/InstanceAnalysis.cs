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
/// <param name="Loss">Its loss on the evaluation dataset; where there is none, its last training loss, of no samples.</param>
internal sealed record InstanceAnalysis(Instance Instance, CellSpec Spec, EnsembleWeights Pack, int Place, WeightAnalysis Weights, LossEstimate Loss)
{
    /// <summary>The interference on the evaluation dataset; null where it was not measured.</summary>
    public InterferenceStatistics? Interference { get; init; }

    /// <summary>Path of the exported model that has it, relative to the run folder: its own, or its pack's.</summary>
    public string Model { get; init; } = "";

    /// <summary>Path of the training history of its pack, relative to the run folder.</summary>
    public string History { get; init; } = "";

    /// <summary>What the best instance of a cell is besides; null of the others, and before it was measured.</summary>
    public DataMeasures? Data { get; set; }
}
