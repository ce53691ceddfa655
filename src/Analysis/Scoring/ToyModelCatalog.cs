using Microsoft.ML;
using Microsoft.ML.Runtime;
using ToyPipeline.Analysis.Scoring;
using ToyPipeline.Core;

namespace ToyPipeline.Analysis;

/// <summary>How <see cref="ToyModelScoringEstimator"/> runs a model.</summary>
public sealed record ToyModelScoringOptions
{
    /// <summary>Column with the samples: a float32 vector of n features, dense or sparse.</summary>
    public string InputColumnName { get; init; } = DatasetCatalog.FeaturesColumn;

    /// <summary>Outputs of the model that become columns, and are computed; all of them where null.</summary>
    public IReadOnlyList<string>? OutputColumnNames { get; init; }

    /// <summary>Samples of a batch. The session takes them in parts that stay in the caches.</summary>
    public int BatchSize { get; init; } = 1024;

    /// <summary>Threads that score the parts of a batch, and the next batch while one is read; 0 for as many as there are processors.</summary>
    public int Threads { get; init; } = 1;
}

/// <summary>Scoring of exported models: <c>mlContext.Transforms.ScoreToyModel("instance-00000.onnx")</c>.</summary>
public static class ToyModelCatalog
{
    /// <summary>Scores samples with an exported model in whole batches, where <c>ApplyOnnxModel</c> runs the session once a row.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="modelFile">
    /// A model with the input <c>x [batch, features]</c>, or an ensemble with <c>x [batch, instances, features]</c>, whose every instance gets
    /// the same sample.
    /// </param>
    /// <param name="options">Columns, batch size, threads.</param>
    /// <returns>An estimator that adds one vector column an output: [features], [hidden], of an ensemble [instances, …].</returns>
    /// <exception cref="InvalidInputException">The file is missing, no ONNX model, or one of other shapes.</exception>
    public static ToyModelScoringEstimator ScoreToyModel(this TransformsCatalog catalog, string modelFile, ToyModelScoringOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        if (!File.Exists(modelFile))
            throw new InvalidInputException($"{modelFile} does not exist: export the models first.");
        try
        {
            return new ToyModelScoringEstimator(new ToyModelScoringTransformer(File.ReadAllBytes(modelFile), modelFile, options ?? new()));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{modelFile} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Makes <c>mlContext.Model.Load</c> know saved pipelines with <see cref="ScoreToyModel"/> and <see cref="InterferenceCatalog.MeasureInterference"/>: call it once before loading one.</summary>
    /// <param name="catalog"><c>mlContext.ComponentCatalog</c>.</param>
    /// <exception cref="EnvironmentFaultException">This version of ML.NET keeps its components in another way.</exception>
    public static void RegisterToyModels(this ComponentCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ModelRepository.Register(catalog);
    }
}
