using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using ToyPipeline.Analysis.Data;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>
/// Reads samples and scores them, batch by batch and in order. Several workers each take a batch through the session, ahead of the reader:
/// small models gain nothing from threads within a run. Every instance of an ensemble gets the same sample.
/// </summary>
internal sealed class BatchReader : IDisposable
{
    // Values of a batch below which threads cost more than they give.
    private const int SmallBatch = 1 << 16;

    private readonly SampleBatches _source;
    private readonly int _batchSize;
    private readonly int _features;
    private readonly Slot[] _slots;
    private readonly Lock _reading = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread[] _workers;
    private long _claimed; // slots that a worker has taken on
    private long _taken; // slots that the reader has been given
    private int _first; // first row of the batch in its slot
    private int _rows; // rows of the batch
    private bool _started;
    private bool _ended;

    /// <param name="session">The model.</param>
    /// <param name="batchSize">Samples of a batch.</param>
    /// <param name="source">Samples.</param>
    /// <param name="outputs">Outputs that are kept.</param>
    /// <param name="workers">Runs of the session at once; with 1 the reader's own thread does the work when it asks for it.</param>
    public BatchReader(ToyModelSession session, int batchSize, SampleBatches source, IReadOnlyList<string> outputs, int workers = 1)
    {
        _source = source;
        _batchSize = batchSize;
        _features = session.Features;
        // A small model's batch is through before another thread would have woken.
        if (checked(batchSize * session.InputSize) < SmallBatch)
            workers = 1;
        // One that the reader holds, one for each worker, and one to go on with.
        _slots = [.. Enumerable.Range(0, workers > 1 ? workers + 2 : 1).Select(_ => new Slot(session, batchSize, outputs))];
        _workers = workers > 1 ? [.. Enumerable.Range(0, workers).Select(_ => new Thread(Work) { IsBackground = true, Name = "scoring" })] : [];
    }

    /// <summary>The batch's samples, [rows, features].</summary>
    public ReadOnlySpan<float> Samples => Current.Samples.Values.AsSpan(_first * _features, _rows * _features);

    /// <summary>The batch's values of output <paramref name="index"/>, [rows, ...].</summary>
    public ReadOnlySpan<float> Output(int index) => Current.Scorer.Rows(index, _first, _rows);

    /// <summary>Values of output <paramref name="index"/> of one sample of the batch.</summary>
    public ReadOnlySpan<float> Row(int index, int row) => Current.Scorer.Rows(index, _first + row, 1);

    private Slot Current => _slots[Math.Max(0, _taken - 1) % _slots.Length];

    /// <summary>Reads and scores the next batch; returns its number of rows, 0 after the last.</summary>
    public int Next()
    {
        _first += _rows;
        if (_taken == 0 || _first == Current.Rows)
        {
            _first = 0;
            NextSlot();
        }

        return _rows = _ended ? 0 : Math.Min(_batchSize, Current.Rows - _first);
    }

    private void NextSlot()
    {
        if (_ended)
            return;
        if (_workers.Length == 0)
        {
            _taken = 1;
            Current.Fill(_source.Read(Current.Samples));
            Current.Score();
            _ended = Current.Rows == 0;
            return;
        }

        Start();
        if (_taken > 0)
            Current.Free.Set();
        _taken++;
        Current.Ready.Wait();
        Current.Ready.Reset();
        _ended = Current.Failure is not null || Current.Rows == 0;
        Current.Failure?.Throw();
    }

    public void Dispose()
    {
        _stop.Cancel();
        if (_started)
        {
            foreach (var worker in _workers)
                worker.Join();
        }

        foreach (var slot in _slots)
            slot.Dispose();
        _stop.Dispose();
    }

    private void Start()
    {
        if (_started)
            return;
        _started = true;
        foreach (var worker in _workers)
            worker.Start();
    }

    private void Work()
    {
        bool more = true;
        while (more)
        {
            Slot slot;
            // Batches are read one after the other, in order; they are scored side by side.
            lock (_reading)
            {
                slot = _slots[_claimed % _slots.Length];
                try
                {
                    slot.Free.Wait(_stop.Token);
                }
                catch (OperationCanceledException)
                {
                    return;
                }

                slot.Free.Reset();
                _claimed++;
                more = slot.Try(() => slot.Fill(_source.Read(slot.Samples))) && slot.Rows > 0;
            }

            if (more)
                more = slot.Try(slot.Score);
            slot.Ready.Set();
            // After the last batch nobody reads on: the others find the stop.
            if (!more)
                _stop.Cancel();
        }
    }

    /// <summary>A batch with its place in memory.</summary>
    private sealed class Slot : IDisposable
    {
        private readonly int _features;
        private readonly int _instances;

        public Slot(ToyModelSession session, int rows, IReadOnlyList<string> outputs)
        {
            _features = session.Features;
            _instances = session.Instances ?? 1;
            Samples = new SampleBuffer(checked(rows * _features));
            // A single model reads the samples where they are; an ensemble reads a copy for each instance.
            Scorer = new BatchScorer(session, rows, outputs, session.Instances is null ? Samples.Values.AsMemory() : default(Memory<float>?));
        }

        public SampleBuffer Samples { get; }

        public BatchScorer Scorer { get; }

        public int Rows { get; private set; }

        public ExceptionDispatchInfo? Failure { get; private set; }

        public ManualResetEventSlim Free { get; } = new(true);

        public ManualResetEventSlim Ready { get; } = new(false);

        public void Fill(int rows) => Rows = rows;

        /// <summary>Keeps what goes wrong for the reader to be told.</summary>
        public bool Try(Action work)
        {
            try
            {
                work();
                return true;
            }
            catch (Exception e)
            {
                Failure = ExceptionDispatchInfo.Capture(e);
                return false;
            }
        }

        public void Score()
        {
            if (Rows == 0)
                return;
            if (MemoryMarshal.TryGetArray<float>(Scorer.Input, out var input) && input.Array != Samples.Values)
                Repeat(Samples.Values.AsSpan(0, Rows * _features), input.AsSpan());
            Scorer.Run(Rows);
        }

        public void Dispose()
        {
            Scorer.Dispose();
            Free.Dispose();
            Ready.Dispose();
        }

        private void Repeat(ReadOnlySpan<float> samples, Span<float> input)
        {
            for (int row = 0, at = 0; row < samples.Length / _features; row++)
            {
                var sample = samples.Slice(row * _features, _features);
                for (int instance = 0; instance < _instances; instance++, at += _features)
                    sample.CopyTo(input[at..]);
            }
        }
    }
}
