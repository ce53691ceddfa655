using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ToyPipeline.Core.Random;

/// <summary>Four 32-bit words: a counter or an output block of <see cref="Philox4x32"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct PhiloxBlock(uint X0, uint X1, uint X2, uint X3)
{
    /// <summary>Word <paramref name="index"/> of the block, 0 to 3.</summary>
    public uint this[int index] => index switch
    {
        0 => X0,
        1 => X1,
        2 => X2,
        3 => X3,
        _ => throw new ArgumentOutOfRangeException(nameof(index), index, "A block has words 0 to 3."),
    };
}

/// <summary>
/// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011):
/// a block of four words is a pure function of a 128-bit counter and a 64-bit key.
/// </summary>
/// <remarks>This is the plain reference; the vectorised sampler is tested against it.</remarks>
public static class Philox4x32
{
    /// <summary>Number of rounds.</summary>
    public const int Rounds = 10;

    /// <summary>Multiplier of word 0.</summary>
    public const uint M0 = 0xD2511F53;

    /// <summary>Multiplier of word 2.</summary>
    public const uint M1 = 0xCD9E8D57;

    /// <summary>Weyl increment of the first key word (the golden ratio).</summary>
    public const uint W0 = 0x9E3779B9;

    /// <summary>Weyl increment of the second key word (√3 − 1).</summary>
    public const uint W1 = 0xBB67AE85;

    /// <summary>The block of <paramref name="counter"/> under the key (<paramref name="key0"/>, <paramref name="key1"/>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxBlock Block(PhiloxBlock counter, uint key0, uint key1)
    {
        var (c0, c1, c2, c3) = counter;
        for (int round = 0; round < Rounds; round++)
        {
            ulong p0 = (ulong)M0 * c0;
            ulong p1 = (ulong)M1 * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ key0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ key1, (uint)p0);
            key0 += W0;
            key1 += W1;
        }

        return new PhiloxBlock(c0, c1, c2, c3);
    }

    /// <summary>The block of <paramref name="counter"/> under a 64-bit key: low word first.</summary>
    public static PhiloxBlock Block(PhiloxBlock counter, ulong key) => Block(counter, (uint)key, (uint)(key >> 32));
}
