using Microsoft.ML;
using Microsoft.ML.Data;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>A view with a model's outputs as further columns; each cursor scores for itself.</summary>
internal sealed class ScoredDataView(ToyModelScoringTransformer transformer, IDataView input) : IDataView
{
    public ToyModelScoringTransformer Transformer => transformer;

    public IDataView Input => input;

    public bool CanShuffle => false;

    public DataViewSchema Schema { get; } = transformer.GetOutputSchema(input.Schema);

    public long? GetRowCount() => input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new ScoredCursor(this, columnsNeeded);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded)];
}
