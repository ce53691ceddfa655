using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ToyPipeline.DataGen;

/// <summary>Working space of a <see cref="FeatureSampler"/>: one a thread.</summary>
internal sealed unsafe class DrawBuffer
{
    /// <summary>Draws that are computed at once; a feature's 64 and what vectors write beyond the last one fit on top.</summary>
    public const int BatchDraws = 1024;

    private const int Capacity = BatchDraws + FeatureSampler.TileSamples + 8;

    private readonly PresenceMasks[] _masks;
    private readonly int[] _setWords;
    private readonly int[] _words = GC.AllocateArray<int>(Capacity, pinned: true);
    private readonly int[] _draws = GC.AllocateArray<int>(Capacity, pinned: true);
    private readonly int[] _ties = GC.AllocateArray<int>(Capacity, pinned: true);
    private readonly float[] _values = GC.AllocateArray<float>(Capacity, pinned: true);

    private readonly float[] _row = GC.AllocateArray<float>(FeatureSampler.TileSamples, pinned: true);

    /// <summary>A buffer for distributions of so many features and at most so many sets.</summary>
    public DrawBuffer(int features, int sets)
    {
        _masks = GC.AllocateArray<PresenceMasks>(features, pinned: true);
        _setWords = GC.AllocateArray<int>(Math.Max(1, sets) * FeatureSampler.TileSamples, pinned: true);
    }

    /// <summary>Where each feature may be present, [features].</summary>
    public PresenceMasks* Masks => Pointer(_masks);

    /// <summary>Words of the sets, [sets, 64].</summary>
    public int* SetWords => Pointer(_setWords);

    /// <summary>Words of the draws, or of one feature's samples.</summary>
    public int* Words => Pointer(_words);

    /// <summary>64 · feature + sample of each draw.</summary>
    public int* Draws => Pointer(_draws);

    /// <summary>Which draws are ties.</summary>
    public int* Ties => Pointer(_ties);

    /// <summary>Values of the draws.</summary>
    public float* Values => Pointer(_values);

    /// <summary>Values of one feature, [64].</summary>
    public float* Row => Pointer(_row);

    /// <summary>Appends first + j to a list for every bit j of <paramref name="mask"/>; up to four more are overwritten.</summary>
    /// <returns>How many there are.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Append(ulong mask, int first, int* list)
    {
        int count = BitOperations.PopCount(mask);
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

    private static T* Pointer<T>(T[] pinned)
        where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));
}
