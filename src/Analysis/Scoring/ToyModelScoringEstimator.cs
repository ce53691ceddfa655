using Microsoft.ML;
using ToyPipeline.Core;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>Adds the outputs of an exported model as columns. There is nothing to learn: fitting checks the schema.</summary>
/// <remarks>See <see cref="ToyModelCatalog.ScoreToyModel"/>. The estimator's transformer holds the ONNX Runtime session: dispose that.</remarks>
public sealed class ToyModelScoringEstimator : IEstimator<ToyModelScoringTransformer>
{
    private readonly ToyModelScoringTransformer _transformer;

    internal ToyModelScoringEstimator(ToyModelScoringTransformer transformer) => _transformer = transformer;

    /// <summary>Checks the samples' column and returns the transformer.</summary>
    /// <exception cref="InvalidInputException">The column is missing, or no float32 vector of n features.</exception>
    public ToyModelScoringTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _transformer.GetOutputSchema(input.Schema);
        return _transformer;
    }

    /// <summary>The schema after scoring, known without data.</summary>
    /// <exception cref="InvalidInputException">The samples' column is missing, or no float32 vector.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        ColumnShapes.RequireVector(inputSchema, _transformer.Options.InputColumnName);
        return ColumnShapes.With(inputSchema, _transformer.Outputs.Select(output => (output.Name, ToyModelScoringTransformer.ColumnType(output))));
    }
}
