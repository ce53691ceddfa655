using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ToyPipeline.Core.Random;

namespace ToyPipeline.DataGen;

/// <summary>
/// The random words of one slot for a tile of 64 consecutive samples: 16 Philox blocks at counters
/// (group mod 2³², group div 2³², slot, stream), one word a sample, shifted to 31 bits so that they compare and convert as signed integers.
/// </summary>
/// <remarks>Equal to <see cref="RandomNumbers.Word"/> shifted right by one, whatever the instruction set.</remarks>
internal static class PhiloxTile
{
    /// <summary>Samples in a tile.</summary>
    public const int Samples = 64;

    private const int Groups = Samples / 4;

    /// <summary>Writes the 31-bit words of samples 64·tile to 64·tile + 63.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Words(InstructionSet set, ref readonly PhiloxKey key, RandomStream stream, long tile, uint slot, ref int words)
    {
        if (set == InstructionSet.Avx512)
            Words512(in key, (uint)stream, (ulong)tile * Groups, slot, ref words);
        else if (set == InstructionSet.Avx2)
            Words256(in key, (uint)stream, (ulong)tile * Groups, slot, ref words);
        else
            WordsPlain(in key, (uint)stream, (ulong)tile * Groups, slot, ref words);
    }

    private static void WordsPlain(ref readonly PhiloxKey key, uint stream, ulong group, uint slot, ref int words)
    {
        for (int g = 0; g < Groups; g++, group++)
        {
            var block = Philox4x32.Block(new PhiloxBlock((uint)group, (uint)(group >> 32), slot, stream), key.Seed);
            Unsafe.Add(ref words, (4 * g) + 0) = (int)(block.X0 >> 1);
            Unsafe.Add(ref words, (4 * g) + 1) = (int)(block.X1 >> 1);
            Unsafe.Add(ref words, (4 * g) + 2) = (int)(block.X2 >> 1);
            Unsafe.Add(ref words, (4 * g) + 3) = (int)(block.X3 >> 1);
        }
    }

