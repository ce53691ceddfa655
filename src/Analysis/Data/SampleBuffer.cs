namespace ToyPipeline.Analysis.Data;

/// <summary>Dense samples in memory that is used again: remembers what the last batch wrote, so that of a sparse one only that need be cleared.</summary>
/// <param name="size">Number of values.</param>
internal sealed class SampleBuffer(int size)
{
    private readonly int[] _written = new int[size / 8];
    private int _count;
    private bool _unknown;

    /// <summary>The values; pinned.</summary>
    public float[] Values { get; } = GC.AllocateArray<float>(size, pinned: true);

    /// <summary>All zeros again.</summary>
    public void Clear()
    {
        if (_unknown)
        {
            Array.Clear(Values);
        }
        else
        {
            foreach (int place in _written.AsSpan(0, _count))
                Values[place] = 0;
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

    /// <summary>Writes a sparse row that begins at <paramref name="start"/>.</summary>
    public void Write(int start, ReadOnlySpan<int> columns, ReadOnlySpan<float> values)
    {
        _unknown |= _count + columns.Length > _written.Length;
        var all = Values;
        var written = _unknown ? default : _written.AsSpan(_count, columns.Length);
        for (int k = 0; k < values.Length && k < columns.Length; k++)
        {
            int place = start + columns[k];
            all[place] = values[k];
            if (k < written.Length)
                written[k] = place;
        }

        _count += written.Length;
    }
}
