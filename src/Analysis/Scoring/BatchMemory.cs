using ToyPipeline.Analysis.Data;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>Where the samples and the outputs of a batch lie, and the slices that it is read and scored in.</summary>
internal sealed class BatchMemory : IDisposable
{
    // What a run reads and writes should stay in the caches of its core; a run costs some microseconds whatever its size.
    private const int SliceValues = 1 << 17;
    private const int MinSliceRows = 32;

    private readonly float[] _samples;
    private readonly float[][] _outputs;
    private readonly int[] _sizes;
    private readonly int _features;

    /// <param name="session">The model.</param>
    /// <param name="batchSize">Samples of a batch.</param>
    /// <param name="outputs">Outputs that are kept.</param>
    public BatchMemory(ToyModelSession session, int batchSize, IReadOnlyList<string> outputs)
    {
        Outputs = outputs;
        _features = session.Features;
        _sizes = [.. outputs.Select(output => session.Output(output).Size)];
        _samples = GC.AllocateArray<float>(checked(batchSize * _features), pinned: true);
        _outputs = [.. _sizes.Select(size => GC.AllocateUninitializedArray<float>(checked(batchSize * size), pinned: true))];
        int most = Math.Clamp(SliceValues / (session.InputSize + _sizes.Sum()), Math.Min(MinSliceRows, batchSize), batchSize);
        int slices = (batchSize + most - 1) / most;
        Slices = [.. Enumerable.Range(0, slices).Select(Slice)];

        BatchSlice Slice(int place)
        {
            int first = (int)((long)batchSize * place / slices);
            int rows = (int)((long)batchSize * (place + 1) / slices) - first;
            return new BatchSlice(session, new SampleBuffer(_samples.AsMemory(first * _features, rows * _features)), outputs,
                [.. _outputs.Zip(_sizes, (values, size) => values.AsMemory(first * size, rows * size))]);
        }
    }

    public IReadOnlyList<string> Outputs { get; }

    /// <summary>The slices in the order of the rows. How a batch is cut depends on the model alone, not on the number of threads.</summary>
    public IReadOnlyList<BatchSlice> Slices { get; }

    /// <summary>The first samples, [rows, features].</summary>
    public ReadOnlySpan<float> Samples(int rows) => _samples.AsSpan(0, rows * _features);

    /// <summary>Values of output <paramref name="index"/> of some samples, [count, ...].</summary>
    public ReadOnlySpan<float> Output(int index, int first, int count) => _outputs[index].AsSpan(first * _sizes[index], count * _sizes[index]);

    public void Dispose()
    {
        foreach (var slice in Slices)
            slice.Dispose();
    }
}