    // A word lives in the low half of a 64-bit lane: vpmuludq reads only that half, so the high halves may hold anything.
    // The order of the groups in the lanes makes the two unpacks at the end give the samples in order.
    private static void Words256(ref readonly PhiloxKey key, uint stream, ulong group, uint slot, ref int words)
    {
        var order = Vector256.Create(0UL, 2, 1, 3);
        var m0 = Vector256.Create((ulong)Philox4x32.M0).AsUInt32();
        var m1 = Vector256.Create((ulong)Philox4x32.M1).AsUInt32();
        ref ulong keys = ref MemoryMarshal.GetArrayDataReference(key.Rounds);
        var start = new PhiloxStart(in key, stream, group, slot);
        for (int g = 0; g < Groups; g += 8)
        {
            var first = Vector256.Create(group + (ulong)g) + order;
            var ap = Avx2.Multiply(first.AsUInt32(), m0);
            var bp = Avx2.Multiply((first + Vector256.Create(4UL)).AsUInt32(), m0);
            // What the first round leaves in c2, then the second round.
            var a1 = Avx2.Multiply(((ap >>> 32) ^ Vector256.Create(start.C2Key)).AsUInt32(), m1);
            var b1 = Avx2.Multiply(((bp >>> 32) ^ Vector256.Create(start.C2Key)).AsUInt32(), m1);
            var a0 = (a1 >>> 32) ^ Vector256.Create(start.C1Key);
            var b0 = (b1 >>> 32) ^ Vector256.Create(start.C1Key);
            var a2 = ap ^ Vector256.Create(start.P0Key);
            var b2 = bp ^ Vector256.Create(start.P0Key);
            var a3 = Vector256.Create(start.P0);
            var b3 = a3;
            // Written out, so that the words change their registers' names and never move.
            Round256(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 4));
            Round256(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 4));
            Round256(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 6));
            Round256(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 6));
            Round256(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 8));
            Round256(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 8));
            Round256(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 10));
            Round256(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 10));
            Round256(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 12));
            Round256(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 12));
            Round256(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 14));
            Round256(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 14));
            Round256(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 16));
            Round256(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 16));
            Round256(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 18));
            Round256(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 18));
            Store256(a0, a1, a2, a3, ref Unsafe.Add(ref words, 4 * g));
            Store256(b0, b1, b2, b3, ref Unsafe.Add(ref words, (4 * g) + 16));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round256(
        ref Vector256<ulong> c0, ref Vector256<ulong> c1, ref Vector256<ulong> c2, ref Vector256<ulong> c3,
        Vector256<uint> m0, Vector256<uint> m1, ref ulong keys)
    {
        var p0 = Avx2.Multiply(c0.AsUInt32(), m0);
        var p1 = Avx2.Multiply(c2.AsUInt32(), m1);
        c0 = (p1 >>> 32) ^ (c1 ^ Vector256.Create(keys));
        c2 = (p0 >>> 32) ^ (c3 ^ Vector256.Create(Unsafe.Add(ref keys, 1)));
        c1 = p1;
        c3 = p0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store256(Vector256<ulong> c0, Vector256<ulong> c1, Vector256<ulong> c2, Vector256<ulong> c3, ref int words)
    {
        var low = Avx2.Blend(c0.AsUInt32(), (c1 << 32).AsUInt32(), 0b10101010).AsUInt64();
        var high = Avx2.Blend(c2.AsUInt32(), (c3 << 32).AsUInt32(), 0b10101010).AsUInt64();
        (Avx2.UnpackLow(low, high).AsUInt32() >>> 1).AsInt32().StoreUnsafe(ref words);
        (Avx2.UnpackHigh(low, high).AsUInt32() >>> 1).AsInt32().StoreUnsafe(ref words, 8);
    }

    private static void Words512(ref readonly PhiloxKey key, uint stream, ulong group, uint slot, ref int words)
    {
        var order = Vector512.Create(0UL, 4, 1, 5, 2, 6, 3, 7);
        var m0 = Vector512.Create((ulong)Philox4x32.M0).AsUInt32();
        var m1 = Vector512.Create((ulong)Philox4x32.M1).AsUInt32();
        ref ulong keys = ref MemoryMarshal.GetArrayDataReference(key.Rounds);
        var start = new PhiloxStart(in key, stream, group, slot);
        var first = Vector512.Create(group) + order;
        var ap = Avx512F.Multiply(first.AsUInt32(), m0);
        var bp = Avx512F.Multiply((first + Vector512.Create(8UL)).AsUInt32(), m0);
        var a1 = Avx512F.Multiply(((ap >>> 32) ^ Vector512.Create(start.C2Key)).AsUInt32(), m1);
        var b1 = Avx512F.Multiply(((bp >>> 32) ^ Vector512.Create(start.C2Key)).AsUInt32(), m1);
        var a0 = (a1 >>> 32) ^ Vector512.Create(start.C1Key);
        var b0 = (b1 >>> 32) ^ Vector512.Create(start.C1Key);
        var a2 = ap ^ Vector512.Create(start.P0Key);
        var b2 = bp ^ Vector512.Create(start.P0Key);
        var a3 = Vector512.Create(start.P0);
        var b3 = a3;
        Round512(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 4));
        Round512(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 4));
        Round512(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 6));
        Round512(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 6));
        Round512(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 8));
        Round512(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 8));
        Round512(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 10));
        Round512(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 10));
        Round512(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 12));
        Round512(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 12));
        Round512(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 14));
        Round512(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 14));
        Round512(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 16));
        Round512(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 16));
        Round512(ref a0, ref a1, ref a2, ref a3, m0, m1, ref Unsafe.Add(ref keys, 18));
        Round512(ref b0, ref b1, ref b2, ref b3, m0, m1, ref Unsafe.Add(ref keys, 18));
        Store512(a0, a1, a2, a3, ref words);
        Store512(b0, b1, b2, b3, ref Unsafe.Add(ref words, 32));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round512(
        ref Vector512<ulong> c0, ref Vector512<ulong> c1, ref Vector512<ulong> c2, ref Vector512<ulong> c3,
        Vector512<uint> m0, Vector512<uint> m1, ref ulong keys)
    {
        var p0 = Avx512F.Multiply(c0.AsUInt32(), m0);
        var p1 = Avx512F.Multiply(c2.AsUInt32(), m1);
        c0 = (p1 >>> 32) ^ (c1 ^ Vector512.Create(keys));
        c2 = (p0 >>> 32) ^ (c3 ^ Vector512.Create(Unsafe.Add(ref keys, 1)));
        c1 = p1;
        c3 = p0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store512(Vector512<ulong> c0, Vector512<ulong> c1, Vector512<ulong> c2, Vector512<ulong> c3, ref int words)
    {
        var odd = Vector512.Create(0xFFFFFFFF_00000000UL);
        var low = Vector512.ConditionalSelect(odd, c1 << 32, c0);
        var high = Vector512.ConditionalSelect(odd, c3 << 32, c2);
        (Avx512F.UnpackLow(low, high).AsUInt32() >>> 1).AsInt32().StoreUnsafe(ref words);
        (Avx512F.UnpackHigh(low, high).AsUInt32() >>> 1).AsInt32().StoreUnsafe(ref words, 16);
    }
}

