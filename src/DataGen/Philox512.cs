using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ToyPipeline.Core.Random;

namespace ToyPipeline.DataGen;

/// <summary>What <see cref="PhiloxTile"/> computes, with AVX-512: three or four vectors of eight blocks each, whose rounds overlap.</summary>
/// <remarks>A word lives in the low half of a 64-bit lane, as in <see cref="Philox256"/>.</remarks>
internal static unsafe class Philox512
{
    // Blocks that are computed at once.
    private const int Together = 32;

    // With the groups in this order the two unpacks at the end give the samples in order.
    private static Vector512<ulong> Order
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.Create(0UL, 4, 1, 5, 2, 6, 3, 7);
    }

    /// <inheritdoc cref="PhiloxTile.Words"/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Words(ref readonly PhiloxKey key, uint stream, ulong group, int tiles, uint slot, int* words)
    {
        var (m0, m1) = (Multiplier(Philox4x32.M0), Multiplier(Philox4x32.M1));
        var start = new PhiloxStart(in key, stream, group, slot);
        var groups = Vector512.Create(group) + Order;
        // Two tiles at a time; what comes out beyond an odd last one is spare.
        for (; tiles > 0; tiles -= 2, words += 2 * PhiloxTile.Samples, groups += Vector512.Create(32UL))
        {
            var (a0, a1, a2, a3) = Start(in start, groups, m0, m1);
            var (b0, b1, b2, b3) = Start(in start, groups + Vector512.Create(8UL), m0, m1);
            var (c0, c1, c2, c3) = Start(in start, groups + Vector512.Create(16UL), m0, m1);
            var (d0, d1, d2, d3) = Start(in start, groups + Vector512.Create(24UL), m0, m1);
            for (int round = 2; round < Philox4x32.Rounds; round++)
            {
                ulong* keys = key.Round(round);
                Round(ref a0, ref a1, ref a2, ref a3, m0, m1, keys);
                Round(ref b0, ref b1, ref b2, ref b3, m0, m1, keys);
                Round(ref c0, ref c1, ref c2, ref c3, m0, m1, keys);
                Round(ref d0, ref d1, ref d2, ref d3, m0, m1, keys);
            }

            Store(a0, a1, a2, a3, words);
            Store(b0, b1, b2, b3, words + 32);
            Store(c0, c1, c2, c3, words + 64);
            Store(d0, d1, d2, d3, words + 96);
        }
    }

    /// <inheritdoc cref="PhiloxTile.Masks"/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Masks(ref readonly PhiloxKey key, uint stream, ulong group, int tiles, ReadOnlySpan<Feature> features, PresenceMasks* masks, int stride)
    {
        TilePair* pairs = stackalloc TilePair[4];
        int count = 0;
        foreach (ref readonly var feature in features)
        {
            var start = new PhiloxStart(in key, stream, group, PhiloxTile.PresenceSlot + (uint)feature.Index);
            var tile = masks + feature.Index;
            for (int t = 0; t < tiles; t += 2, tile += 2 * stride)
            {
                // Past the last tile of an odd number there is nothing to write to: that tile's own masks go over it.
                pairs[count++] = new TilePair(start, group + ((ulong)t * PhiloxTile.ByteGroups), feature.Whole, tile, t + 1 < tiles ? tile + stride : tile);
                if (count == 4)
                {
                    Masks(in key, pairs);
                    count = 0;
                }
            }
        }

        if (count == 0)
            return;
        while (count < 4)
            pairs[count++] = pairs[0];
        Masks(in key, pairs);
    }

    private static void Masks(ref readonly PhiloxKey key, TilePair* pairs)
    {
        var (m0, m1) = (Multiplier(Philox4x32.M0), Multiplier(Philox4x32.M1));
        var (a0, a1, a2, a3) = Start(in pairs[0].Start, Vector512.Create(pairs[0].Group) + Order, m0, m1);
        var (b0, b1, b2, b3) = Start(in pairs[1].Start, Vector512.Create(pairs[1].Group) + Order, m0, m1);
        var (c0, c1, c2, c3) = Start(in pairs[2].Start, Vector512.Create(pairs[2].Group) + Order, m0, m1);
        var (d0, d1, d2, d3) = Start(in pairs[3].Start, Vector512.Create(pairs[3].Group) + Order, m0, m1);
        for (int round = 2; round < Philox4x32.Rounds; round++)
        {
            ulong* keys = key.Round(round);
            Round(ref a0, ref a1, ref a2, ref a3, m0, m1, keys);
            Round(ref b0, ref b1, ref b2, ref b3, m0, m1, keys);
            Round(ref c0, ref c1, ref c2, ref c3, m0, m1, keys);
            Round(ref d0, ref d1, ref d2, ref d3, m0, m1, keys);
        }

        Compare(a0, a1, a2, a3, in pairs[0]);
        Compare(b0, b1, b2, b3, in pairs[1]);
        Compare(c0, c1, c2, c3, in pairs[2]);
        Compare(d0, d1, d2, d3, in pairs[3]);
    }

    /// <inheritdoc cref="PhiloxTile.Blocks"/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Blocks(ref readonly PhiloxKey key, uint stream, ulong group, int* draws, int count, int* words)
    {
        var (m0, m1) = (Multiplier(Philox4x32.M0), Multiplier(Philox4x32.M1));
        var first = Vector512.Create(group);
        var last = Vector512.Create((ulong)stream);
        for (int e = 0; e < count; e += Together, words += Together * PhiloxTile.BlockWords)
        {
            var (a0, a1, a2, a3) = Counter(draws + e, first, last);
            var (b0, b1, b2, b3) = Counter(draws + e + 8, first, last);
            var (c0, c1, c2, c3) = Counter(draws + e + 16, first, last);
            var (d0, d1, d2, d3) = Counter(draws + e + 24, first, last);
            for (int round = 0; round < Philox4x32.Rounds; round++)
            {
                ulong* keys = key.Round(round);
                Round(ref a0, ref a1, ref a2, ref a3, m0, m1, keys);
                Round(ref b0, ref b1, ref b2, ref b3, m0, m1, keys);
                Round(ref c0, ref c1, ref c2, ref c3, m0, m1, keys);
                Round(ref d0, ref d1, ref d2, ref d3, m0, m1, keys);
            }

            Store(a0, a1, a2, a3, words);
            Store(b0, b1, b2, b3, words + 32);
            Store(c0, c1, c2, c3, words + 64);
            Store(d0, d1, d2, d3, words + 96);
        }
    }

    private static Vector512<uint> Multiplier(uint value) => Vector512.Create((ulong)value).AsUInt32();

    // Two rounds, of which all but what depends on the group is in start.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<ulong> C0, Vector512<ulong> C1, Vector512<ulong> C2, Vector512<ulong> C3) Start(
        ref readonly PhiloxStart start, Vector512<ulong> groups, Vector512<uint> m0, Vector512<uint> m1)
    {
        var p0 = Avx512F.Multiply(groups.AsUInt32(), m0);
        var p1 = Avx512F.Multiply(((p0 >>> 32) ^ Vector512.Create(start.C2Key)).AsUInt32(), m1);
        return ((p1 >>> 32) ^ Vector512.Create(start.C1Key), p1, p0 ^ Vector512.Create(start.P0Key), Vector512.Create(start.P0));
    }

    // The counters of eight blocks, in the order that the unpacks want.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<ulong> C0, Vector512<ulong> C1, Vector512<ulong> C2, Vector512<ulong> C3) Counter(
        int* draws, Vector512<ulong> first, Vector512<ulong> last)
    {
        var draw = Avx512F.ConvertToVector512UInt64(Avx2.PermuteVar8x32(Vector256.Load((uint*)draws), Vector256.Create(0u, 4, 1, 5, 2, 6, 3, 7)));
        var group = first + ((draw & Vector512.Create((ulong)(TileRun.MaxSamples - 1))) >>> 2);
        return (group, group >>> 32, draw >>> TileRun.SlotShift, last);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(
        ref Vector512<ulong> c0, ref Vector512<ulong> c1, ref Vector512<ulong> c2, ref Vector512<ulong> c3,
        Vector512<uint> m0, Vector512<uint> m1, ulong* keys)
    {
        const byte xorAll = 0b10010110;
        var p0 = Avx512F.Multiply(c0.AsUInt32(), m0);
        var p1 = Avx512F.Multiply(c2.AsUInt32(), m1);
        c0 = Avx512F.TernaryLogic(p1 >>> 32, c1, Vector512.Create(keys[0]), xorAll);
        c2 = Avx512F.TernaryLogic(p0 >>> 32, c3, Vector512.Create(keys[PhiloxKey.Copies]), xorAll);
        c1 = p1;
        c3 = p0;
    }

    // The blocks' words one block after the other: those of the first tile, then of the second, or of the first and second half of a tile.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<uint> First, Vector512<uint> Second) Blocks(
        Vector512<ulong> c0, Vector512<ulong> c1, Vector512<ulong> c2, Vector512<ulong> c3)
    {
        var odd = Vector512.Create(0xFFFFFFFF_00000000UL);
        var low = Vector512.ConditionalSelect(odd, c1 << 32, c0);
        var high = Vector512.ConditionalSelect(odd, c3 << 32, c2);
        return (Avx512F.UnpackLow(low, high).AsUInt32(), Avx512F.UnpackHigh(low, high).AsUInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<ulong> c0, Vector512<ulong> c1, Vector512<ulong> c2, Vector512<ulong> c3, int* words)
    {
        var (first, second) = Blocks(c0, c1, c2, c3);
        (first >>> 1).AsInt32().Store(words);
        (second >>> 1).AsInt32().Store(words + 16);
    }

    // Which of the blocks' bytes are at most a number from 0 to 255, and which equal it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Compare(Vector512<ulong> c0, Vector512<ulong> c1, Vector512<ulong> c2, Vector512<ulong> c3, ref readonly TilePair pair)
    {
        var (first, second) = Blocks(c0, c1, c2, c3);
        var limit = Vector512.Create((byte)pair.Whole);
        *pair.Second = Compare(second.AsByte(), limit);
        *pair.First = Compare(first.AsByte(), limit);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static PresenceMasks Compare(Vector512<byte> bytes, Vector512<byte> limit) =>
        new(Vector512.LessThanOrEqual(bytes, limit).ExtractMostSignificantBits(), Vector512.Equals(bytes, limit).ExtractMostSignificantBits());

    /// <summary>The presence bytes of a feature in two tiles.</summary>
    /// <param name="start">The feature's first rounds.</param>
    /// <param name="group">First group of the first tile.</param>
    /// <param name="whole">What the bytes are compared with.</param>
    /// <param name="first">Receives the first tile's masks.</param>
    /// <param name="second">Receives the second one's.</param>
    private readonly struct TilePair(PhiloxStart start, ulong group, int whole, PresenceMasks* first, PresenceMasks* second)
    {
        public readonly PhiloxStart Start = start;

        public readonly ulong Group = group;

        public readonly int Whole = whole;

        public readonly PresenceMasks* First = first;

        public readonly PresenceMasks* Second = second;
    }
}
