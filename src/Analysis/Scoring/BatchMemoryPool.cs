namespace ToyPipeline.Analysis.Scoring;

/// <summary>What readers are done with, for the next ones: new memory takes as long as the model.</summary>
internal sealed class BatchMemoryPool : IDisposable
{
    // What a run reads and writes should stay in the caches, but a run costs some microseconds whatever its size: twice as much is no faster, half 3 % slower.
    private const int SliceValues = 1 << 19;
    private const int MinSliceRows = 32;

    // Of readers that have finished; the next ones may ask for other outputs.
    private const int MaxFree = 32;

    private readonly ToyModelSession _session;
    private readonly List<BatchMemory> _free = [];
    private readonly Stack<BatchScorer> _scorers = [];
    private bool _disposed;

    /// <param name="session">The model; it outlives the pool.</param>
    /// <param name="batchSize">Samples of a batch.</param>
    /// <param name="threads">Threads that make a batch.</param>
    public BatchMemoryPool(ToyModelSession session, int batchSize, int threads)
    {
        (_session, BatchSize, Threads) = (session, batchSize, threads);
        int most = SliceValues / (session.InputSize + session.Outputs.Sum(output => output.Size));
        SliceRows = Math.Min(batchSize, 1 << int.Log2(Math.Max(most, MinSliceRows)));
    }

    public int BatchSize { get; }

    /// <summary>Samples of a slice, of which a batch has one or several; its last one may have less. It depends on the model alone, not on the number of threads.</summary>
    public int SliceRows { get; }

    /// <summary>Slices of a batch.</summary>
    public int Slices => (BatchSize + SliceRows - 1) / SliceRows;

    public int Threads { get; }

    /// <summary>Memory for some outputs of some slices.</summary>
    public BatchMemory Take(int slices, IReadOnlyList<string> outputs)
    {
        lock (_free)
        {
            int at = _free.FindIndex(memory => memory.Slices == slices && memory.Outputs.SequenceEqual(outputs));
            if (at < 0)
                return new BatchMemory(_session, slices, SliceRows, outputs);
            var memory = _free[at];
            _free.RemoveAt(at);
            return memory;
        }
    }

    /// <summary>A scorer of slices.</summary>
    public BatchScorer TakeScorer()
    {
        lock (_free)
            return _scorers.TryPop(out var scorer) ? scorer : new BatchScorer(_session, SliceRows, []);
    }

    /// <summary>Takes memory back; what was given back first goes first where that is too much.</summary>
    public void GiveBack(BatchMemory memory)
    {
        lock (_free)
        {
            _free.Add(memory);
            Trim(_disposed ? 0 : MaxFree);
        }
    }

    /// <summary>Takes a scorer back.</summary>
    public void GiveBack(BatchScorer scorer)
    {
        lock (_free)
        {
            if (_disposed)
                scorer.Dispose();
            else
                _scorers.Push(scorer);
        }
    }

    public void Dispose()
    {
        lock (_free)
        {
            _disposed = true;
            Trim(0);
            while (_scorers.TryPop(out var scorer))
                scorer.Dispose();
        }
    }

    private void Trim(int count)
    {
        while (_free.Count > count)
        {
            _free[0].Dispose();
            _free.RemoveAt(0);
        }
    }
}
