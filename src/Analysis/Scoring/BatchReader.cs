using ToyPipeline.Analysis.Data;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>
/// Reads samples and scores them, batch by batch, when the reader asks for one. Threads work within a run of the session: one batch
/// stays in the caches, where several at once would not.
/// </summary>
/// <param name="pool">Where the batch lies.</param>
/// <param name="source">Samples.</param>
/// <param name="outputs">Outputs that are kept.</param>
internal sealed class BatchReader(BatchMemoryPool pool, SampleBatches source, IReadOnlyList<string> outputs) : IDisposable
{
    private BatchMemory? _memory = pool.Take(outputs);
    private int _rows;

    /// <summary>The batch's samples, [rows, features].</summary>
    public ReadOnlySpan<float> Samples => Memory.Samples.Values.AsSpan(0, _rows * pool.Session.Features);

    private BatchMemory Memory => _memory ?? throw new ObjectDisposedException(nameof(BatchReader));

    /// <summary>The batch's values of output <paramref name="index"/>, [rows, ...].</summary>
    public ReadOnlySpan<float> Output(int index) => Memory.Scorer.Rows(index, 0, _rows);

    /// <summary>Values of output <paramref name="index"/> of one sample of the batch.</summary>
    public ReadOnlySpan<float> Row(int index, int row) => Memory.Scorer.Rows(index, row, 1);

    /// <summary>Reads and scores the next batch; returns its number of rows, 0 after the last.</summary>
    public int Next()
    {
        _rows = source.Read(Memory.Samples);
        if (_rows > 0)
            Memory.Score(_rows);
        return _rows;
    }

    public void Dispose()
    {
        if (_memory is { } used)
            pool.GiveBack(used);
        _memory = null;
    }
}
