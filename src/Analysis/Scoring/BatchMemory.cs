using ToyPipeline.Analysis.Data;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>Where what a reader hands out at once lies: the samples as they were taken, and their outputs.</summary>
internal sealed class BatchMemory : IDisposable
{
    private readonly ToyModelSession _session;
    private readonly OutputMemory _outputs;
    private readonly OutputMemory[] _parts;
    private readonly SampleBlock[] _blocks;

    /// <param name="session">The model.</param>
    /// <param name="slices">Number of slices.</param>
    /// <param name="sliceRows">Samples of a slice at most.</param>
    /// <param name="outputs">Outputs that are kept.</param>
    public BatchMemory(ToyModelSession session, int slices, int sliceRows, IReadOnlyList<string> outputs)
    {
        _session = session;
        Outputs = outputs;
        Slices = slices;
        _outputs = new OutputMemory(session, checked(slices * sliceRows), outputs);
        _parts = [.. Enumerable.Range(0, slices).Select(slice => _outputs.Part(slice * sliceRows, sliceRows))];
        _blocks = [.. Enumerable.Range(0, slices).Select(_ => new SampleBlock(sliceRows, session.Features))];
    }

    public IReadOnlyList<string> Outputs { get; }

    public int Slices { get; }

    /// <summary>Takes the samples of a slice; returns their number, less than asked for only at the end.</summary>
    public int Take(int slice, SampleBatches source, int rows) => _blocks[slice].Take(source, rows);

    /// <summary>Unpacks and scores a slice. Every instance of an ensemble gets the same sample.</summary>
    public void Score(int slice, BatchScorer scorer)
    {
        var block = _blocks[slice];
        var input = scorer.Input.Span[..(block.Rows * _session.InputSize)];
        block.Unpack(input, _session.InputSize);
        int n = _session.Features;
        for (int at = 0; at < input.Length && _session.Instances > 1; at += _session.InputSize)
        {
            for (int instance = 1; instance < _session.Instances; instance++)
                input.Slice(at, n).CopyTo(input[(at + (instance * n))..]);
        }

        scorer.Run(block.Rows, _parts[slice]);
    }

    /// <summary>Writes the samples of the slices that were taken, [rows, features].</summary>
    public void Unpack(Span<float> samples)
    {
        foreach (var block in _blocks)
        {
            block.Unpack(samples, _session.Features);
            samples = samples[(block.Rows * _session.Features)..];
        }
    }

    /// <summary>Values of output <paramref name="index"/> of some samples, [count, ...].</summary>
    public ReadOnlySpan<float> Output(int index, int first, int count) => _outputs.Rows(index, first, count);

    /// <summary>Lets go of the samples.</summary>
    public void Clear()
    {
        foreach (var block in _blocks)
            block.Clear();
    }

    public void Dispose()
    {
        _outputs.Dispose();
        foreach (var part in _parts)
            part.Dispose();
    }
}
