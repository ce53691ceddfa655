using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ToyPipeline.Core.Random;

namespace ToyPipeline.DataGen;

/// <summary>A seed with the key words of all ten rounds.</summary>
internal readonly unsafe struct PhiloxKey
{
    /// <summary>Times that each key word is there one after the other, so that a vector of them is a load.</summary>
    public const int Copies = 4;

    private readonly ulong[] _rounds; // pinned

    public PhiloxKey(ulong seed)
    {
        Seed = seed;
        _rounds = GC.AllocateArray<ulong>(2 * Philox4x32.Rounds * Copies, pinned: true);
        for (int round = 0; round < Philox4x32.Rounds; round++)
        {
            _rounds.AsSpan(2 * round * Copies, Copies).Fill(unchecked((uint)seed + ((uint)round * Philox4x32.W0)));
            _rounds.AsSpan(((2 * round) + 1) * Copies, Copies).Fill(unchecked((uint)(seed >> 32) + ((uint)round * Philox4x32.W1)));
        }
    }

    /// <summary>The key as one number.</summary>
    public ulong Seed { get; }

    /// <summary>Key words of a round, [2, <see cref="Copies"/>]; only the low 32 bits count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong* Round(int round) => Words + (2 * Copies * round);

    private ulong* Words => (ulong*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_rounds));
}

/// <summary>
/// The part of the first two rounds that is the same for all groups of a tile: only c0, the group's low word, differs between them.
/// Round 1 gives c0 = hi(M1·slot) ⊕ c1 ⊕ k0, c1 = lo(M1·slot), c2 = hi(M0·group) ⊕ stream ⊕ k1, c3 = lo(M0·group);
/// round 2 gives c0 = hi(M1·c2) ⊕ c1 ⊕ k0', c1 = lo(M1·c2), c2 = hi(M0·c0) ⊕ c3 ⊕ k1', c3 = lo(M0·c0).
/// </summary>
internal readonly unsafe struct PhiloxStart
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PhiloxStart(ref readonly PhiloxKey key, uint stream, ulong group, uint slot)
    {
        ulong p1 = (ulong)Philox4x32.M1 * slot;
        uint c0 = (uint)(p1 >> 32) ^ (uint)(group >> 32) ^ (uint)key.Round(0)[0];
        P0 = (ulong)Philox4x32.M0 * c0;
        C2Key = stream ^ key.Round(0)[PhiloxKey.Copies];
        C1Key = (uint)p1 ^ key.Round(1)[0];
        P0Key = (P0 >> 32) ^ key.Round(1)[PhiloxKey.Copies];
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
