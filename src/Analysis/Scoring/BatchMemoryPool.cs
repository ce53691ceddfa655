namespace ToyPipeline.Analysis.Scoring;

/// <summary>Memory of batches that readers are done with, for the next ones: new memory takes as long as the model.</summary>
/// <param name="session">The model; it outlives the pool.</param>
/// <param name="batchSize">Samples of a batch.</param>
/// <param name="threads">Threads that make a batch.</param>
internal sealed class BatchMemoryPool(ToyModelSession session, int batchSize, int threads) : IDisposable
{
    // Of readers that have finished; the next ones may ask for other outputs.
    private const int MaxFree = 8;

    private readonly List<BatchMemory> _free = [];
    private bool _disposed;

    public int BatchSize => batchSize;

    public int Threads => threads;

    /// <summary>Memory for some outputs.</summary>
    public BatchMemory Take(IReadOnlyList<string> outputs)
    {
        lock (_free)
        {
            int at = _free.FindIndex(memory => memory.Outputs.SequenceEqual(outputs));
            if (at < 0)
                return new BatchMemory(session, batchSize, outputs);
            var memory = _free[at];
            _free.RemoveAt(at);
            return memory;
        }
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

    public void Dispose()
    {
        lock (_free)
        {
            _disposed = true;
            Trim(0);
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
