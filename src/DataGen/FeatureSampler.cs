using System.Numerics;
using System.Runtime.Intrinsics;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Random;

namespace ToyPipeline.DataGen;

/// <summary>
/// Draws sparse features. Feature f of sample i is a pure function of (seed, stream, i, f), of a byte b that is enough to tell nearly always
/// whether the feature is present, and a 31-bit word r that is needed only where it is. With <c>256 p = w + t/2³¹</c>, w whole:
/// present with value <c>(r + ½)/2³¹</c> where <c>b &lt; w</c>; where <c>b = w</c> the word decides: present with value <c>(r + ½)/t</c> if
/// <c>r &lt; t</c>; else absent. Either way the value of a present feature is uniform.
/// A member of a set is present when the set's own word falls into the member's interval.
/// </summary>
/// <remarks>
/// Density is honoured to 2⁻³⁹, that of sets to 2⁻³¹. A value of exactly 0, which signed features take once in some 2²⁵ samples, counts as absent.
/// Samples come in tiles of 64, feature by feature, so that vectors run over samples. Immutable: threads may share it.
/// </remarks>
public sealed unsafe class FeatureSampler
{
    /// <summary>Samples in a tile.</summary>
    public const int TileSamples = PhiloxTile.Samples;

    private readonly Feature[] _features;
    private readonly Feature[] _tossed; // features that are present with a probability of their own, below 1
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
        _tossed = [.. _features.Where(feature => feature.Set < 0 && !feature.Always)];
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
        for (int f = 0; f < _features.Length; f++)
        {
            if (_features[f].Dense)
                FillRow(in key, run, buffer.Masks, in _features[f], x + (f * stride), buffer);
            else
                new Span<float>(x + (f * stride), run.Samples).Clear();
        }

