using Microsoft.ML;
using Microsoft.ML.Data;

namespace ToyPipeline.Analysis.Data;

/// <summary>Samples as an <see cref="IDataView"/> with one column, <c>Features</c>: a vector of known size, sparse where features are absent.</summary>
internal sealed class SampleDataView : IDataView
{
    private readonly long? _rows;

    public SampleDataView(int features, long? rows, Func<ISampleRows> open)
    {
        Features = features;
        Open = open;
        _rows = rows;
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(DatasetCatalog.FeaturesColumn, new VectorDataViewType(NumberDataViewType.Single, features));
        Schema = builder.ToSchema();
    }

    public int Features { get; }

    /// <summary>Opens the samples from the start; each caller reads on its own.</summary>
    public Func<ISampleRows> Open { get; }

    public bool CanShuffle => false;

    public DataViewSchema Schema { get; }

    public long? GetRowCount() => _rows;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new SampleCursor(this, columnsNeeded.Any(column => column.Index == 0));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private sealed class SampleCursor(SampleDataView view, bool active) : DataViewRowCursor
    {
        private readonly ISampleRows _rows = view.Open();
        private long _position = -1;
        private bool _done;

        public override long Position => _position;

        public override long Batch => 0;

        public override DataViewSchema Schema => view.Schema;

        public override bool MoveNext()
        {
            if (_done)
                return false;
            if (_rows.MoveNext())
            {
                _position++;
                return true;
            }

            _done = true;
            _position = -1;
            return false;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => active && column.Index == 0;

        public override ValueGetter<DataViewRowId> GetIdGetter() =>
            (ref DataViewRowId id) => id = new DataViewRowId((ulong)CheckedPosition(), 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column))
                throw new ArgumentOutOfRangeException(nameof(column), $"Column {column.Name} was not asked for when the cursor was opened.");
            ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> value) =>
            {
                CheckedPosition();
                var columns = _rows.Columns;
                var editor = VBufferEditor.Create(ref value, view.Features, columns.Length);
                _rows.Values.CopyTo(editor.Values);
                if (columns.Length < view.Features)
                    columns.CopyTo(editor.Indices);
                value = editor.Commit();
            };
            return getter as ValueGetter<TValue>
                ?? throw new InvalidOperationException($"Column {column.Name} holds {column.Type}, not {typeof(TValue).Name}.");
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _rows.Dispose();
            base.Dispose(disposing);
        }

        private long CheckedPosition() =>
            _position >= 0 ? _position : throw new InvalidOperationException("The cursor stands on no row: call MoveNext first, and stop when it returns false.");
    }
}
