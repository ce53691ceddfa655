using System.Runtime.ExceptionServices;
using ToyPipeline.Analysis.Data;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>
/// Reads samples and scores them, batch by batch. Threads take slices in their order: one at a time reads, the others run the model
/// meanwhile, some slices ahead of the batch that the caller has. Whoever takes a slice, its values are the same.
/// </summary>
/// <param name="pool">Where the batches lie.</param>
/// <param name="source">Samples; nobody else reads them before the reader is disposed.</param>
/// <param name="outputs">Outputs that are kept.</param>
internal sealed class BatchReader(BatchMemoryPool pool, SampleBatches source, IReadOnlyList<string> outputs) : IDisposable
{
    // So that threads seldom wait for the caller, and small batches are worth a thread.
    private const int SlicesAhead = 8;

    private readonly object _gate = new();
    private readonly List<Slot> _ring = [];
    private Slot? _slot;
    private int _slices;
    private long _current = -1;
    private long _next;
    private int _running;
    private int _helpers;
    private bool _ended;
    private bool _disposed;
    private Exception? _failure;

    /// <summary>The batch's samples, [rows, features].</summary>
    public ReadOnlySpan<float> Samples => Current.Memory.Samples(Current.Rows);

    private Slot Current => _slot ?? throw new ObjectDisposedException(nameof(BatchReader));

    /// <summary>The batch's values of output <paramref name="index"/>, [rows, ...].</summary>
    public ReadOnlySpan<float> Output(int index) => Current.Memory.Output(index, 0, Current.Rows);

    /// <summary>Values of output <paramref name="index"/> of one sample of the batch.</summary>
    public ReadOnlySpan<float> Row(int index, int row) => Current.Memory.Output(index, row, 1);

    /// <summary>Gives the next batch; returns its number of rows, 0 after the last.</summary>
    /// <remarks>Throws what reading or scoring threw.</remarks>
    public int Next()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        lock (_gate)
        {
            if (_ring.Count == 0)
                Open();
            _current++;
            _slot = _ring[(int)(_current % _ring.Count)];
            CallHelpers();
        }

        while (true)
        {
            (Slot Slot, BatchSlice Slice)? work;
            lock (_gate)
            {
                if (IsComplete())
                    return _slot.Rows;
                if (_failure is not null && _running == 0)
                    ExceptionDispatchInfo.Throw(_failure);
                work = Take();
                if (work is null && _running > 0)
                    Monitor.Wait(_gate);
            }

            if (work is { } own)
                Score(own.Slot, own.Slice);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _ended = true;
            while (_running > 0)
                Monitor.Wait(_gate);
            foreach (var slot in _ring)
                pool.GiveBack(slot.Memory);
            _ring.Clear();
            _slot = null;
        }
    }

    private void Open()
    {
        _ring.Add(new Slot(pool.Take(outputs)));
        _slices = _ring[0].Memory.Slices.Count;
        int batches = pool.Threads == 1 ? 1 : Math.Max(2, SlicesAhead / _slices);
        while (_ring.Count < batches)
            _ring.Add(new Slot(pool.Take(outputs)));
    }

    // Whether every slice of the caller's batch is there, or all that the source had.
    private bool IsComplete()
    {
        long taken = Math.Clamp(_next - (_current * _slices), 0, _slices);
        if (taken < _slices && (!_ended || _failure is not null))
            return false;
        if (taken == 0)
            _slot!.Begin();
        return _slot!.Done == taken;
    }

    private bool HasRoom() => !_ended && _next / _slices < _current + _ring.Count;

    private void CallHelpers()
    {
        while (_helpers < pool.Threads - 1 && HasRoom())
        {
            _helpers++;
            ThreadPool.UnsafeQueueUserWorkItem(static reader => reader.Help(), this, preferLocal: false);
        }
    }

    // The next slice, read; null where none is left, or there is no room.
    private (Slot, BatchSlice)? Take()
    {
        if (!HasRoom())
            return null;
        var (batch, place) = Math.DivRem(_next++, _slices);
        var slot = _ring[(int)(batch % _ring.Count)];
        if (place == 0)
            slot.Begin();
        var slice = slot.Memory.Slices[(int)place];
        try
        {
            slot.Rows += slice.Read(source);
        }
        catch (Exception e)
        {
            (_failure, _ended) = (e, true);
            return null;
        }

        _ended = slice.Rows < slice.Capacity;
        if (slice.Rows == 0)
        {
            _next--;
            return null;
        }

        _running++;
        return (slot, slice);
    }

    private void Score(Slot slot, BatchSlice slice)
    {
        Exception? failure = null;
        try
        {
            slice.Score();
        }
        catch (Exception e)
        {
            failure = e;
        }

        lock (_gate)
        {
            _running--;
            if (failure is null)
                slot.Done++;
            else
                (_failure, _ended) = (_failure ?? failure, true);
            Monitor.PulseAll(_gate);
        }
    }

    // Goes away when there is no room, and is called again with the next batch.
    private void Help()
    {
        while (true)
        {
            (Slot Slot, BatchSlice Slice)? work;
            lock (_gate)
            {
                work = Take();
                if (work is null)
                {
                    _helpers--;
                    return;
                }
            }

            Score(work.Value.Slot, work.Value.Slice);
        }
    }

    // Where a batch lies.
    private sealed class Slot(BatchMemory memory)
    {
        public BatchMemory Memory => memory;

        /// <summary>Rows that were read.</summary>
        public int Rows { get; set; }

        /// <summary>Slices that were scored.</summary>
        public int Done { get; set; }

        public void Begin() => (Rows, Done) = (0, 0);
    }
}