        for (int f = 0; f < _features.Length;)
        {
            int count = NextDraws(in key, run, buffer.Masks, ref f, skipDense: true, buffer);
            for (int e = 0; e < count; e++)
            {
                int draw = buffer.Draws[e];
                x[(TileRun.Feature(draw) * (uint)stride) + TileRun.Sample(draw)] = buffer.Values[e];
            }
        }
    }

    /// <summary>Those of the first samples of a run in which a feature may be present, side by side, feature-major; the others are all 0.</summary>
    /// <param name="key">Seed.</param>
    /// <param name="run">Samples, at most as many tiles as the buffer has room for.</param>
    /// <param name="samples">How many of the run's samples are wanted.</param>
    /// <param name="x">Receives the values in its first columns, [features, stride].</param>
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
            ulong any = 0;
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

        for (int f = 0; f < n; f++)
            new Span<float>(x + (f * stride), filled).Clear();
        for (int f = 0; f < n;)
        {
            int count = NextDraws(in key, run, buffer.Masks, ref f, skipDense: false, buffer);
            for (int e = 0; e < count; e++)
            {
                // Each value to its feature's row and the place of its sample among those that are filled in.
                int draw = buffer.Draws[e];
                var (tile, place) = Math.DivRem(TileRun.Sample(draw), TileSamples);
                ulong earlier = some[tile] & ((1UL << (int)place) - 1);
                x[(TileRun.Feature(draw) * (uint)stride) + (uint)(before[tile] + BitOperations.PopCount(earlier))] = buffer.Values[e];
            }
        }

        return filled;
    }

    /// <summary>The present features of a run: the same values as <see cref="FillTiles"/>, without the zeros.</summary>
    internal void FillEntries(ref readonly PhiloxKey key, TileRun run, TileEntries entries, DrawBuffer buffer)
    {
        entries.Clear();
        Presence(in key, run, buffer);
        for (int f = 0; f < _features.Length;)
        {
            int count = NextDraws(in key, run, buffer.Masks, ref f, skipDense: false, buffer);
            entries.Add(buffer.Draws, buffer.Values, count);
        }
    }

    /// <summary>The present features of a run, tile by tile: the same values as <see cref="FillTiles"/>, without the zeros.</summary>
    internal void FillDraws(ref readonly PhiloxKey key, TileRun run, TileDraws draws, DrawBuffer buffer)
    {
        Presence(in key, run, buffer);
        for (int t = 0; t < run.Tiles; t++)
        {
            draws.Clear(t);
            for (int f = 0; f < _features.Length;)
            {
                int count = NextDraws(in key, run.Tile(t), buffer.Masks + (t * _features.Length), ref f, skipDense: false, buffer);
                draws.Add(t, buffer.Draws, buffer.Values, count);
            }
        }
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

    // In which samples of the run each feature may be present.
    private void Presence(ref readonly PhiloxKey key, TileRun run, DrawBuffer buffer)
    {
        int n = _features.Length;
        for (int s = 0; s < Sets; s++)
            PhiloxTile.Words(_set, in key, run, (uint)(n + s), buffer.SetWords + (s * run.Samples));
        if (_tossed.Length < n)
        {
            for (int t = 0; t < run.Tiles; t++)
            {
                foreach (ref readonly var feature in _features.AsSpan())
                {
                    int* words = buffer.SetWords + (feature.Set * run.Samples) + (t * TileSamples);
                    if (feature.Set >= 0)
                        buffer.Masks[(t * n) + feature.Index] = new PresenceMasks(Within(words, feature.Low, feature.Last), 0);
                    else if (feature.Always)
                        buffer.Masks[(t * n) + feature.Index] = new PresenceMasks(ulong.MaxValue, 0);
                }
            }
        }

        PhiloxTile.Masks(_set, in key, run, _tossed, buffer.Masks, n);
    }

    // The values of some hundred draws, from those of a feature on: feature after feature, sample after sample. 0 is a draw that came out absent.
    private int NextDraws(ref readonly PhiloxKey key, TileRun run, PresenceMasks* presence, ref int next, bool skipDense, DrawBuffer buffer)
    {
        int count = 0;
        int tied = 0;
        int n = _features.Length;
        int* draws = buffer.Draws;
        var ties = buffer.Ties;
        for (; next < n && count <= DrawBuffer.BatchDraws; next++)
        {
            if (_features[next].Dense)
            {
                if (skipDense)
                    continue;
                if (count > 0)
                    break;
                return DenseDraws(in key, run, presence, in _features[next++], buffer);
            }

            var masks = presence + next;
            int first = TileRun.Draw(next, 0);
            for (int t = 0; t < run.Tiles; t++, masks += n, first += TileSamples)
            {
                // One tile in four has a tie: kept for later without a branch, which would not be foreseen.
                ties[tied] = new TiedDraws(*masks, count);
                tied += masks->Ties != 0 ? 1 : 0;
                count += DrawBuffer.Append(_set, masks->Maybe, first, draws + count);
            }
        }

        PhiloxTile.WordsAt(_set, in key, run, draws, count, buffer.Words);
        Values(buffer.Words, buffer.Values, count);
        for (int t = 0; t < tied; t++)
            Settle(in ties[t], buffer);
        return count;
    }

    // Of draws whose byte is a tie the word decides.
    private void Settle(ref readonly TiedDraws tied, DrawBuffer buffer)
    {
        ref readonly var feature = ref _features[TileRun.Feature(buffer.Draws[tied.First])];
        for (ulong left = tied.Masks.Ties; left != 0; left &= left - 1)
        {
            int at = tied.First + BitOperations.PopCount(tied.Masks.Maybe & ((left & (0 - left)) - 1));
            buffer.Values[at] = buffer.Words[at] < feature.Rest ? feature.TieValue.At(buffer.Words[at]) : 0;
        }
    }

    // The draws of a feature that is present so often that all samples' words are drawn.
    private int DenseDraws(ref readonly PhiloxKey key, TileRun run, PresenceMasks* presence, ref readonly Feature feature, DrawBuffer buffer)
    {
        FillRow(in key, run, presence, in feature, buffer.Row, buffer);
        int count = 0;
        for (int t = 0; t < run.Tiles; t++)
        {
            ulong maybe = presence[(t * _features.Length) + feature.Index].Maybe;
            count += DrawBuffer.Append(_set, maybe, TileRun.Draw(feature.Index, t * TileSamples), buffer.Draws + count);
        }

        for (int e = 0; e < count; e++)
            buffer.Values[e] = buffer.Row[TileRun.Sample(buffer.Draws[e])];
        return count;
    }

    // The value of a draw that its byte decided is the same function of the word for every feature.
    private void Values(int* words, float* values, int count)
    {
        var line = _features[0].Value;
        if (_set == InstructionSet.Portable)
        {
            for (int e = 0; e < count; e++)
                values[e] = line.At(words[e]);
            return;
        }

        var (scale, offset) = (Vector256.Create(line.Scale), Vector256.Create(line.Offset));
        for (int e = 0; e < count; e += 8)
            Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(Vector256.Load(words + e)), scale, offset).Store(values + e);
    }

    // All samples of one feature.
    private void FillRow(ref readonly PhiloxKey key, TileRun run, PresenceMasks* presence, ref readonly Feature feature, float* row, DrawBuffer buffer)
    {
        PhiloxTile.Words(_set, in key, run, (uint)feature.Index, buffer.Words);
        Values(buffer.Words, row, run.Samples);
        for (int t = 0; t < run.Tiles; t++)
        {
            var (maybe, ties) = presence[(t * _features.Length) + feature.Index];
            int first = t * TileSamples;
            if (maybe != ulong.MaxValue)
                Keep(maybe, row + first);
            for (; ties != 0; ties &= ties - 1)
            {
                int sample = first + BitOperations.TrailingZeroCount(ties);
                row[sample] = buffer.Words[sample] < feature.Rest ? feature.TieValue.At(buffer.Words[sample]) : 0;
            }
        }
    }

    private void Keep(ulong mask, float* row)
    {
        if (_set == InstructionSet.Portable)
        {
            for (int j = 0; j < TileSamples; j++)
                row[j] = (mask >> j & 1) != 0 ? row[j] : 0;
            return;
        }

        var bits = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128);
        for (int j = 0; j < TileSamples; j += 8)
        {
            var present = Vector256.Equals(Vector256.Create((int)(byte)(mask >> j)) & bits, bits);
            (Vector256.Load(row + j).AsInt32() & present).AsSingle().Store(row + j);
        }
    }

    // Bit j of the result: word j is within the interval.
    private ulong Within(int* words, int low, int last)
    {
        ulong mask = 0;
        if (_set == InstructionSet.Portable)
        {
            for (int j = 0; j < TileSamples; j++)
                mask |= (words[j] >= low && words[j] <= last ? 1UL : 0) << j;
            return mask;
        }

        for (int j = 0; j < TileSamples; j += 8)
        {
            var word = Vector256.Load(words + j);
            var outside = Vector256.GreaterThan(Vector256.Create(low), word) | Vector256.GreaterThan(word, Vector256.Create(last));
            mask |= (ulong)(~outside.ExtractMostSignificantBits() & 0xFF) << j;
        }

        return mask;
    }
}
