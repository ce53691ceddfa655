using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ToyPipeline.Core.Random;

namespace ToyPipeline.DataGen;

/// <summary>What <see cref="PhiloxTile"/> computes, with AVX2: three vectors of four blocks each, whose rounds overlap.</summary>
/// <remarks>A word lives in the low half of a 64-bit lane: vpmuludq reads only that half, so the high halves may hold anything.</remarks>
internal static unsafe class Philox256
{
    // Blocks that are computed at once.
    private const int Together = 12;

    /// <inheritdoc cref="PhiloxTile.Words"/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Words(ref readonly PhiloxKey key, uint stream, ulong group, int tiles, uint slot, int* words)
    {
        // With the groups in this order the two unpacks at the end give the samples in order.
        var order = Vector256.Create(0UL, 2, 1, 3);
        var (m0, m1) = (Multiplier(Philox4x32.M0), Multiplier(Philox4x32.M1));
        var start = new PhiloxStart(in key, stream, group, slot);
        var groups = Vector256.Create(group) + order;
        for (int left = tiles * PhiloxTile.WordGroups; left > 0; left -= 12, words += 48, groups += Vector256.Create(12UL))
        {
            var (a0, a1, a2, a3) = Start(in start, groups, m0, m1);
            var (b0, b1, b2, b3) = Start(in start, groups + Vector256.Create(4UL), m0, m1);
            var (c0, c1, c2, c3) = Start(in start, groups + Vector256.Create(8UL), m0, m1);
            LastEightRounds(ref a0, ref a1, ref a2, ref a3, ref b0, ref b1, ref b2, ref b3, ref c0, ref c1, ref c2, ref c3, m0, m1, in key);
            Store(a0, a1, a2, a3, words);
            Store(b0, b1, b2, b3, words + 16);
            Store(c0, c1, c2, c3, words + 32);
        }
    }

    /// <inheritdoc cref="PhiloxTile.Masks"/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Masks(ref readonly PhiloxKey key, uint stream, ulong group, int tiles, ReadOnlySpan<Feature> features, PresenceMasks* masks, int stride)
    {
        var (m0, m1) = (Multiplier(Philox4x32.M0), Multiplier(Philox4x32.M1));
        int last = features.Length - 1;
        for (int f = 0; f <= last; f += 3)
        {
            ref readonly var a = ref features[f];
            ref readonly var b = ref features[Math.Min(f + 1, last)];
            ref readonly var c = ref features[Math.Min(f + 2, last)];
            var startA = new PhiloxStart(in key, stream, group, PhiloxTile.PresenceSlot + (uint)a.Index);
            var startB = new PhiloxStart(in key, stream, group, PhiloxTile.PresenceSlot + (uint)b.Index);
            var startC = new PhiloxStart(in key, stream, group, PhiloxTile.PresenceSlot + (uint)c.Index);
            var groups = Vector256.Create(group) + Vector256.Create(0UL, 2, 1, 3);
            var tile = masks;
            for (int t = 0; t < tiles; t++, tile += stride, groups += Vector256.Create((ulong)PhiloxTile.ByteGroups))
            {
                var (a0, a1, a2, a3) = Start(in startA, groups, m0, m1);
                var (b0, b1, b2, b3) = Start(in startB, groups, m0, m1);
                var (c0, c1, c2, c3) = Start(in startC, groups, m0, m1);
                LastEightRounds(ref a0, ref a1, ref a2, ref a3, ref b0, ref b1, ref b2, ref b3, ref c0, ref c1, ref c2, ref c3, m0, m1, in key);
                tile[a.Index] = Compare(a0, a1, a2, a3, a.Whole);
                tile[b.Index] = Compare(b0, b1, b2, b3, b.Whole);
                tile[c.Index] = Compare(c0, c1, c2, c3, c.Whole);
            }
        }
    }

    /// <inheritdoc cref="PhiloxTile.Blocks"/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Blocks(ref readonly PhiloxKey key, uint stream, ulong group, int* draws, int count, int* words)
    {
        var (m0, m1) = (Multiplier(Philox4x32.M0), Multiplier(Philox4x32.M1));
        var first = Vector256.Create(group);
        var last = Vector256.Create((ulong)stream);
        for (int e = 0; e < count; e += Together, words += Together * PhiloxTile.BlockWords)
        {
            var (a0, a1, a2, a3) = Counter(draws + e, first, last);
            var (b0, b1, b2, b3) = Counter(draws + e + 4, first, last);
            var (c0, c1, c2, c3) = Counter(draws + e + 8, first, last);
            for (int round = 0; round < 2; round++)
            {
                Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(round));
                Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(round));
                Round(ref c0, ref c1, ref c2, ref c3, m0, m1, key.Round(round));
            }

