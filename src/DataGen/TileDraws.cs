using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ToyPipeline.DataGen;

/// <summary>The candidates of each tile of a run, feature by feature and of each sample by sample; a value may be 0.</summary>
internal sealed unsafe class TileDraws(int features)
{
    private readonly int _capacity = Capacity(features);
    private readonly int[] _counts = new int[TileRun.Length(features)];
    private readonly int[] _next = new int[features]; // of each feature the place of its next value
    private readonly ulong[] _candidates = GC.AllocateArray<ulong>(TileRun.Length(features) * features, pinned: true);
    private readonly int[] _draws = GC.AllocateUninitializedArray<int>(TileRun.Length(features) * Capacity(features), pinned: true);
    private readonly float[] _values = GC.AllocateUninitializedArray<float>(TileRun.Length(features) * Capacity(features), pinned: true);

    /// <summary>Number of draws of a tile.</summary>
    public int Count(int tile) => _counts[tile];

    /// <summary>Of each feature a bit for every sample of a tile that is drawn.</summary>
    public ulong* Candidates(int tile) => Pointer(_candidates) + (tile * features);

    /// <summary>The number of each draw: <see cref="TileRun.Draw"/>, the sample within the tile.</summary>
    public int* Draws(int tile) => Pointer(_draws) + (tile * _capacity);

    /// <summary>Their values; whole vectors may be read.</summary>
    public float* Values(int tile) => Pointer(_values) + (tile * _capacity);

    public void Clear(int tile) => _counts[tile] = 0;

    /// <summary>Adds a feature to a tile: all features come in order.</summary>
    /// <param name="set">Instruction set.</param>
    /// <param name="tile">Tile.</param>
    /// <param name="feature">Feature.</param>
    /// <param name="candidates">A bit for every sample that is drawn.</param>
    /// <param name="values">Their values; whole vectors are read.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(InstructionSet set, int tile, int feature, ulong candidates, float* values)
    {
        int count = _counts[tile];
        Candidates(tile)[feature] = candidates;
        _counts[tile] = count + DrawList.Append(set, candidates, TileRun.Draw(feature, 0), Draws(tile) + count, values, Values(tile) + count);
    }

    /// <summary>Begins a tile whose features come sample by sample: first all of them once with <see cref="Mark"/>, then with <see cref="Put"/>.</summary>
    public void Begin(int tile) => new Span<ulong>(Candidates(tile), features).Clear();

    /// <summary>Says that a feature is there in a sample.</summary>
    public void Mark(int tile, int sample, int feature) => Candidates(tile)[feature] |= 1UL << sample;

    /// <summary>Lists what was marked.</summary>
    public void List(int tile)
    {
        int count = 0;
        for (int f = 0; f < features; f++)
        {
            _next[f] = count;
            if (Candidates(tile)[f] != 0)
                count += DrawList.Append(InstructionSet.Portable, Candidates(tile)[f], TileRun.Draw(f, 0), Draws(tile) + count);
        }

        _counts[tile] = count;
    }

    /// <summary>The value of a feature that was marked, sample after sample.</summary>
    public void Put(int tile, int feature, float value) => Values(tile)[_next[feature]++] = value;

    private static int Capacity(int features) => (PhiloxTile.Samples * features) + DrawList.Spare;

    private static T* Pointer<T>(T[] pinned)
        where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));
}
