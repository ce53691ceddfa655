using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ToyPipeline.DataGen;

/// <summary>The draws of a feature in a tile, some of which are ties.</summary>
/// <param name="Masks">The tile's samples.</param>
/// <param name="First">Place of the first draw.</param>
internal readonly record struct TiedDraws(PresenceMasks Masks, int First);

/// <summary>Working space of a <see cref="FeatureSampler"/>: one a thread.</summary>
internal sealed unsafe class DrawBuffer
{
    /// <summary>Draws that are computed at once; those of a feature and what vectors write beyond the last one fit on top.</summary>
    public const int BatchDraws = 1024;

    private const int Capacity = BatchDraws + TileRun.MaxSamples + PhiloxTile.SpareWords;

    private readonly PresenceMasks[] _masks;
    private readonly TiedDraws[] _ties;
    private readonly int[] _setWords;
    private readonly int[] _words = GC.AllocateArray<int>(Capacity, pinned: true);
    private readonly int[] _draws = GC.AllocateArray<int>(Capacity, pinned: true);
    private readonly float[] _values = GC.AllocateArray<float>(Capacity, pinned: true);
    private readonly float[] _row = GC.AllocateArray<float>(TileRun.MaxSamples, pinned: true);

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

    /// <summary>Words of the draws, or of one feature's samples.</summary>
    public int* Words => Pointer(_words);

    /// <summary>The number of each draw: <see cref="TileRun.Draw"/>.</summary>
    public int* Draws => Pointer(_draws);

    /// <summary>The draws of features in tiles that have ties.</summary>
    public TiedDraws* Ties => Pointer(_ties);

    /// <summary>Values of the draws.</summary>
    public float* Values => Pointer(_values);

    /// <summary>Values of one feature, [samples].</summary>
    public float* Row => Pointer(_row);

    /// <summary>Appends first + j to a list for every bit j of <paramref name="mask"/>; up to <see cref="PhiloxTile.SpareWords"/> more are overwritten.</summary>
    /// <returns>How many there are.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Append(InstructionSet set, ulong mask, int first, int* list)
    {
        int count = BitOperations.PopCount(mask);
        if (set == InstructionSet.Avx512 && Avx512Vbmi2.IsSupported)
        {
            var samples = Samples(mask);
            int left = count;
            do
            {
                (Avx512F.ConvertToVector512Int32(samples.GetLower().GetLower()) + Vector512.Create(first)).Store(list);
                samples = Avx512F.AlignRight64(samples.AsUInt64(), samples.AsUInt64(), 2).AsByte();
                list += 16;
                left -= 16;
            }
            while (left > 0);
            return count;
        }

        // Four at a time: of a sparse mask mostly all, so that the loop's end is foreseen.
        do
        {
            list[0] = first + BitOperations.TrailingZeroCount(mask);
            mask &= mask - 1;
            list[1] = first + BitOperations.TrailingZeroCount(mask);
            mask &= mask - 1;
            list[2] = first + BitOperations.TrailingZeroCount(mask);
            mask &= mask - 1;
            list[3] = first + BitOperations.TrailingZeroCount(mask);
            mask &= mask - 1;
            list += 4;
        }
        while (mask != 0);
        return count;
    }

    // The numbers of the bits that are set, one after the other.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Samples(ulong mask)
    {
        var bits = Vector512.Create(0x80_40_20_10_08_04_02_01UL).AsByte();
        var bytes = Avx512BW.Shuffle(Vector512.Create(mask).AsByte(), Vector512.Create(
            0x00000000_00000000UL, 0x01010101_01010101, 0x02020202_02020202, 0x03030303_03030303,
            0x04040404_04040404, 0x05050505_05050505, 0x06060606_06060606, 0x07070707_07070707).AsByte());
        var numbers = Vector512.Create(
            0x07060504_03020100UL, 0x0F0E0D0C_0B0A0908, 0x17161514_13121110, 0x1F1E1D1C_1B1A1918,
            0x27262524_23222120, 0x2F2E2D2C_2B2A2928, 0x37363534_33323130, 0x3F3E3D3C_3B3A3938).AsByte();
        return Avx512Vbmi2.Compress(Vector512<byte>.Zero, Vector512.Equals(bytes & bits, bits), numbers);
    }

    private static T* Pointer<T>(T[] pinned)
        where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));
}