            LastEightRounds(ref a0, ref a1, ref a2, ref a3, ref b0, ref b1, ref b2, ref b3, ref c0, ref c1, ref c2, ref c3, m0, m1, in key);
            Store(a0, a1, a2, a3, words);
            Store(b0, b1, b2, b3, words + 16);
            Store(c0, c1, c2, c3, words + 32);
        }
    }

    private static Vector256<uint> Multiplier(uint value) => Vector256.Create((ulong)value).AsUInt32();

    // Two rounds, of which all but what depends on the group is in start.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<ulong> C0, Vector256<ulong> C1, Vector256<ulong> C2, Vector256<ulong> C3) Start(
        ref readonly PhiloxStart start, Vector256<ulong> groups, Vector256<uint> m0, Vector256<uint> m1)
    {
        var p0 = Avx2.Multiply(groups.AsUInt32(), m0);
        var p1 = Avx2.Multiply(((p0 >>> 32) ^ Vector256.Create(start.C2Key)).AsUInt32(), m1);
        return ((p1 >>> 32) ^ Vector256.Create(start.C1Key), p1, p0 ^ Vector256.Create(start.P0Key), Vector256.Create(start.P0));
    }

    // The counters of four blocks, in the order that the unpacks want.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<ulong> C0, Vector256<ulong> C1, Vector256<ulong> C2, Vector256<ulong> C3) Counter(
        int* draws, Vector256<ulong> first, Vector256<ulong> last)
    {
        var draw = Avx2.Permute4x64(Avx2.ConvertToVector256Int64(draws), 0b11_01_10_00).AsUInt64();
        var group = first + ((draw & Vector256.Create((ulong)(TileRun.MaxSamples - 1))) >>> 2);
        return (group, group >>> 32, draw >>> TileRun.SlotShift, last);
    }

    // Written out, so that the words change their registers' names and never move.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LastEightRounds(
        ref Vector256<ulong> a0, ref Vector256<ulong> a1, ref Vector256<ulong> a2, ref Vector256<ulong> a3,
        ref Vector256<ulong> b0, ref Vector256<ulong> b1, ref Vector256<ulong> b2, ref Vector256<ulong> b3,
        ref Vector256<ulong> c0, ref Vector256<ulong> c1, ref Vector256<ulong> c2, ref Vector256<ulong> c3,
        Vector256<uint> m0, Vector256<uint> m1, ref readonly PhiloxKey key)
    {
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(2));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(2));
        Round(ref c0, ref c1, ref c2, ref c3, m0, m1, key.Round(2));
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(3));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(3));
        Round(ref c0, ref c1, ref c2, ref c3, m0, m1, key.Round(3));
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(4));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(4));
        Round(ref c0, ref c1, ref c2, ref c3, m0, m1, key.Round(4));
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(5));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(5));
        Round(ref c0, ref c1, ref c2, ref c3, m0, m1, key.Round(5));
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(6));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(6));
        Round(ref c0, ref c1, ref c2, ref c3, m0, m1, key.Round(6));
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(7));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(7));
        Round(ref c0, ref c1, ref c2, ref c3, m0, m1, key.Round(7));
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(8));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(8));
        Round(ref c0, ref c1, ref c2, ref c3, m0, m1, key.Round(8));
        Round(ref a0, ref a1, ref a2, ref a3, m0, m1, key.Round(9));
        Round(ref b0, ref b1, ref b2, ref b3, m0, m1, key.Round(9));
        Round(ref c0, ref c1, ref c2, ref c3, m0, m1, key.Round(9));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(
        ref Vector256<ulong> c0, ref Vector256<ulong> c1, ref Vector256<ulong> c2, ref Vector256<ulong> c3,
        Vector256<uint> m0, Vector256<uint> m1, ulong* keys)
    {
        var p0 = Avx2.Multiply(c0.AsUInt32(), m0);
        var p1 = Avx2.Multiply(c2.AsUInt32(), m1);
        c0 = (p1 >>> 32) ^ (c1 ^ Vector256.Load(keys));
        c2 = (p0 >>> 32) ^ (c3 ^ Vector256.Load(keys + PhiloxKey.Copies));
        c1 = p1;
        c3 = p0;
    }

    // The blocks' words one block after the other: of groups 0 and 1, then of groups 2 and 3.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<uint> First, Vector256<uint> Second) Blocks(
        Vector256<ulong> c0, Vector256<ulong> c1, Vector256<ulong> c2, Vector256<ulong> c3)
    {
        var low = Avx2.Blend(c0.AsUInt32(), (c1 << 32).AsUInt32(), 0b10101010).AsUInt64();
        var high = Avx2.Blend(c2.AsUInt32(), (c3 << 32).AsUInt32(), 0b10101010).AsUInt64();
        return (Avx2.UnpackLow(low, high).AsUInt32(), Avx2.UnpackHigh(low, high).AsUInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<ulong> c0, Vector256<ulong> c1, Vector256<ulong> c2, Vector256<ulong> c3, int* words)
    {
        var (first, second) = Blocks(c0, c1, c2, c3);
        (first >>> 1).AsInt32().Store(words);
        (second >>> 1).AsInt32().Store(words + 8);
    }

    // Which of the blocks' bytes are below a number from 0 to 255, and which equal it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static PresenceMasks Compare(Vector256<ulong> c0, Vector256<ulong> c1, Vector256<ulong> c2, Vector256<ulong> c3, int whole)
    {
        var (first, second) = Blocks(c0, c1, c2, c3);
        var limit = Vector256.Create((byte)whole);
        ulong maybe = Avx2.CompareEqual(Avx2.Min(first.AsByte(), limit), first.AsByte()).ExtractMostSignificantBits()
            | ((ulong)Avx2.CompareEqual(Avx2.Min(second.AsByte(), limit), second.AsByte()).ExtractMostSignificantBits() << 32);
        ulong ties = Avx2.CompareEqual(first.AsByte(), limit).ExtractMostSignificantBits()
            | ((ulong)Avx2.CompareEqual(second.AsByte(), limit).ExtractMostSignificantBits() << 32);
        return new PresenceMasks(maybe, ties);
    }
}
