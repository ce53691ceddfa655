using Microsoft.ML;
using ToyPipeline.Analysis.Scoring;
using ToyPipeline.Core;

namespace ToyPipeline.Analysis.Measures;

/// <summary>Adds the interference on each sample as a column. There is nothing to learn: fitting checks the schema.</summary>
/// <remarks>See <see cref="InterferenceCatalog.MeasureInterference"/>.</remarks>
public sealed class InterferenceEstimator : IEstimator<InterferenceTransformer>
{
    private readonly InterferenceTransformer _transformer;

    internal InterferenceEstimator(InterferenceTransformer transformer) => _transformer = transformer;

    /// <summary>Checks the columns and returns the transformer.</summary>
    /// <exception cref="InvalidInputException">A column is missing, or no float32 vector of n values.</exception>
    public InterferenceTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _transformer.GetOutputSchema(input.Schema);
        return _transformer;
    }

    /// <summary>The schema with the interference, known without data.</summary>
    /// <exception cref="InvalidInputException">A column is missing, or no float32 vector.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        ColumnShapes.RequireVector(inputSchema, _transformer.Options.InputColumnName);
        ColumnShapes.RequireVector(inputSchema, _transformer.Options.PreactivationColumnName);
        return ColumnShapes.With(inputSchema, [(_transformer.Options.OutputColumnName, _transformer.ColumnType)]);
    }
}
