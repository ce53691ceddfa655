using Microsoft.ML;
using Microsoft.ML.Data;

namespace ToyPipeline.Analysis.Measures;

/// <summary>A scored view with the interference as its last column.</summary>
internal sealed class InterferenceView(InterferenceTransformer transformer, IDataView input) : IDataView
{
    public bool CanShuffle => false;

    public DataViewSchema Schema { get; } = transformer.GetOutputSchema(input.Schema);

    public long? GetRowCount() => input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        int own = Schema.Count - 1;
        var needed = columnsNeeded.Select(column => column.Index).ToHashSet();
        bool active = needed.Remove(own);
        var passing = needed.Select(index => input.Schema[index]).ToList();
        if (!active)
            return new Cursor(this, input.GetRowCursor(passing), needed, null);
        var x = input.Schema[transformer.Options.InputColumnName];
        var z = input.Schema[transformer.Options.PreactivationColumnName];
        var cursor = input.GetRowCursor(passing.Append(x).Append(z).DistinctBy(column => column.Index));
        return new Cursor(this, cursor, needed, Interference(cursor.GetGetter<VBuffer<float>>(x), cursor.GetGetter<VBuffer<float>>(z)));
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded)];

    private ValueGetter<VBuffer<float>> Interference(ValueGetter<VBuffer<float>> getX, ValueGetter<VBuffer<float>> getZ)
    {
        var response = transformer.Response;
        VBuffer<float> bufferX = default, bufferZ = default;
        float[] x = new float[response.Features], z = new float[response.Features];
        return (ref VBuffer<float> value) =>
        {
            getX(ref bufferX);
            getZ(ref bufferZ);
            bufferX.CopyTo(x);
            bufferZ.CopyTo(z);
            var editor = VBufferEditor.Create(ref value, response.Features);
            for (int i = 0; i < x.Length; i++)
                editor.Values[i] = (float)response.Interference(x[i], z[i], i);
            value = editor.Commit();
        };
    }

    // Moves with the input's cursor; null for the interference where it was not asked for.
    private sealed class Cursor(InterferenceView view, DataViewRowCursor input, HashSet<int> passing, ValueGetter<VBuffer<float>>? interference) : DataViewRowCursor
    {
        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override DataViewSchema Schema => view.Schema;

        public override bool MoveNext() => input.MoveNext();

        public override bool IsColumnActive(DataViewSchema.Column column) =>
            column.Index == view.Schema.Count - 1 ? interference is not null : passing.Contains(column.Index);

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column))
                throw new ArgumentOutOfRangeException(nameof(column), $"Column {column.Name} was not asked for when the cursor was opened.");
            if (column.Index < view.Schema.Count - 1)
                return input.GetGetter<TValue>(input.Schema[column.Index]);
            return interference as ValueGetter<TValue>
                ?? throw new InvalidOperationException($"Column {column.Name} holds {column.Type}, not {typeof(TValue).Name}.");
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                input.Dispose();
            base.Dispose(disposing);
        }
    }
}
