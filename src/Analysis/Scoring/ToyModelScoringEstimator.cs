using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
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
        string name = _transformer.Options.InputColumnName;
        var found = inputSchema.Where(column => column.Name == name).Cast<SchemaShape.Column?>().FirstOrDefault()
            ?? throw new InvalidInputException($"The data has no column {name}; it has {string.Join(", ", inputSchema.Select(column => column.Name))}.");
        if (found.Kind != SchemaShape.Column.VectorKind.Vector || found.ItemType != NumberDataViewType.Single)
            throw new InvalidInputException($"Column {name} holds {found.Kind} of {found.ItemType}; a vector of Single of known size is needed.");
        var builder = new DataViewSchema.Builder();
        foreach (var output in _transformer.Outputs)
            builder.AddColumn(output.Name, ToyModelScoringTransformer.ColumnType(output));
        var added = CreateShape(null, builder.ToSchema());
        return new SchemaShape(inputSchema.Where(column => added.All(output => output.Name != column.Name)).Concat(added));
    }

    // ML.NET gives no public way to make a SchemaShape.Column.
    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod, Name = "Create")]
    private static extern SchemaShape CreateShape(SchemaShape? target, DataViewSchema schema);
}
