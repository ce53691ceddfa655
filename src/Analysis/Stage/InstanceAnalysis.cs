using System.Collections.Frozen;
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
    /// <summary>Further measures of the instance by the name that claims and columns have.</summary>
    public IReadOnlyDictionary<string, double> Further { get; init; } = FrozenDictionary<string, double>.Empty;

    /// <summary>Further measures of its features by name, [features].</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<double>> FurtherOfFeatures { get; init; } = FrozenDictionary<string, IReadOnlyList<double>>.Empty;
}
