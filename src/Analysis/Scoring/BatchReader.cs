using System.Runtime.ExceptionServices;
using ToyPipeline.Analysis.Data;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>
/// Reads samples and scores them. Threads take slices in their order, one at a time, then unpack and score them side by side, some slices
/// ahead of the caller, who does the same while it would have to wait. Whoever takes a slice, its values are the same.
/// </summary>
/// <param name="pool">Where the batches lie.</param>
/// <param name="source">Samples; nobody else reads them before the reader is disposed.</param>
/// <param name="outputs">Outputs that are kept.</param>
/// <param name="bySlices">Hands out slice by slice, whose memory stays in the caches, in place of whole batches.</param>
internal sealed class BatchReader(BatchMemoryPool pool, SampleBatches source, IReadOnlyList<string> outputs, bool bySlices = false) : IDisposable
{
    // So that threads seldom go away for want of room: it takes long until they are back.
    private const int SlicesAhead = 32;
    private const int MinAhead = 3;

    private readonly object _gate = new();
    // Slices of what is handed out at once.
    private readonly int _slices = bySlices ? 1 : pool.Slices;
    // Of one thread, the batch that it works on; of several, those at hand ahead of the caller too.
    private readonly Slot[] _ring = Create<Slot>(pool.Threads == 1 ? 1 : Math.Max(MinAhead, SlicesAhead / (bySlices ? 1 : pool.Slices)));
    // The caller's is the first.
    private readonly Worker[] _workers = Create<Worker>(pool.Threads);
    private Slot? _slot;
    private float[]? _samples;
    private bool _unpacked;
    private long _current = -1;
    private long _next;
    private int _running;
    private bool _ended;
    private bool _disposed;
    private Exception? _failure;

    /// <summary>The batch's samples, [rows, features]; unpacked when they are asked for.</summary>
    public ReadOnlySpan<float> Samples
    {
        get
        {
            int size = Current.Rows * source.Features;
            _samples ??= new float[checked(_slices * pool.SliceRows * source.Features)];
            if (!_unpacked)
                Current.Memory!.Unpack(_samples.AsSpan(0, size));
            _unpacked = true;
            return _samples.AsSpan(0, size);
        }
    }

    private Slot Current => _slot ?? throw new ObjectDisposedException(nameof(BatchReader));

    /// <summary>The batch's values of output <paramref name="index"/>, [rows, ...].</summary>
    public ReadOnlySpan<float> Output(int index) => Current.Memory!.Output(index, 0, Current.Rows);

    /// <summary>Values of output <paramref name="index"/> of one sample of the batch.</summary>
    public ReadOnlySpan<float> Row(int index, int row) => Current.Memory!.Output(index, row, 1);

    /// <summary>Gives the next batch; returns its number of rows, 0 after the last.</summary>
    /// <remarks>Throws what reading or scoring threw.</remarks>
    public int Next()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Work? work = null;
        for (bool first = true; ; first = false)
        {
            lock (_gate)
            {
                if (first)
                    Advance();
                Finish(work);
                if (IsComplete())
                    return _slot!.Rows;
                if (_failure is not null && _running == 0)
                    ExceptionDispatchInfo.Throw(_failure);
                work = Take(_workers[0]);
                if (work is null && _running > 0)
                    Monitor.Wait(_gate);
            }

            work?.Score();
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
                slot.Release();
            foreach (var worker in _workers)
                worker.GiveBack(pool);
            _slot = null;
        }
    }

    private static T[] Create<T>(int count)
        where T : new() => [.. Enumerable.Range(0, count).Select(_ => new T())];

    // The caller is done with its batch.
    private void Advance()
    {
        _slot?.Release();
        _current++;
        _slot = _ring[(int)(_current % _ring.Length)];
        _unpacked = false;
        for (int helper = 1; helper < _workers.Length && HasRoom(); helper++)
        {
            if (_workers[helper].IsCalled)
                continue;
            _workers[helper].IsCalled = true;
            var worker = _workers[helper];
            HelperThreads.Call(() => Help(worker));
        }
    }

    // Whether every slice of the caller's batch is there, or all that the source had.
    private bool IsComplete()
    {
        long taken = Math.Clamp(_next - (_current * _slices), 0, _slices);
        return (taken == _slices || (_ended && _failure is null)) && _slot!.Done == taken;
    }

    private bool HasRoom() => !_ended && _next / _slices < _current + _ring.Length;

    // The next slice; null where none is left, or there is no room.
    private Work? Take(Worker worker)
    {
        if (!HasRoom())
            return null;
        int wanted = Math.Min(pool.SliceRows, pool.BatchSize - ((int)(_next % pool.Slices) * pool.SliceRows));
        var (batch, slice) = Math.DivRem(_next, _slices);
        var slot = _ring[(int)(batch % _ring.Length)];
        try
        {
            slot.Begin(worker, pool, _slices, outputs);
            int rows = slot.Memory!.Take((int)slice, source, wanted);
            slot.Rows += rows;
            _ended = rows < wanted;
            if (rows == 0)
                return null;
        }
        catch (Exception e)
        {
            (_failure, _ended) = (e, true);
            return null;
        }

        _next++;
        _running++;
        return new Work(slot, (int)slice, worker, pool);
    }

    // Goes away when there is no room, and is called again with the next batch.
    private void Help(Worker worker)
    {
        Work? work = null;
        do
        {
            lock (_gate)
            {
                Finish(work);
                work = Take(worker);
                worker.IsCalled = work is not null;
            }

            work?.Score();
        }
        while (work is not null);
    }

    private void Finish(Work? work)
    {
        if (work is null)
            return;
        _running--;
        if (work.Failure is null)
            work.Slot.Done++;
        else
            (_failure, _ended) = (_failure ?? work.Failure, true);
        Monitor.PulseAll(_gate);
    }

    // A slice that a thread has taken.
    private sealed class Work(Slot slot, int slice, Worker worker, BatchMemoryPool pool)
    {
        public Slot Slot => slot;

        public Exception? Failure { get; private set; }

        public void Score()
        {
            try
            {
                slot.Memory!.Score(slice, worker.Scorer ??= pool.TakeScorer());
            }
            catch (Exception e)
            {
                Failure = e;
            }
        }
    }

    // What a thread has for itself. It uses the memory again that it used last, which its core still has at hand.
    private sealed class Worker
    {
        public BatchScorer? Scorer { get; set; }

        public Stack<BatchMemory> Free { get; } = [];

        /// <summary>A thread is at it, or will be.</summary>
        public bool IsCalled { get; set; }

        public void GiveBack(BatchMemoryPool pool)
        {
            if (Scorer is not null)
                pool.GiveBack(Scorer);
            while (Free.TryPop(out var memory))
                pool.GiveBack(memory);
        }
    }

    // A batch in the making, or at the caller's.
    private sealed class Slot
    {
        private Worker? _owner;

        public BatchMemory? Memory { get; private set; }

        /// <summary>Rows that were read.</summary>
        public int Rows { get; set; }

        /// <summary>Slices that were scored.</summary>
        public int Done { get; set; }

        public void Begin(Worker worker, BatchMemoryPool pool, int slices, IReadOnlyList<string> outputs)
        {
            if (Memory is not null)
                return;
            _owner = worker;
            Memory = worker.Free.TryPop(out var memory) ? memory : pool.Take(slices, outputs);
        }

        public void Release()
        {
            (Rows, Done) = (0, 0);
            if (Memory is null)
                return;
            Memory.Clear();
            _owner!.Free.Push(Memory);
            Memory = null;
        }
    }
}
