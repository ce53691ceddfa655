using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.DataGen;

/// <summary>The present features of a run of samples, gathered feature by feature and read sample by sample.</summary>
internal sealed unsafe class TileEntries(int features)
{
    private readonly int[] _counts = new int[Samples(features)];
    private readonly int[] _columns = GC.AllocateArray<int>(Samples(features) * features, pinned: true);
    private readonly float[] _values = GC.AllocateArray<float>(Samples(features) * features, pinned: true);

    public void Clear() => Array.Clear(_counts);

    /// <summary>Adds draws, unless their value is 0.</summary>
    /// <param name="draws">The number of each: <see cref="TileRun.Draw"/>.</param>
    /// <param name="drawn">Their values.</param>
    /// <param name="count">How many.</param>
    public void Add(int* draws, float* drawn, int count)
    {
        int* columns = Columns(0);
        float* values = Values(0);
        fixed (int* counts = _counts)
        {
            for (int e = 0; e < count; e++)
            {
                uint sample = TileRun.Sample(draws[e]);
                int at = ((int)sample * features) + counts[sample];
                columns[at] = (int)TileRun.Feature(draws[e]);
                values[at] = drawn[e];
                counts[sample] += drawn[e] != 0 ? 1 : 0;
            }
        }
    }

    /// <summary>Sets the present features of a sample.</summary>
    public void Set(int sample, ReadOnlySpan<int> columns, ReadOnlySpan<float> values)
    {
        columns.CopyTo(new Span<int>(Columns(sample), features));
        values.CopyTo(new Span<float>(Values(sample), features));
        _counts[sample] = columns.Length;
    }

    /// <summary>Number of features present in a sample.</summary>
    public int Count(int sample) => _counts[sample];

    /// <summary>The features present in a sample, ascending.</summary>
    public int* Columns(int sample) => (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_columns)) + (sample * features);

    /// <summary>Their values.</summary>
    public float* Values(int sample) => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_values)) + (sample * features);

    private static int Samples(int features) => TileRun.Length(features) * FeatureSampler.TileSamples;
}

/// <summary>A growing <see cref="Csr"/> whose memory is used again.</summary>
internal sealed class CsrBuilder(int columns)
{
    private int[] _rowStart = new int[1 << 10];
    private int[] _columns = new int[1 << 12];
    private float[] _values = new float[1 << 12];
    private int _rows;
    private int _entries;

    public void Clear() => _rows = _entries = 0;

    /// <summary>Appends the present features of a sample.</summary>
    public unsafe void AddRow(TileEntries entries, int sample)
    {
        var rowColumns = new ReadOnlySpan<int>(entries.Columns(sample), entries.Count(sample));
        var rowValues = new ReadOnlySpan<float>(entries.Values(sample), entries.Count(sample));
        if (_rows + 1 >= _rowStart.Length)
            Array.Resize(ref _rowStart, 2 * _rowStart.Length);
        if (_entries + rowColumns.Length > _columns.Length)
        {
            int size = Math.Max(2 * _columns.Length, _entries + rowColumns.Length);
            Array.Resize(ref _columns, size);
            Array.Resize(ref _values, size);
        }

        rowColumns.CopyTo(_columns.AsSpan(_entries));
        rowValues.CopyTo(_values.AsSpan(_entries));
        _entries += rowColumns.Length;
        _rowStart[++_rows] = _entries;
    }

    /// <summary>The rows so far; valid until the next <see cref="Clear"/>.</summary>
    public Csr Matrix => new(columns, _rowStart.AsMemory(0, _rows + 1), _columns.AsMemory(0, _entries), _values.AsMemory(0, _entries));
}
