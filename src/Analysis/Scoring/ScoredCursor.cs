using Microsoft.ML;
using Microsoft.ML.Data;
using ToyPipeline.Analysis.Data;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>
/// Hands out rows of scored slices of batches. Reading runs ahead by some slices, so the input's own columns come from a second cursor
/// that moves row by row; it is opened only when one of them is asked for, and scoring happens only when an output is.
/// </summary>
internal sealed class ScoredCursor : DataViewRowCursor
{
    private readonly ScoredDataView _view;
    private readonly DataViewRowCursor? _passing;
    private readonly SampleBatches? _samples;
    private readonly BatchReader? _reader;
    // Place of each column of the view among the scorer's outputs; −1 where it is not active.
    private readonly int[] _outputOf;
    private int _row;
    private int _rows;
    private long _position = -1;
    private bool _done;

    public ScoredCursor(ScoredDataView view, IEnumerable<DataViewSchema.Column> columnsNeeded)
    {
        _view = view;
        var transformer = view.Transformer;
        _outputOf = new int[view.Schema.Count];
        Array.Fill(_outputOf, -1);
        int inputs = view.Input.Schema.Count;
        var passing = new List<DataViewSchema.Column>();
        var outputs = new List<string>();
        foreach (int column in columnsNeeded.Select(column => column.Index).Distinct().Order())
        {
            if (column < inputs)
            {
                passing.Add(view.Input.Schema[column]);
                continue;
            }

            _outputOf[column] = outputs.Count;
            outputs.Add(transformer.Outputs[column - inputs].Name);
        }

        if (passing.Count > 0 || outputs.Count == 0)
            _passing = view.Input.GetRowCursor(passing);
        if (outputs.Count > 0)
        {
            _samples = SampleBatches.Open(view.Input, transformer.Options.InputColumnName);
            _reader = transformer.Read(_samples, outputs, bySlices: true);
        }
    }

    public override long Position => _position;

    public override long Batch => 0;

    public override DataViewSchema Schema => _view.Schema;

    public override bool MoveNext()
    {
        if (_done)
            return false;
        bool moved = (_passing?.MoveNext() ?? true) && (_reader is null || NextRow(_reader));
        _done = !moved;
        _position = moved ? _position + 1 : -1;
        return moved;
    }

    public override bool IsColumnActive(DataViewSchema.Column column) =>
        column.Index < _view.Input.Schema.Count
            ? _passing?.IsColumnActive(_view.Input.Schema[column.Index]) ?? false
            : _outputOf[column.Index] >= 0;

    public override ValueGetter<DataViewRowId> GetIdGetter() =>
        _passing?.GetIdGetter() ?? ((ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0));

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!IsColumnActive(column))
            throw new ArgumentOutOfRangeException(nameof(column), $"Column {column.Name} was not asked for when the cursor was opened.");
        if (column.Index < _view.Input.Schema.Count)
            return _passing!.GetGetter<TValue>(_view.Input.Schema[column.Index]);
        int output = _outputOf[column.Index];
        var reader = _reader!;
        ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> value) =>
        {
            if (_position < 0)
                throw new InvalidOperationException("The cursor stands on no row: call MoveNext first, and stop when it returns false.");
            var row = reader.Row(output, _row);
            var editor = VBufferEditor.Create(ref value, row.Length);
            row.CopyTo(editor.Values);
            value = editor.Commit();
        };
        return getter as ValueGetter<TValue>
            ?? throw new InvalidOperationException($"Column {column.Name} holds {column.Type}, not {typeof(TValue).Name}.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _passing?.Dispose();
            _reader?.Dispose();
            _samples?.Dispose();
        }

        base.Dispose(disposing);
    }

    private bool NextRow(BatchReader reader)
    {
        if (++_row < _rows)
            return true;
        _row = 0;
        _rows = reader.Next();
        return _rows > 0;
    }
}
