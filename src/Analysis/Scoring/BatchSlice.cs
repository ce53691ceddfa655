using ToyPipeline.Analysis.Data;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>Some rows of a batch, which one thread reads and scores. Every instance of an ensemble gets the same sample.</summary>
internal sealed class BatchSlice : IDisposable
{
    private readonly SampleBuffer _samples;
    private readonly BatchScorer _scorer;
    private readonly int _features;
    private readonly int _instances;
    private readonly bool _inPlace;

    /// <param name="session">The model.</param>
    /// <param name="samples">Where its samples lie, [rows, features].</param>
    /// <param name="outputs">Outputs that are kept.</param>
    /// <param name="into">Where they are written, [rows, ...] each.</param>
    public BatchSlice(ToyModelSession session, SampleBuffer samples, IReadOnlyList<string> outputs, IReadOnlyList<Memory<float>> into)
    {
        _samples = samples;
        _features = session.Features;
        _instances = session.Instances ?? 1;
        Capacity = samples.Size / _features;
        // A single model reads the samples where they are; an ensemble reads a copy for each instance.
        _inPlace = session.Instances is null;
        _scorer = new BatchScorer(session, Capacity, outputs, _inPlace ? samples.Memory : default(Memory<float>?), into);
    }

    /// <summary>Rows that it holds at most.</summary>
    public int Capacity { get; }

    /// <summary>Rows that it holds.</summary>
    public int Rows { get; private set; }

    /// <summary>Reads the next samples; returns their number, less than fit only at the end.</summary>
    public int Read(SampleBatches source) => Rows = source.Read(_samples);

    /// <summary>Scores what was read.</summary>
    public void Score()
    {
        if (!_inPlace)
            Repeat(_samples.Values[..(Rows * _features)], _scorer.Input.Span);
        _scorer.Run(Rows);
    }

    public void Dispose() => _scorer.Dispose();

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
