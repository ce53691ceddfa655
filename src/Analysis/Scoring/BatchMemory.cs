using System.Runtime.InteropServices;
using ToyPipeline.Analysis.Data;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>Where the samples and the outputs of a batch lie. Every instance of an ensemble gets the same sample.</summary>
internal sealed class BatchMemory : IDisposable
{
    private readonly int _features;
    private readonly int _instances;

    /// <param name="session">The model.</param>
    /// <param name="batchSize">Samples of a batch.</param>
    /// <param name="outputs">Outputs that are kept.</param>
    public BatchMemory(ToyModelSession session, int batchSize, IReadOnlyList<string> outputs)
    {
        _features = session.Features;
        _instances = session.Instances ?? 1;
        Outputs = outputs;
        Samples = new SampleBuffer(checked(batchSize * _features));
        // A single model reads the samples where they are; an ensemble reads a copy for each instance.
        Scorer = new BatchScorer(session, batchSize, outputs, session.Instances is null ? Samples.Values.AsMemory() : default(Memory<float>?));
    }

    public IReadOnlyList<string> Outputs { get; }

    public SampleBuffer Samples { get; }

    public BatchScorer Scorer { get; }

    /// <summary>Scores the first <paramref name="rows"/> of <see cref="Samples"/>.</summary>
    public void Score(int rows)
    {
        if (MemoryMarshal.TryGetArray<float>(Scorer.Input, out var input) && input.Array != Samples.Values)
            Repeat(Samples.Values.AsSpan(0, rows * _features), input.AsSpan());
        Scorer.Run(rows);
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
