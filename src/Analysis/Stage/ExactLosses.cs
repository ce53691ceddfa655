using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Stage;

/// <summary>Losses of a pack that was trained on its exact expected loss: they stand in the weights file, and no sample could say them better.</summary>
internal static class ExactLosses
{
    /// <summary>The losses in the order of the pack, without a standard error.</summary>
    /// <exception cref="InvalidInputException">The file does not have them.</exception>
    public static LossEstimate[] Of(EnsembleWeights weights, string path) => weights.Exact is { } exact
        ? [.. exact.Loss.Select(loss => new LossEstimate(loss, 0, 0))]
        : throw new InvalidInputException($"{path} has no tensor exact_loss, which training.objective exact writes: train again, or set another objective for weights from elsewhere.");
}
