namespace ToyPipeline.Analysis.Scoring;

/// <summary>A batch of samples with the outputs of a model. Its spans hold until the next batch is asked for.</summary>
public sealed class ScoredBatch
{
    private readonly BatchReader _reader;
    private readonly string[] _outputs;

    internal ScoredBatch(BatchReader reader, ToyModelSession session, string[] outputs)
    {
        _reader = reader;
        _outputs = outputs;
        Features = session.Features;
    }

    /// <summary>Number of samples.</summary>
    public int Rows { get; internal set; }

    /// <summary>Place of the first sample among all.</summary>
    public long FirstRow { get; internal set; }

    /// <summary>n, the length of a sample.</summary>
    public int Features { get; }

    /// <summary>The samples, [rows, features].</summary>
    public ReadOnlySpan<float> Samples => _reader.Samples;

    /// <summary>An output that was asked for, [rows, features] or [rows, hidden]; of an ensemble [rows, instances, …].</summary>
    /// <exception cref="ArgumentException">The output was not asked for.</exception>
    public ReadOnlySpan<float> Output(string name)
    {
        int index = Array.IndexOf(_outputs, name);
        return index >= 0
            ? _reader.Output(index)
            : throw new ArgumentException($"Output {name} was not asked for; asked for: {string.Join(", ", _outputs)}.", nameof(name));
    }
}