/// <summary>
/// The part of the first two rounds that is the same for all groups of a tile: only c0, the group's low word, differs between them.
/// Round 1 gives c0 = hi(M1·slot) ⊕ c1 ⊕ k0, c1 = lo(M1·slot), c2 = hi(M0·group) ⊕ stream ⊕ k1, c3 = lo(M0·group);
/// round 2 gives c0 = hi(M1·c2) ⊕ c1 ⊕ k0', c1 = lo(M1·c2), c2 = hi(M0·c0) ⊕ c3 ⊕ k1', c3 = lo(M0·c0).
/// </summary>
internal readonly struct PhiloxStart
{
    public PhiloxStart(ref readonly PhiloxKey key, uint stream, ulong group, uint slot)
    {
        ulong p1 = (ulong)Philox4x32.M1 * slot;
        uint c0 = (uint)(p1 >> 32) ^ (uint)(group >> 32) ^ (uint)key.Rounds[0];
        P0 = (ulong)Philox4x32.M0 * c0;
        C2Key = stream ^ key.Rounds[1];
        C1Key = (uint)p1 ^ key.Rounds[2];
        P0Key = (P0 >> 32) ^ key.Rounds[3];
    }

    /// <summary>stream ⊕ k1: with hi(M0·group) it makes c2 after round 1.</summary>
    public ulong C2Key { get; }

    /// <summary>lo(M1·slot) ⊕ k0': with hi(M1·c2) it makes c0 after round 2.</summary>
    public ulong C1Key { get; }

    /// <summary>hi(M0·c0) ⊕ k1': with lo(M0·group) it makes c2 after round 2.</summary>
    public ulong P0Key { get; }

    /// <summary>M0·c0, whose low word is c3 after round 2.</summary>
    public ulong P0 { get; }
}

/// <summary>A seed with the key words of all ten rounds.</summary>
internal readonly struct PhiloxKey
{
    public PhiloxKey(ulong seed)
    {
        Seed = seed;
        Rounds = new ulong[2 * Philox4x32.Rounds];
        for (uint round = 0; round < Philox4x32.Rounds; round++)
        {
            Rounds[2 * round] = unchecked((uint)seed + (round * Philox4x32.W0));
            Rounds[(2 * round) + 1] = unchecked((uint)(seed >> 32) + (round * Philox4x32.W1));
        }
    }

    /// <summary>The key as one number.</summary>
    public ulong Seed { get; }

    /// <summary>Key words of the rounds, two a round; only the low 32 bits count.</summary>
    public ulong[] Rounds { get; }
}
