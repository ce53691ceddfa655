using ToyPipeline.Core.Formats;

namespace ToyPipeline.DataGen;

/// <summary>The present features of a tile of samples, gathered feature by feature and read sample by sample.</summary>
internal sealed class TileEntries(int features)
{
    private readonly int[] _counts = new int[FeatureSampler.TileSamples];
    private readonly int[] _columns = new int[FeatureSampler.TileSamples * features];
    private readonly float[] _values = new float[FeatureSampler.TileSamples * features];

    public void Clear() => Array.Clear(_counts);

    public void Add(int sample, int feature, float value)
    {
        int at = (sample * features) + _counts[sample]++;
        _columns[at] = feature;
        _values[at] = value;
    }

    public Span<int> Columns(int sample) => _columns.AsSpan(sample * features, _counts[sample]);

    public ReadOnlySpan<float> Values(int sample) => _values.AsSpan(sample * features, _counts[sample]);
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

    public void AddRow(ReadOnlySpan<int> rowColumns, ReadOnlySpan<float> rowValues)
    {
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
