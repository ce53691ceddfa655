using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ToyPipeline.Core.Random;

namespace ToyPipeline.DataGen;

/// <summary>What <see cref="PhiloxTile"/> computes, sixteen blocks at a time with AVX-512. A word lives in the low half of a 64-bit lane, as in <see cref="Philox256"/>.</summary>
internal static unsafe class Philox512
{
    /// <inheritdoc cref="Philox256.Words"/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Words(ref readonly PhiloxKey key, uint stream, ulong group, uint slot, int* words)
    {
        var order = Vector512.Create(0UL, 4, 1, 5, 2, 6, 3, 7);
        var m0 = Vector512.Create((ulong)Philox4x32.M0).AsUInt32();
        var m1 = Vector512.Create((ulong)Philox4x32.M1).AsUInt32();
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
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(2));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(2));
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(3));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(3));
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(4));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(4));
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(5));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(5));
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(6));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(6));
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(7));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(7));
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(8));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(8));
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(9));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(9));
        Store(a0, a1, a2, a3, words);
        Store(b0, b1, b2, b3, words + 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(
        ref Vector512<ulong> c0, ref Vector512<ulong> c1, ref Vector512<ulong> c2, ref Vector512<ulong> c3,
        Vector512<uint> m0, Vector512<uint> m1, ulong* keys)
    {
        var p0 = Avx512F.Multiply(c0.AsUInt32(), m0);
        var p1 = Avx512F.Multiply(c2.AsUInt32(), m1);
        c0 = (p1 >>> 32) ^ (c1 ^ Vector512.Create(keys[0]));
        c2 = (p0 >>> 32) ^ (c3 ^ Vector512.Create(keys[PhiloxKey.Copies]));
        c1 = p1;
        c3 = p0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<ulong> c0, Vector512<ulong> c1, Vector512<ulong> c2, Vector512<ulong> c3, int* words)
    {
        var odd = Vector512.Create(0xFFFFFFFF_00000000UL);
        var low = Vector512.ConditionalSelect(odd, c1 << 32, c0);
        var high = Vector512.ConditionalSelect(odd, c3 << 32, c2);
        (Avx512F.UnpackLow(low, high).AsUInt32() >>> 1).AsInt32().Store(words);
        (Avx512F.UnpackHigh(low, high).AsUInt32() >>> 1).AsInt32().Store(words + 16);
    }
}
