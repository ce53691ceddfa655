namespace ToyPipeline.Analysis.Data;

/// <summary>Dense samples in memory that is used again: remembers what was last written, so that of sparse ones only that need be cleared.</summary>
/// <param name="all">Array that they lie in.</param>
/// <param name="start">Place of their first value in it.</param>
/// <param name="size">Number of values.</param>
internal sealed class SampleBuffer(float[] all, int start, int size)
{
    private readonly int[] _written = new int[size / 8];
    private int _count;
    private bool _unknown;

    /// <summary>Number of values.</summary>
    public int Size => size;

    /// <summary>The values.</summary>
    public Span<float> Values => all.AsSpan(start, size);

    /// <summary>Where they lie.</summary>
    public Memory<float> Memory => all.AsMemory(start, size);

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

    /// <summary>Writes a sparse row that begins at <paramref name="first"/>.</summary>
    public void Write(int first, ReadOnlySpan<int> columns, ReadOnlySpan<float> row)
    {
        _unknown |= _count + columns.Length > _written.Length;
        var values = Values;
        var written = _unknown ? default : _written.AsSpan(_count, columns.Length);
        for (int k = 0; k < row.Length && k < columns.Length; k++)
        {
            int place = first + columns[k];
            values[place] = row[k];
            if (k < written.Length)
                written[k] = place;
        }

        _count += written.Length;
    }
}
