using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ToyPipeline.DataGen;

/// <summary>Lists of the samples in which something is there.</summary>
internal static unsafe class DrawList
{
    /// <summary>Entries that may be written beyond the last one.</summary>
    public const int Spare = 16;

    /// <summary>Appends first + j to a list for every bit j of <paramref name="mask"/>.</summary>
    /// <returns>How many there are.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Append(InstructionSet set, ulong mask, int first, int* list) => Append(set, mask, first, list, null, null);

    /// <summary>The same, with a value for each.</summary>
    /// <param name="set">Instruction set.</param>
    /// <param name="mask">Bits.</param>
    /// <param name="first">Number of bit 0.</param>
    /// <param name="list">Receives the numbers; up to <see cref="Spare"/> more are written.</param>
    /// <param name="values">One value for every bit; whole vectors are read.</param>
    /// <param name="listed">Receives the values; up to <see cref="Spare"/> more are written.</param>
    /// <returns>How many there are.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Append(InstructionSet set, ulong mask, int first, int* list, float* values, float* listed)
    {
        int count = BitOperations.PopCount(mask);
        if (set == InstructionSet.Avx512 && Avx512Vbmi2.IsSupported)
        {
            var samples = Samples(mask);
            for (int e = 0; ; e += 16)
            {
                (Avx512F.ConvertToVector512Int32(samples.GetLower().GetLower()) + Vector512.Create(first)).Store(list + e);
                if (values != null)
                    Vector512.Load(values + e).Store(listed + e);
                if (e + 16 >= count)
                    return count;
                samples = Avx512F.AlignRight64(samples.AsUInt64(), samples.AsUInt64(), 2).AsByte();
            }
        }

        // Four at a time: of a sparse mask mostly all, so that the loop's end is foreseen.
        for (int e = 0; ; e += 4)
        {
            list[e] = first + BitOperations.TrailingZeroCount(mask);
            mask &= mask - 1;
            list[e + 1] = first + BitOperations.TrailingZeroCount(mask);
            mask &= mask - 1;
            list[e + 2] = first + BitOperations.TrailingZeroCount(mask);
            mask &= mask - 1;
            list[e + 3] = first + BitOperations.TrailingZeroCount(mask);
            mask &= mask - 1;
            if (values != null)
                Vector128.Load(values + e).Store(listed + e);
            if (e + 4 >= count)
                return count;
        }
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
}
