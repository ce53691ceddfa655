namespace ToyPipeline.Analysis.Data;

/// <summary>Dense samples in memory that is used again: remembers what was last written, so that of sparse ones only that need be cleared.</summary>
/// <param name="memory">Where they lie.</param>
internal sealed class SampleBuffer(Memory<float> memory)
{
    private readonly int[] _written = new int[memory.Length / 8];
    private int _count;
    private bool _unknown;

    /// <summary>Number of values.</summary>
    public int Size => memory.Length;

    /// <summary>The values.</summary>
    public Span<float> Values => memory.Span;

    /// <summary>Where they lie.</summary>
    public Memory<float> Memory => memory;

    /// <summary>All zeros again.</summary>
    public void Clear()
    {
        var values = Values;
        if (_unknown)
        {
            values.Clear();
        }
        else
        {
            foreach (int place in _written.AsSpan(0, _count))
                values[place] = 0;
        }

        _count = 0;
        _unknown = false;
    }

    /// <summary>Says that any of the values may be written.</summary>
    public Span<float> WriteAnywhere()
    {
        _unknown = true;
        return Values;
    }

    /// <summary>Writes sparse rows.</summary>
    /// <param name="row">Place of the first one.</param>
    /// <param name="features">Length of a row.</param>
    /// <param name="rowStart">Where each row begins among the entries, and the last one ends.</param>
    /// <param name="columns">Column of each entry.</param>
    /// <param name="entries">Their values.</param>
    public void Write(int row, int features, ReadOnlySpan<int> rowStart, ReadOnlySpan<int> columns, ReadOnlySpan<float> entries)
    {
        int count = rowStart[^1] - rowStart[0];
        _unknown |= _count + count > _written.Length;
        var values = Values;
        var written = _unknown ? default : _written.AsSpan(_count, count);
        int w = 0;
        for (int r = 1; r < rowStart.Length; r++)
        {
            int first = (row + r - 1) * features;
            for (int k = rowStart[r - 1]; k < rowStart[r]; k++, w++)
            {
                int place = first + columns[k];
                values[place] = entries[k];
                if (w < written.Length)
                    written[w] = place;
            }
        }

        _count += written.Length;
    }
}
