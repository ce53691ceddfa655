using Microsoft.ML;
using Microsoft.ML.Data;
using ToyPipeline.Analysis.Data;
using ToyPipeline.Analysis.Scoring;
using ToyPipeline.Core;

namespace ToyPipeline.Analysis.Measures;

/// <summary>Adds the interference on each sample as a column, computed when a cursor asks for it. Immutable.</summary>
public sealed class InterferenceTransformer : ITransformer
{
    internal InterferenceTransformer(OwnResponse response, InterferenceOptions options) => (Response, Options) = (response, options);

    /// <summary>The columns.</summary>
    public InterferenceOptions Options { get; }

    /// <inheritdoc/>
    public bool IsRowToRowMapper => false;

    internal OwnResponse Response { get; }

    internal VectorDataViewType ColumnType => new(NumberDataViewType.Single, Response.Features);

    /// <summary>The schema with the interference.</summary>
    /// <exception cref="InvalidInputException">A column is missing, or no float32 vector of n values.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        VectorColumn.Require(inputSchema, Options.InputColumnName, Response.Features);
        VectorColumn.Require(inputSchema, Options.PreactivationColumnName, Response.Features);
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(inputSchema);
        builder.AddColumn(Options.OutputColumnName, ColumnType);
        return builder.ToSchema();
    }

    /// <summary>The data with the interference as a further column; nothing is computed before a cursor asks for it.</summary>
    /// <inheritdoc cref="GetOutputSchema" path="/exception"/>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new InterferenceView(this, input);
    }

    /// <summary>Not supported: rows come from whole batches.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) =>
        throw new NotSupportedException("MeasureInterference follows ScoreToyModel, which maps no single rows: use Transform.");

    void ICanSaveModel.Save(ModelSaveContext ctx) => ModelRepository.Save(ctx, Options, Response);
}
