using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ToyPipeline.DataGen;

/// <summary>The candidates of a feature in a tile, some of which are ties.</summary>
/// <param name="Masks">The tile's samples.</param>
/// <param name="Feature">Feature.</param>
/// <param name="First">Place of the first one's word.</param>
internal readonly record struct TiedDraws(PresenceMasks Masks, int Feature, int First);

/// <summary>Working space of a <see cref="FeatureSampler"/>: one a thread.</summary>
internal sealed unsafe class DrawBuffer
{
    /// <summary>Blocks that are computed at once; those of a feature and what vectors write beyond the last one fit on top.</summary>
    public const int BatchBlocks = 256;

    /// <summary>Draws that are listed before they are handed on; those of a tile and what vectors write beyond the last one fit on top.</summary>
    public const int ListedDraws = 1024;

    private const int BlockCapacity = BatchBlocks + (TileRun.MaxSamples / PhiloxTile.BlockWords) + PhiloxTile.SpareBlocks;
    private const int ListCapacity = ListedDraws + (2 * PhiloxTile.Samples);

    private readonly PresenceMasks[] _masks;
    private readonly TiedDraws[] _ties;
    private readonly int[] _setWords;
    private readonly int[] _blocks = GC.AllocateArray<int>(BlockCapacity, pinned: true);
    private readonly int[] _words = GC.AllocateArray<int>(PhiloxTile.BlockWords * BlockCapacity, pinned: true);
    private readonly float[] _values = GC.AllocateArray<float>(PhiloxTile.BlockWords * BlockCapacity, pinned: true);
    private readonly int[] _draws = GC.AllocateArray<int>(ListCapacity, pinned: true);
    private readonly float[] _drawnValues = GC.AllocateArray<float>(ListCapacity, pinned: true);

    /// <summary>A buffer for distributions of so many features and at most so many sets.</summary>
    public DrawBuffer(int features, int sets)
    {
        MaxTiles = TileRun.Length(features);
        _masks = GC.AllocateArray<PresenceMasks>(features * MaxTiles, pinned: true);
        _ties = GC.AllocateArray<TiedDraws>((features * MaxTiles) + 1, pinned: true);
        _setWords = GC.AllocateArray<int>((sets * MaxTiles * FeatureSampler.TileSamples) + PhiloxTile.SpareWords, pinned: true);
    }

    /// <summary>Tiles of the longest run that there is room for.</summary>
    public int MaxTiles { get; }

    /// <summary>Where each feature may be present, [tiles, features].</summary>
    public PresenceMasks* Masks => Pointer(_masks);

    /// <summary>Words of the sets, [sets, samples].</summary>
    public int* SetWords => Pointer(_setWords);

    /// <summary>The number of the first sample of each block: <see cref="TileRun.Draw"/>.</summary>
    public int* Blocks => Pointer(_blocks);

    /// <summary>Words of the blocks, or of one feature's samples.</summary>
    public int* Words => Pointer(_words);

    /// <summary>The values of the words.</summary>
    public float* Values => Pointer(_values);

    /// <summary>The candidates of features in tiles that have ties.</summary>
    public TiedDraws* Ties => Pointer(_ties);

    /// <summary>The number of each draw that is listed: <see cref="TileRun.Draw"/>.</summary>
    public int* Draws => Pointer(_draws);

    /// <summary>Their values.</summary>
    public float* DrawnValues => Pointer(_drawnValues);

    private static T* Pointer<T>(T[] pinned)
        where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));
}
