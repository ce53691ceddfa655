using Microsoft.ML;
using Microsoft.ML.Data;
using ToyPipeline.Analysis.Data;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>Scores single rows, as a <c>PredictionEngine</c> asks for them: batches of one.</summary>
internal sealed class ToyModelRowMapper(ToyModelScoringTransformer transformer, DataViewSchema inputSchema) : IRowToRowMapper
{
    public DataViewSchema InputSchema => inputSchema;

    public DataViewSchema OutputSchema { get; } = transformer.GetOutputSchema(inputSchema);

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        int inputs = inputSchema.Count;
        var asked = dependingColumns.Select(column => column.Index).ToHashSet();
        var needed = asked.Where(index => index < inputs).ToHashSet();
        if (asked.Any(index => index >= inputs))
            needed.Add(VectorColumn.Require(inputSchema, transformer.Options.InputColumnName).Index);
        return inputSchema.Where(column => needed.Contains(column.Index));
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns) =>
        new ScoredRow(transformer, OutputSchema, input, activeColumns);

    /// <summary>The current row of an input, with the model's outputs; they are computed once for each position of the input, when one is asked for.</summary>
    private sealed class ScoredRow : DataViewRow
    {
        private readonly ToyModelScoringTransformer _transformer;
        private readonly DataViewRow _input;
        private readonly int[] _outputOf;
        private readonly BatchScorer? _scorer;
        private readonly ValueGetter<VBuffer<float>>? _sample;
        private VBuffer<float> _buffer;
        private long _scored = -1;

        public ScoredRow(ToyModelScoringTransformer transformer, DataViewSchema schema, DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
        {
            _transformer = transformer;
            _input = input;
            Schema = schema;
            _outputOf = new int[schema.Count];
            Array.Fill(_outputOf, -1);
            var outputs = new List<string>();
            foreach (int column in activeColumns.Select(column => column.Index).Where(column => column >= input.Schema.Count).Distinct().Order())
            {
                _outputOf[column] = outputs.Count;
                outputs.Add(transformer.Outputs[column - input.Schema.Count].Name);
            }

            if (outputs.Count == 0)
                return;
            _scorer = new BatchScorer(transformer.Session, 1, outputs);
            _sample = input.GetGetter<VBuffer<float>>(VectorColumn.Require(input.Schema, transformer.Options.InputColumnName));
        }

        public override DataViewSchema Schema { get; }

        public override long Position => _input.Position;

        public override long Batch => _input.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => _input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) =>
            column.Index < _input.Schema.Count ? _input.IsColumnActive(_input.Schema[column.Index]) : _outputOf[column.Index] >= 0;

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (column.Index < _input.Schema.Count)
                return _input.GetGetter<TValue>(_input.Schema[column.Index]);
            if (_outputOf[column.Index] is var output && output < 0)
                throw new ArgumentOutOfRangeException(nameof(column), $"Column {column.Name} was not asked for when the row was made.");
            ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> value) =>
            {
                Score();
                var row = _scorer!.Rows(output, 0, 1);
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
                _scorer?.Dispose();
                _input.Dispose();
            }

            base.Dispose(disposing);
        }

        // An ensemble's instances all get the same sample.
        private void Score()
        {
            if (_scored == _input.Position)
                return;
            _sample!(ref _buffer);
            var input = _scorer!.Input.Span;
            int n = _transformer.Session.Features;
            for (int at = 0; at < input.Length; at += n)
                _buffer.CopyTo(input.Slice(at, n));
            _scorer.Run(1);
            _scored = _input.Position;
        }
    }
}
