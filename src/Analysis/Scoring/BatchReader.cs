using System.Runtime.InteropServices;
using ToyPipeline.Analysis.Data;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>Reads samples and scores them, batch by batch. Every instance of an ensemble gets the same sample.</summary>
internal sealed class BatchReader : IDisposable
{
    private readonly SampleBatches _source;
    private readonly int _features;
    private readonly int _instances;

    public BatchReader(ToyModelSession session, int batchSize, SampleBatches source, IReadOnlyList<string> outputs)
    {
        _source = source;
        _features = session.Features;
        _instances = session.Instances ?? 1;
        Samples = GC.AllocateArray<float>(checked(batchSize * _features), pinned: true);
        // A single model reads the samples where they are; an ensemble reads a copy for each instance.
        Scorer = new BatchScorer(session, batchSize, outputs, session.Instances is null ? Samples.AsMemory() : default(Memory<float>?));
    }

    public BatchScorer Scorer { get; }

    /// <summary>The batch's samples, [batch, features].</summary>
    public float[] Samples { get; }

    /// <summary>Reads and scores the next batch; returns its number of rows, 0 after the last.</summary>
    public int Next()
    {
        int rows = _source.Read(Samples);
        if (rows == 0)
            return 0;
        if (MemoryMarshal.TryGetArray<float>(Scorer.Input, out var input) && input.Array != Samples)
            Repeat(Samples.AsSpan(0, rows * _features), input.AsSpan());
        Scorer.Run(rows);
        return rows;
    }

    public void Dispose() => Scorer.Dispose();

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
