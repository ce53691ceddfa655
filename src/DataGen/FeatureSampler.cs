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

    /// <summary>Samples 64·tile to 64·tile + 63, feature-major.</summary>
    /// <param name="key">Seed.</param>
    /// <param name="stream">Stream.</param>
    /// <param name="tile">Tile index.</param>
    /// <param name="x">Receives the values, [features, 64]; 0 where a feature is absent.</param>
    /// <param name="buffer">Working space.</param>
    internal void FillTile(ref readonly PhiloxKey key, RandomStream stream, long tile, float* x, DrawBuffer buffer)
    {
        Presence(in key, stream, tile, buffer);
        for (int f = 0; f < _features.Length; f++)
        {
            if (_features[f].Dense)
                FillRow(in key, stream, tile, in _features[f], x + (f * TileSamples), buffer);
            else
                new Span<float>(x + (f * TileSamples), TileSamples).Clear();
        }

        for (int f = 0; f < _features.Length;)
        {
            int count = NextDraws(in key, stream, tile, ref f, skipDense: true, buffer);
            for (int e = 0; e < count; e++)
                x[buffer.Draws[e]] = buffer.Values[e];
        }
    }

    /// <summary>The samples of tile <paramref name="tile"/> in which a feature may be present, side by side, feature-major; the others are all 0.</summary>
    /// <param name="key">Seed.</param>
    /// <param name="stream">Stream.</param>
    /// <param name="tile">Tile index.</param>
    /// <param name="samples">Which samples of the tile are wanted, one bit each.</param>
    /// <param name="x">Receives the values in its first columns, [features, stride]; must be 0 there.</param>
    /// <param name="stride">Length of a row.</param>
    /// <param name="buffer">Working space.</param>
    /// <returns>Number of samples filled in.</returns>
    internal int FillPresent(ref readonly PhiloxKey key, RandomStream stream, long tile, ulong samples, float* x, int stride, DrawBuffer buffer)
    {
        Presence(in key, stream, tile, buffer);
        ulong some = 0;
        for (int f = 0; f < _features.Length; f++)
        {
            some |= buffer.Masks[f].Maybe;
            buffer.Masks[f] = new PresenceMasks(buffer.Masks[f].Maybe & samples, buffer.Masks[f].Ties & samples);
        }

        some &= samples;
        for (int f = 0; f < _features.Length;)
        {
            int count = NextDraws(in key, stream, tile, ref f, skipDense: false, buffer);
            Scatter(buffer.Draws, buffer.Values, count, some, x, (uint)stride);
        }

        return BitOperations.PopCount(some);
    }

    // Each value to its feature's row and the place of its sample among some.
    private static void Scatter(int* draws, float* values, int count, ulong some, float* x, uint stride)
    {
        for (int e = 0; e < count; e++)
        {
            uint draw = (uint)draws[e];
            ulong before = some & ((1UL << (int)(draw % TileSamples)) - 1);
            x[(draw / TileSamples * stride) + (uint)BitOperations.PopCount(before)] = values[e];
        }
    }

    /// <summary>The present features of samples 64·tile to 64·tile + 63: the same values as <see cref="FillTile"/>, without the zeros.</summary>
    internal void FillEntries(ref readonly PhiloxKey key, RandomStream stream, long tile, TileEntries entries, DrawBuffer buffer)
    {
        entries.Clear();
        Presence(in key, stream, tile, buffer);
        for (int f = 0; f < _features.Length;)
        {
            int count = NextDraws(in key, stream, tile, ref f, skipDense: false, buffer);
            entries.Add(buffer.Draws, buffer.Values, count);
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
                FillTile(in key, stream, (first + start) / TileSamples, x, buffer);
            int count = Math.Min(TileSamples, samples - start);
            for (int j = 0; j < count; j++)
            {
                var row = rows.Slice((start + j) * n, n);
                for (int f = 0; f < n; f++)
                    row[f] = tile[(f * TileSamples) + j];
            }
        }
    }

    // In which samples of the tile each feature may be present.
    private void Presence(ref readonly PhiloxKey key, RandomStream stream, long tile, DrawBuffer buffer)
    {
        for (int s = 0; s < Sets; s++)
            PhiloxTile.Words(_set, in key, stream, tile, (uint)(Features + s), buffer.SetWords + (s * TileSamples));
        if (_tossed.Length < _features.Length)
        {
            foreach (ref readonly var feature in _features.AsSpan())
            {
                if (feature.Set >= 0)
                    buffer.Masks[feature.Index] = new PresenceMasks(Within(buffer.SetWords + (feature.Set * TileSamples), feature.Low, feature.Last), 0);
                else if (feature.Always)
                    buffer.Masks[feature.Index] = new PresenceMasks(ulong.MaxValue, 0);
            }
        }

        PhiloxTile.Masks(_set, in key, stream, tile, _tossed, buffer.Masks);
    }

    // The values of some hundred draws, from those of a feature on: sample after sample, feature after feature. 0 is a draw that came out absent.
    private int NextDraws(ref readonly PhiloxKey key, RandomStream stream, long tile, ref int next, bool skipDense, DrawBuffer buffer)
    {
        int count = 0;
        int ties = 0;
        for (; next < _features.Length && count <= DrawBuffer.BatchDraws; next++)
        {
            if (_features[next].Dense)
            {
                if (skipDense)
                    continue;
                if (count > 0)
                    break;
                return DenseDraws(in key, stream, tile, in _features[next++], buffer);
            }

            var (maybe, tied) = buffer.Masks[next];
            for (ulong left = tied; left != 0; left &= left - 1)
                buffer.Ties[ties++] = count + BitOperations.PopCount(maybe & ((left & (0 - left)) - 1));
            count += DrawBuffer.Append(maybe, next * TileSamples, buffer.Draws + count);
        }

        DrawWords(in key, stream, tile, count, ties, buffer);
        return count;
    }

    private void DrawWords(ref readonly PhiloxKey key, RandomStream stream, long tile, int count, int ties, DrawBuffer buffer)
    {
        PhiloxTile.WordsAt(_set, in key, stream, tile, buffer.Draws, count, buffer.Words);
        Values(buffer.Words, buffer.Values, count);
        for (int t = 0; t < ties; t++)
        {
            int at = buffer.Ties[t];
            ref readonly var feature = ref _features[buffer.Draws[at] / TileSamples];
            buffer.Values[at] = buffer.Words[at] < feature.Rest ? feature.TieValue.At(buffer.Words[at]) : 0;
        }
    }

    // The draws of a feature that is present so often that all samples' words are drawn.
    private int DenseDraws(ref readonly PhiloxKey key, RandomStream stream, long tile, ref readonly Feature feature, DrawBuffer buffer)
    {
        FillRow(in key, stream, tile, in feature, buffer.Row, buffer);
        int count = DrawBuffer.Append(buffer.Masks[feature.Index].Maybe, feature.Index * TileSamples, buffer.Draws);
        for (int e = 0; e < count; e++)
            buffer.Values[e] = buffer.Row[buffer.Draws[e] % TileSamples];
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

    // All 64 samples of one feature.
    private void FillRow(ref readonly PhiloxKey key, RandomStream stream, long tile, ref readonly Feature feature, float* row, DrawBuffer buffer)
    {
        var (maybe, ties) = buffer.Masks[feature.Index];
        PhiloxTile.Words(_set, in key, stream, tile, (uint)feature.Index, buffer.Words);
        Values(buffer.Words, row, TileSamples);
        if (maybe != ulong.MaxValue)
            Keep(maybe, row);
        for (; ties != 0; ties &= ties - 1)
        {
            int sample = BitOperations.TrailingZeroCount(ties);
            row[sample] = buffer.Words[sample] < feature.Rest ? feature.TieValue.At(buffer.Words[sample]) : 0;
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
