using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ToyPipeline.DataGen;

/// <summary>The present features of each tile of a run, in any order between samples, ascending within one; a value may be 0.</summary>
internal sealed unsafe class TileDraws(int features)
{
    private readonly int _capacity = FeatureSampler.TileSamples * features;
    private readonly int[] _counts = new int[TileRun.Length(features)];
    private readonly int[] _draws = GC.AllocateUninitializedArray<int>(TileRun.Length(features) * FeatureSampler.TileSamples * features, pinned: true);
    private readonly float[] _values = GC.AllocateUninitializedArray<float>(TileRun.Length(features) * FeatureSampler.TileSamples * features, pinned: true);

    /// <summary>Number of draws of a tile.</summary>
    public int Count(int tile) => _counts[tile];

    /// <summary>The number of each draw: <see cref="TileRun.Draw"/>, the sample within the tile.</summary>
    public int* Draws(int tile) => (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_draws)) + (tile * _capacity);

    /// <summary>Their values.</summary>
    public float* Values(int tile) => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_values)) + (tile * _capacity);

    public void Clear(int tile) => _counts[tile] = 0;

    /// <summary>Adds draws to a tile.</summary>
    public void Add(int tile, int* draws, float* values, int count)
    {
        new ReadOnlySpan<int>(draws, count).CopyTo(new Span<int>(Draws(tile) + _counts[tile], count));
        new ReadOnlySpan<float>(values, count).CopyTo(new Span<float>(Values(tile) + _counts[tile], count));
        _counts[tile] += count;
    }

    /// <summary>Adds one feature of a sample to a tile.</summary>
    public void Add(int tile, int sample, int feature, float value)
    {
        Draws(tile)[_counts[tile]] = TileRun.Draw(feature, sample);
        Values(tile)[_counts[tile]++] = value;
    }
}
