using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Random;

namespace ToyPipeline.DataGen;

/// <summary>
/// Draws sparse features. Feature f of sample i is a pure function of (seed, stream, i, f). A byte b is enough to tell nearly always whether the
/// feature is present, and a 31-bit word r gives its value: with <c>256 p = w + t/2³¹</c>, w whole, present with value <c>(r + ½)/2³¹</c> where
/// <c>b &lt; w</c>; where <c>b = w</c> the word decides: present with value <c>(r + ½)/t</c> if <c>r &lt; t</c>; else absent. Either way the
/// value of a present feature is uniform. A member of a set is present when the set's own word falls into the member's interval.
/// </summary>
/// <remarks>
/// Samples come in tiles of 64, feature by feature, so that vectors run over samples. Only candidates, samples with <c>b ≤ w</c>, take a word:
/// the first of a tile its feature's first word of the tile, the next one the second. So a block of four words serves four candidates.
/// Density is honoured to 2⁻³⁹, that of sets to 2⁻³¹. A value of exactly 0, which signed features take once in some 2²⁵ samples, counts as absent.
/// Immutable: threads may share it.
/// </remarks>
public sealed unsafe class FeatureSampler
{
    /// <summary>Samples in a tile.</summary>
    public const int TileSamples = PhiloxTile.Samples;

    private readonly Feature[] _features;
    private readonly Feature[] _tossed; // features that are present with a probability of their own, below 1
    private readonly Feature[] _members; // features of sets
    private readonly Line _value; // of a candidate that its byte decided: the same function of the word for every feature
    private readonly bool _always; // whether some feature is present in every sample
    private readonly InstructionSet _set;

    /// <summary>A sampler for a feature distribution.</summary>
    public FeatureSampler(DataSpec data) : this(data, Simd.Current) { }

    internal FeatureSampler(DataSpec data, InstructionSet set)
    {
        _set = set;
        Sets = data.Sets.Count;
        MeanDensity = data.Density.Average();
        _features = [.. data.Density.Select((density, index) => Feature.Independent(index, density, data.Range))];
        EmptyShare = 1;
        for (int s = 0; s < Sets; s++)
        {
            var members = data.Sets[s].Members;
            for (int k = 0; k < members.Count; k++)
                _features[members[k]] = Feature.Member(members[k], s, data.Sets[s], k, data.Range);
            EmptyShare *= 1 - data.Sets[s].Density;
        }

        foreach (var feature in _features.Where(feature => feature.Set < 0))
            EmptyShare *= 1 - data.Density[feature.Index];
        _value = _features[0].Value;
        _tossed = [.. _features.Where(feature => feature.Set < 0 && !feature.Always)];
        _members = [.. _features.Where(feature => feature.Set >= 0)];
        _always = _features.Any(feature => feature.Always);
    }

    /// <summary>n, the number of features.</summary>
    public int Features => _features.Length;

    /// <summary>Number of sets.</summary>
    internal int Sets { get; }

    /// <summary>Mean probability that a feature is present.</summary>
    internal double MeanDensity { get; }

    /// <summary>Probability that no feature is present.</summary>
    internal double EmptyShare { get; }

    internal DrawBuffer NewBuffer() => new(Features, Sets);

    /// <summary>The samples of a run, feature-major.</summary>
    /// <param name="key">Seed.</param>
    /// <param name="run">Samples, at most as many tiles as the buffer has room for.</param>
    /// <param name="x">Receives the values, [features, stride]; 0 where a feature is absent.</param>
    /// <param name="stride">Length of a row, at least the run's samples.</param>
    /// <param name="buffer">Working space.</param>
    internal void FillTiles(ref readonly PhiloxKey key, TileRun run, float* x, int stride, DrawBuffer buffer)
    {
        Presence(in key, run, buffer);
        var rows = new TileRows(_set, x, stride);
        Draw(in key, run, buffer, ref rows);
    }

