using System.Runtime.CompilerServices;
using ToyPipeline.Core.Random;

namespace ToyPipeline.DataGen;

/// <summary>Samples of a tile, one bit each: those in which a feature may be present, and those of them where the value's word has to decide.</summary>
internal readonly record struct PresenceMasks(ulong Maybe, ulong Ties);

/// <summary>
/// The random numbers of tiles of 64 consecutive samples. Equal to <see cref="RandomNumbers.Word"/> (shifted right by one, so that words
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

    /// <summary>Words of a Philox block.</summary>
    public const int BlockWords = 4;

    /// <summary>Blocks that may be computed beyond the last one.</summary>
    public const int SpareBlocks = 32;

    /// <summary>Words that may be written beyond the last one.</summary>
    public const int SpareWords = SpareBlocks * BlockWords;

    /// <summary>A number of words rounded up to whole blocks.</summary>
    public static int WholeBlocks(int words) => (int)((uint)words + BlockWords - 1) & -BlockWords;

    /// <summary>Writes the 31-bit words of a slot for all samples of a run; up to <see cref="SpareWords"/> more are written.</summary>
    public static void Words(InstructionSet set, ref readonly PhiloxKey key, TileRun run, uint slot, int* words)
    {
        if (set == InstructionSet.Portable || Carries(run, WordGroups))
        {
            for (int t = 0; t < run.Tiles; t++, words += Samples)
                TileWords(set, in key, run.Tile(t), slot, words);
        }
        else if (set == InstructionSet.Avx512)
        {
            Philox512.Words(in key, (uint)run.Stream, Group(run, WordGroups), run.Tiles, slot, words);
        }
        else
        {
            Philox256.Words(in key, (uint)run.Stream, Group(run, WordGroups), run.Tiles, slot, words);
        }
    }

    /// <summary>Compares the presence bytes of features for all samples of a run with what decides whether they are present.</summary>
    /// <param name="set">Instruction set.</param>
    /// <param name="key">Seed.</param>
    /// <param name="run">Samples.</param>
    /// <param name="features">Features.</param>
    /// <param name="masks">Receives the samples of each tile, [tiles, stride], at the features' indices.</param>
    /// <param name="stride">Number of all features.</param>
    public static void Masks(
        InstructionSet set, ref readonly PhiloxKey key, TileRun run, ReadOnlySpan<Feature> features, PresenceMasks* masks, int stride)
    {
        if (features.IsEmpty)
            return;
        if (set == InstructionSet.Portable || Carries(run, ByteGroups))
        {
            for (int t = 0; t < run.Tiles; t++, masks += stride)
                TileMasks(set, in key, run.Tile(t), features, masks);
        }
        else if (set == InstructionSet.Avx512)
        {
            Philox512.Masks(in key, (uint)run.Stream, Group(run, ByteGroups), run.Tiles, features, masks, stride);
        }
        else
        {
            Philox256.Masks(in key, (uint)run.Stream, Group(run, ByteGroups), run.Tiles, features, masks, stride);
        }
    }

    /// <summary>Writes the 31-bit words of some blocks of a run.</summary>
    /// <param name="set">Instruction set.</param>
    /// <param name="key">Seed.</param>
    /// <param name="run">Samples.</param>
    /// <param name="draws">The number of the first sample of each, <see cref="TileRun.Draw"/>; up to <see cref="SpareBlocks"/> more are read.</param>
    /// <param name="count">How many.</param>
    /// <param name="words">Receives four words of each; up to <see cref="SpareWords"/> more are written.</param>
    public static void Blocks(InstructionSet set, ref readonly PhiloxKey key, TileRun run, int* draws, int count, int* words)
    {
        ulong group = Group(run, WordGroups);
        if (set == InstructionSet.Avx512)
            Philox512.Blocks(in key, (uint)run.Stream, group, draws, count, words);
        else if (set == InstructionSet.Avx2)
            Philox256.Blocks(in key, (uint)run.Stream, group, draws, count, words);
        else
            PlainBlocks(in key, (uint)run.Stream, group, draws, count, words);
    }

    private static ulong Group(TileRun run, int tileGroups) => (ulong)run.First * (ulong)tileGroups;

    // Whether the low word of the counter carries into the high one within the run; it never does within a tile.
    private static bool Carries(TileRun run, int tileGroups) =>
        run.Tiles > 1 && (Group(run, tileGroups) >> 32) != ((Group(run with { First = run.First + run.Tiles }, tileGroups) - 1) >> 32);

    private static void TileWords(InstructionSet set, ref readonly PhiloxKey key, TileRun tile, uint slot, int* words)
    {
        if (set != InstructionSet.Portable)
        {
            Words(set, in key, tile, slot, words);
            return;
        }

        for (int g = 0; g < WordGroups; g++, words += BlockWords)
            Store(Block(in key, (uint)tile.Stream, Group(tile, WordGroups) + (ulong)g, slot), words);
    }

    private static void TileMasks(InstructionSet set, ref readonly PhiloxKey key, TileRun tile, ReadOnlySpan<Feature> features, PresenceMasks* masks)
    {
        if (set != InstructionSet.Portable)
        {
            Masks(set, in key, tile, features, masks, 0);
            return;
        }

        foreach (ref readonly var feature in features)
        {
            var (maybe, ties) = (0UL, 0UL);
            for (int sample = 0; sample < Samples; sample++)
            {
                var block = Block(in key, (uint)tile.Stream, Group(tile, ByteGroups) + (ulong)(sample / 16), PresenceSlot + (uint)feature.Index);
                int draw = (byte)(block[sample % 16 / 4] >> (8 * (sample % 4)));
                maybe |= (draw <= feature.Whole ? 1UL : 0) << sample;
                ties |= (draw == feature.Whole ? 1UL : 0) << sample;
            }

            masks[feature.Index] = new PresenceMasks(maybe, ties);
        }
    }

    private static void PlainBlocks(ref readonly PhiloxKey key, uint stream, ulong group, int* draws, int count, int* words)
    {
        for (int e = 0; e < count; e++, words += BlockWords)
            Store(Block(in key, stream, group + (TileRun.Sample(draws[e]) / BlockWords), TileRun.Feature(draws[e])), words);
    }

    private static void Store(PhiloxBlock block, int* words)
    {
        words[0] = (int)(block.X0 >> 1);
        words[1] = (int)(block.X1 >> 1);
        words[2] = (int)(block.X2 >> 1);
        words[3] = (int)(block.X3 >> 1);
    }

    private static PhiloxBlock Block(ref readonly PhiloxKey key, uint stream, ulong group, uint slot) =>
        Philox4x32.Block(new PhiloxBlock((uint)group, (uint)(group >> 32), slot, stream), key.Seed);
}
