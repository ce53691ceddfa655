using Microsoft.ML;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis;

/// <summary>Columns of <see cref="InterferenceEstimator"/>.</summary>
public sealed record InterferenceOptions
{
    /// <summary>Column with the samples: a float32 vector of n features.</summary>
    public string InputColumnName { get; init; } = DatasetCatalog.FeaturesColumn;

    /// <summary>Column with the model's preactivation: a float32 vector of n values.</summary>
    public string PreactivationColumnName { get; init; } = "preactivation";

    /// <summary>Column that is added: a float32 vector of n values.</summary>
    public string OutputColumnName { get; init; } = "Interference";
}

/// <summary>The interference on each sample: <c>mlContext.Transforms.MeasureInterference(weights)</c>, behind <c>ScoreToyModel</c>.</summary>
public static class InterferenceCatalog
{
    /// <summary>
    /// Adds what the other features do to each output's preactivation, <c>z_i(x) − z_i(x_i e_i)</c>: of <c>linear</c> and <c>relu-output</c>
    /// <c>z_i − b_i − G_ii x_i = Σ_{j≠i} G_ij x_j</c>.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="weights">The pack of the instance that scores the samples.</param>
    /// <param name="place">Its place in the pack.</param>
    /// <param name="options">Columns.</param>
    /// <exception cref="InvalidInputException">The pack has no such place.</exception>
    public static InterferenceEstimator MeasureInterference(this TransformsCatalog catalog, EnsembleWeights weights, int place = 0, InterferenceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(weights);
        return place >= 0 && place < weights.Instances.Count
            ? new InterferenceEstimator(new InterferenceTransformer(OwnResponse.Of(weights, place), options ?? new()))
            : throw new InvalidInputException($"Place {place} is none of the {weights.Instances.Count} instances of the pack.");
    }
}