    /// <summary>Those of the first samples of a run in which a feature may be present, side by side, feature-major; the others are all 0.</summary>
    /// <param name="key">Seed.</param>
    /// <param name="run">Samples, at most as many tiles as the buffer has room for.</param>
    /// <param name="samples">How many of the run's samples are wanted.</param>
    /// <param name="x">Receives the values in its first columns, [features, stride]; up to <see cref="Expansion.SpareSamples"/> more are written.</param>
    /// <param name="stride">Length of a row.</param>
    /// <param name="buffer">Working space.</param>
    /// <returns>Number of samples filled in.</returns>
    internal int FillPresent(ref readonly PhiloxKey key, TileRun run, int samples, float* x, int stride, DrawBuffer buffer)
    {
        Presence(in key, run, buffer);
        int n = _features.Length;
        // Of each tile the samples that are filled in, and their number before it.
        ulong* some = stackalloc ulong[TileRun.MaxTiles];
        int* before = stackalloc int[TileRun.MaxTiles];
        int filled = 0;
        for (int t = 0; t < run.Tiles; t++)
        {
            ulong wanted = samples - (t * TileSamples) >= TileSamples ? ulong.MaxValue : (1UL << Math.Max(0, samples - (t * TileSamples))) - 1;
            var masks = buffer.Masks + (t * n);
            ulong any = _always ? ulong.MaxValue : 0;
            for (int f = 0; f < n; f++)
            {
                any |= masks[f].Maybe;
                if (wanted != ulong.MaxValue)
                    masks[f] = new PresenceMasks(masks[f].Maybe & wanted, masks[f].Ties & wanted);
            }

            some[t] = any & wanted;
            before[t] = filled;
            filled += BitOperations.PopCount(some[t]);
        }

        var rows = new GatheredRows(_set, x, stride, some, before);
        Draw(in key, run, buffer, ref rows);
        return filled;
    }

    /// <summary>The present features of a run: the same values as <see cref="FillTiles"/>, without the zeros.</summary>
    internal void FillEntries(ref readonly PhiloxKey key, TileRun run, TileEntries entries, DrawBuffer buffer)
    {
        entries.Clear();
        Presence(in key, run, buffer);
        var lists = new RunList(_set, entries, buffer);
        Draw(in key, run, buffer, ref lists);
        lists.Flush();
    }

    /// <summary>The present features of a run, tile by tile: the same values as <see cref="FillTiles"/>, without the zeros.</summary>
    internal void FillDraws(ref readonly PhiloxKey key, TileRun run, TileDraws draws, DrawBuffer buffer)
    {
        for (int t = 0; t < run.Tiles; t++)
            draws.Clear(t);
        Presence(in key, run, buffer);
        var lists = new TileLists(_set, draws);
        Draw(in key, run, buffer, ref lists);
    }

