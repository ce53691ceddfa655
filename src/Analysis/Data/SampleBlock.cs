using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Data;

/// <summary>
/// Some samples that follow one another, as they lie at their source. Taking those of a shard takes no time: each thread unpacks its own,
/// beside the others, and into memory that its core has at hand.
/// </summary>
/// <param name="capacity">Samples that it holds at most.</param>
/// <param name="features">n, the length of a sample.</param>
internal sealed class SampleBlock(int capacity, int features)
{
    // Several where the block begins in one shard and ends in another.
    private readonly List<(Csr Matrix, int First, int Count)> _sparse = [];
    private float[]? _dense;

    /// <summary>Samples that it holds.</summary>
    public int Rows { get; private set; }

    /// <summary>Takes the next samples of a source; returns their number, less than asked for only at the end.</summary>
    public int Take(SampleBatches source, int rows)
    {
        Clear();
        return Rows = source.Take(this, rows);
    }

    /// <summary>Holds none, and lets go of the shards.</summary>
    public void Clear()
    {
        _sparse.Clear();
        Rows = 0;
    }

    /// <summary>Rows of a shard that belong to the block; they stay where they are.</summary>
    public void Add(Csr matrix, int first, int count) => _sparse.Add((matrix, first, count));

    /// <summary>Where samples of other sources are written, [rows, features].</summary>
    public Span<float> Dense(int rows) => (_dense ??= GC.AllocateUninitializedArray<float>(checked(capacity * features))).AsSpan(0, rows * features);

    /// <summary>Writes the samples densely, each to the beginning of a row of <paramref name="stride"/> values.</summary>
    public void Unpack(Span<float> destination, int stride)
    {
        int row = 0;
        foreach (var (matrix, first, count) in _sparse)
        {
            Unpack(matrix, first, count, destination[(row * stride)..], stride);
            row += count;
        }

        for (; row < Rows; row++)
            _dense.AsSpan(row * features, features).CopyTo(destination[(row * stride)..]);
    }

    /// <summary>Writes rows of a matrix densely, each to the beginning of a row of <paramref name="stride"/> values.</summary>
    public static void Unpack(Csr matrix, int first, int count, Span<float> destination, int stride)
    {
        int features = matrix.Columns;
        var rowStart = matrix.RowStart.Span.Slice(first, count + 1);
        var values = matrix.Values.Span;
        if (stride == features && rowStart[count] - rowStart[0] == count * features)
        {
            // Every feature present: the rows are dense as they lie.
            values[rowStart[0]..rowStart[count]].CopyTo(destination);
            return;
        }

        // All at once where nothing lies between: a call for each row would take as long as the row.
        if (stride == features)
            destination[..(count * features)].Clear();
        var columns = matrix.ColumnIndices.Span;
        int k = rowStart[0];
        for (int row = 0; row < count; row++)
        {
            int at = row * stride, end = rowStart[row + 1];
            if (stride != features)
                destination.Slice(at, features).Clear();
            for (; k < end; k++)
                destination[at + columns[k]] = values[k];
        }
    }
}
