using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ToyPipeline.DataGen;

/// <summary>Puts values that stand one after the other in their places among zeros.</summary>
internal static unsafe class Expansion
{
    /// <summary>Floats that may be written beyond the last one.</summary>
    public const int SpareSamples = 16;

    // For each 8-bit mask and bit the number of bits below it: what vpermps needs to move values apart, [256, 8].
    private static readonly int* s_ranks = Ranks();

    /// <summary>Writes the next value where a bit is set, else 0.</summary>
    /// <param name="set">Instruction set.</param>
    /// <param name="mask">A bit for every place.</param>
    /// <param name="count">Places, at most 64; up to <see cref="SpareSamples"/> more are written.</param>
    /// <param name="values">Values; whole vectors are read.</param>
    /// <param name="to">Receives the places.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(InstructionSet set, ulong mask, int count, float* values, float* to)
    {
        if (set == InstructionSet.Avx512)
        {
            var bits = Vector512.Create(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
            for (int j = 0; j < count; j += 16, mask >>= 16)
            {
                var present = Vector512.Equals(Vector512.Create((int)mask) & bits, bits).AsSingle();
                Avx512F.Expand(Vector512<float>.Zero, present, Vector512.Load(values)).Store(to + j);
                values += BitOperations.PopCount((uint)mask & 0xFFFF);
            }
        }
        else if (set == InstructionSet.Avx2)
        {
            var bits = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128);
            for (int j = 0; j < count; j += 8, mask >>= 8)
            {
                var present = Vector256.Equals(Vector256.Create((int)mask) & bits, bits).AsSingle();
                (Avx2.PermuteVar8x32(Vector256.Load(values), Vector256.Load(s_ranks + (8 * (byte)mask))) & present).Store(to + j);
                values += BitOperations.PopCount((uint)(byte)mask);
            }
        }
        else
        {
            for (int j = 0; j < count; j++, mask >>= 1)
                to[j] = (mask & 1) != 0 ? *values++ : 0;
        }
    }

    /// <summary>The inverse of <see cref="Write"/>: the values at the places where a bit is set, one after the other.</summary>
    /// <param name="set">Instruction set.</param>
    /// <param name="mask">A bit for each of 64 places.</param>
    /// <param name="places">Values, 64.</param>
    /// <param name="to">Receives those that are wanted; up to <see cref="SpareSamples"/> more are written.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(InstructionSet set, ulong mask, float* places, float* to)
    {
        if (set == InstructionSet.Avx512)
        {
            var bits = Vector512.Create(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
            for (int j = 0; j < 64; j += 16, mask >>= 16)
            {
                var wanted = Vector512.Equals(Vector512.Create((int)mask) & bits, bits).AsSingle();
                Avx512F.Compress(Vector512<float>.Zero, wanted, Vector512.Load(places + j)).Store(to);
                to += BitOperations.PopCount((uint)mask & 0xFFFF);
            }

            return;
        }

        // Four at a time, as in DrawList.
        for (; mask != 0; to += 4)
        {
            for (int e = 0; e < 4; e++, mask &= mask - 1)
                to[e] = places[BitOperations.TrailingZeroCount(mask | 1UL << 63)];
        }
    }

    /// <summary>The bits of <paramref name="mask"/> at the places of those of <paramref name="places"/>, side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Extract(InstructionSet set, ulong mask, ulong places)
    {
        if (set != InstructionSet.Portable)
            return Bmi2.X64.ParallelBitExtract(mask, places);
        ulong bits = 0;
        for (int j = 0; places != 0; j++, places &= places - 1)
            bits |= (mask >> BitOperations.TrailingZeroCount(places) & 1) << j;
        return bits;
    }

    private static int* Ranks()
    {
        int* table = (int*)NativeMemory.AlignedAlloc(256 * 8 * sizeof(int), 64);
        for (uint mask = 0; mask < 256; mask++)
        {
            for (int bit = 0; bit < 8; bit++)
                table[(8 * mask) + bit] = BitOperations.PopCount(mask & ((1u << bit) - 1));
        }

        return table;
    }
}