    /// <summary>Dense rows of consecutive samples, sample-major.</summary>
    /// <param name="seed">Seed.</param>
    /// <param name="stream">Stream.</param>
    /// <param name="first">First sample, a multiple of 64.</param>
    /// <param name="rows">Receives the values, [samples, features].</param>
    public void FillRows(ulong seed, RandomStream stream, long first, Span<float> rows)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(first % TileSamples, 0);
        var key = new PhiloxKey(seed);
        int n = Features;
        float[] tile = new float[n * TileSamples];
        var buffer = NewBuffer();
        int samples = rows.Length / n;
        for (int start = 0; start < samples; start += TileSamples)
        {
            fixed (float* x = tile)
                FillTiles(in key, new TileRun(stream, (first + start) / TileSamples, 1), x, TileSamples, buffer);
            int count = Math.Min(TileSamples, samples - start);
            for (int j = 0; j < count; j++)
            {
                var row = rows.Slice((start + j) * n, n);
                for (int f = 0; f < n; f++)
                    row[f] = tile[(f * TileSamples) + j];
            }
        }
    }

    // In which samples of the run each feature may be present; those that always are need no masks.
    private void Presence(ref readonly PhiloxKey key, TileRun run, DrawBuffer buffer)
    {
        int n = _features.Length;
        for (int s = 0; s < Sets; s++)
            PhiloxTile.Words(_set, in key, run, (uint)(n + s), buffer.SetWords + (s * run.Samples));
        foreach (ref readonly var feature in _members.AsSpan())
        {
            int* words = buffer.SetWords + (feature.Set * run.Samples);
            for (int t = 0; t < run.Tiles; t++, words += TileSamples)
                buffer.Masks[(t * n) + feature.Index] = new PresenceMasks(feature.Within(_set, words), 0);
        }

        PhiloxTile.Masks(_set, in key, run, _tossed, buffer.Masks, n);
    }

    // The values of all candidates, feature after feature, tile after tile. 0 is a candidate that came out absent.
    private void Draw<TValues>(ref readonly PhiloxKey key, TileRun run, DrawBuffer buffer, ref TValues values)
        where TValues : struct, ITileValues
    {
        for (int f = 0; f < _features.Length;)
        {
            if (_features[f].Dense)
                DrawAll(in key, run, in _features[f++], buffer, ref values);
            else
                f = DrawSome(in key, run, f, buffer, ref values);
        }
    }

    // A feature that is present so often that all words of its tiles are drawn.
    private void DrawAll<TValues>(ref readonly PhiloxKey key, TileRun run, ref readonly Feature feature, DrawBuffer buffer, ref TValues values)
        where TValues : struct, ITileValues
    {
        PhiloxTile.Words(_set, in key, run, (uint)feature.Index, buffer.Words);
        if (feature.Always && values.Row(feature.Index) is var row && row != null)
        {
            _value.At(_set, buffer.Words, run.Samples, row);
            return;
        }

        _value.At(_set, buffer.Words, run.Samples, buffer.Values);
        var masks = buffer.Masks + feature.Index;
        for (int t = 0; t < run.Tiles; t++, masks += _features.Length)
        {
            var tied = new TiedDraws(feature.Always ? new PresenceMasks(ulong.MaxValue, 0) : *masks, feature.Index, t * TileSamples);
            Settle(in tied, buffer);
            values.Take(feature.Index, t, tied.Masks.Maybe, buffer.Values + (t * TileSamples));
        }
    }

    // Some features of which few words are drawn: those from one on that come before the next dense one and fit into the buffer.
    private int DrawSome<TValues>(ref readonly PhiloxKey key, TileRun run, int first, DrawBuffer buffer, ref TValues values)
        where TValues : struct, ITileValues
    {
        int blocks = 0;
        int tied = 0;
        int end = first;
        for (; end < _features.Length && !_features[end].Dense && blocks <= DrawBuffer.BatchBlocks; end++)
            (blocks, tied) = ListBlocks(end, run.Tiles, buffer.Masks + end, blocks, tied, buffer.Blocks, buffer.Ties);
        PhiloxTile.Blocks(_set, in key, run, buffer.Blocks, blocks, buffer.Words);
        _value.At(_set, buffer.Words, PhiloxTile.BlockWords * blocks, buffer.Values);
        for (int e = 0; e < tied; e++)
            Settle(in buffer.Ties[e], buffer);
        Take(first, end, run.Tiles, buffer.Masks, buffer.Values, ref values);
        return end;
    }

    // Appends the blocks that a feature's candidates take, and which of its tiles have ties.
    private (int Blocks, int Tied) ListBlocks(int feature, int tiles, PresenceMasks* masks, int blocks, int tied, int* list, TiedDraws* ties)
    {
        for (int t = 0; t < tiles; t++, masks += _features.Length)
        {
            // One tile in four has a tie: kept for later without a branch, which would not be foreseen.
            ties[tied] = new TiedDraws(*masks, feature, PhiloxTile.BlockWords * blocks);
            tied += masks->Ties != 0 ? 1 : 0;
            int candidates = BitOperations.PopCount(masks->Maybe);
            // Four blocks at a time: mostly one such step.
            var four = Vector128.Create(TileRun.Draw(feature, t * TileSamples)) + Vector128.Create(0, 4, 8, 12);
            four.Store(list + blocks);
            for (int left = candidates - 16; left > 0; left -= 16)
            {
                four += Vector128.Create(16);
                four.Store(list + blocks + ((candidates - left) / PhiloxTile.BlockWords));
            }

            blocks += PhiloxTile.WholeBlocks(candidates) / PhiloxTile.BlockWords;
        }

        return (blocks, tied);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Take<TValues>(int first, int end, int tiles, PresenceMasks* presence, float* drawn, ref TValues values)
        where TValues : struct, ITileValues
    {
        var sink = values;
        int n = _features.Length;
        for (int f = first; f < end; f++)
        {
            var masks = presence + f;
            for (int t = 0; t < tiles; t++, masks += n)
            {
                sink.Take(f, t, masks->Maybe, drawn);
                drawn += PhiloxTile.WholeBlocks(BitOperations.PopCount(masks->Maybe));
            }
        }

        values = sink;
    }

    // Of candidates whose byte is a tie the word decides.
    private void Settle(ref readonly TiedDraws tied, DrawBuffer buffer)
    {
        ref readonly var feature = ref _features[tied.Feature];
        for (ulong left = tied.Masks.Ties; left != 0; left &= left - 1)
        {
            int at = tied.First + BitOperations.PopCount(tied.Masks.Maybe & ((left & (0 - left)) - 1));
            buffer.Values[at] = buffer.Words[at] < feature.Rest ? feature.TieValue.At(buffer.Words[at]) : 0;
        }
    }
}
