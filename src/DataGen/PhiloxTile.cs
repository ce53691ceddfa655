using System.Runtime.CompilerServices;
using ToyPipeline.Core.Random;

namespace ToyPipeline.DataGen;

/// <summary>Samples of a tile, one bit each: those in which a feature may be present, and those of them where the value's word has to decide.</summary>
internal readonly record struct PresenceMasks(ulong Maybe, ulong Ties);

/// <summary>
/// The random numbers of a tile of 64 consecutive samples. Equal to <see cref="RandomNumbers.Word"/> (shifted right by one, so that words
/// compare and convert as signed integers) and <see cref="RandomNumbers.Byte"/>, whatever the instruction set.
/// </summary>
internal static unsafe class PhiloxTile
{
    /// <summary>Samples in a tile.</summary>
    public const int Samples = 64;

    /// <summary>Philox blocks of a tile's words: one word a sample.</summary>
    public const int WordGroups = Samples / 4;

    /// <summary>Philox blocks of a tile's bytes: one byte a sample.</summary>
    public const int ByteGroups = Samples / 16;

    /// <summary>Slots from here on are those of presence bytes.</summary>
    public const uint PresenceSlot = RandomNumbers.ByteSlot;

    /// <summary>Writes the 31-bit words of a slot for samples 64·tile to 64·tile + 63.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Words(InstructionSet set, ref readonly PhiloxKey key, RandomStream stream, long tile, uint slot, int* words)
    {
        ulong group = (ulong)tile * WordGroups;
        if (set == InstructionSet.Avx512)
            Philox512.Words(in key, (uint)stream, group, slot, words);
        else if (set == InstructionSet.Avx2)
            Philox256.Words(in key, (uint)stream, group, slot, words);
        else
            WordsPlain(in key, (uint)stream, group, slot, words);
    }

    /// <summary>Compares the presence bytes of features for samples 64·tile to 64·tile + 63 with what decides whether they are present.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Masks(
        InstructionSet set, ref readonly PhiloxKey key, RandomStream stream, long tile,
        ReadOnlySpan<Feature> features, PresenceMasks* masks)
    {
        ulong group = (ulong)tile * ByteGroups;
        if (set != InstructionSet.Portable)
        {
            Philox256.Masks(in key, (uint)stream, group, features, masks);
        }
        else
        {
            foreach (ref readonly var feature in features)
                MasksPlain(in key, (uint)stream, group, in feature, masks);
        }
    }

    /// <summary>Writes the 31-bit words of some draws of a tile.</summary>
    /// <param name="set">Instruction set.</param>
    /// <param name="key">Seed.</param>
    /// <param name="stream">Stream.</param>
    /// <param name="tile">Tile.</param>
    /// <param name="draws">64 · slot + sample of each; up to seven more are read.</param>
    /// <param name="count">How many.</param>
    /// <param name="words">Receives the words; up to seven more are written.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WordsAt(InstructionSet set, ref readonly PhiloxKey key, RandomStream stream, long tile, int* draws, int count, int* words)
    {
        ulong group = (ulong)tile * WordGroups;
        if (set != InstructionSet.Portable)
            Philox256.WordsAt(in key, (uint)stream, group, draws, count, words);
        else
            WordsAtPlain(in key, (uint)stream, group, draws, count, words);
    }

    private static void WordsPlain(ref readonly PhiloxKey key, uint stream, ulong group, uint slot, int* words)
    {
        for (int g = 0; g < WordGroups; g++, words += 4)
        {
            var block = Block(in key, stream, group + (ulong)g, slot);
            words[0] = (int)(block.X0 >> 1);
            words[1] = (int)(block.X1 >> 1);
            words[2] = (int)(block.X2 >> 1);
            words[3] = (int)(block.X3 >> 1);
        }
    }

    private static void MasksPlain(ref readonly PhiloxKey key, uint stream, ulong group, ref readonly Feature feature, PresenceMasks* masks)
    {
        var (maybe, ties) = (0UL, 0UL);
        for (int sample = 0; sample < Samples; sample++)
        {
            var block = Block(in key, stream, group + (ulong)(sample / 16), PresenceSlot + (uint)feature.Index);
            int draw = (byte)(block[sample % 16 / 4] >> (8 * (sample % 4)));
            maybe |= (draw <= feature.Whole ? 1UL : 0) << sample;
            ties |= (draw == feature.Whole ? 1UL : 0) << sample;
        }

        masks[feature.Index] = new PresenceMasks(maybe, ties);
    }

    private static void WordsAtPlain(ref readonly PhiloxKey key, uint stream, ulong group, int* draws, int count, int* words)
    {
        for (int e = 0; e < count; e++)
        {
            int sample = draws[e] % Samples;
            words[e] = (int)(Block(in key, stream, group + (ulong)(sample / 4), (uint)(draws[e] / Samples))[sample % 4] >> 1);
        }
    }

    private static PhiloxBlock Block(ref readonly PhiloxKey key, uint stream, ulong group, uint slot) =>
        Philox4x32.Block(new PhiloxBlock((uint)group, (uint)(group >> 32), slot, stream), key.Seed);
}
