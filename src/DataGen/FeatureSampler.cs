using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Random;

namespace ToyPipeline.DataGen;

/// <summary>
/// Draws sparse features. Feature f of sample i is a pure function of (seed, stream, i, f): one 31-bit word r decides both whether
/// the feature is present (<c>r &lt; T</c>, with <c>T = p·2³¹</c>) and its value (<c>(r + ½)/T</c>, uniform given that it is present).
/// A member of a set is present when the set's own word falls into the member's interval, and takes its value from its own word.
/// </summary>
/// <remarks>
/// Density is honoured to 2⁻³¹; a feature of density p takes <c>p·2³¹</c> distinct values; on [0, 1] a present value is never 0.
/// Samples come in tiles of 64, feature by feature, so that vectors run over samples. Immutable: threads may share it.
/// </remarks>
public sealed class FeatureSampler
{
    /// <summary>Samples in a tile.</summary>
    public const int TileSamples = PhiloxTile.Samples;

    private const double WordRange = 1L << 31;

    private readonly Feature[] _features;
    private readonly int _sets;
    private readonly InstructionSet _set;

    /// <summary>A sampler for a feature distribution.</summary>
    public FeatureSampler(DataSpec data) : this(data, Simd.Current) { }

    internal FeatureSampler(DataSpec data, InstructionSet set)
    {
        _set = set;
        _sets = data.Sets.Count;
        MeanDensity = data.Density.Average();
        _features = [.. data.Density.Select(density => Feature.Independent(Threshold(density), data.Range))];
        for (int s = 0; s < _sets; s++)
        {
            var members = data.Sets[s].Members;
            uint threshold = Threshold(data.Sets[s].Density);
            for (int k = 0; k < members.Count; k++)
            {
                bool correlated = data.Sets[s].Kind == SetKind.Correlated;
                uint low = correlated ? 0 : (uint)((ulong)threshold * (ulong)k / (ulong)members.Count);
                uint high = correlated ? threshold : (uint)((ulong)threshold * (ulong)(k + 1) / (ulong)members.Count);
                _features[members[k]] = Feature.Member(s, low, high, data.Range);
            }
        }
    }

    /// <summary>n, the number of features.</summary>
    public int Features => _features.Length;

    /// <summary>Mean probability that a feature is present.</summary>
    internal double MeanDensity { get; }

    internal int ScratchWords => (1 + _sets) * TileSamples;

    /// <summary>Samples 64·tile to 64·tile + 63, feature-major.</summary>
    /// <param name="key">Seed.</param>
    /// <param name="stream">Stream.</param>
    /// <param name="tile">Tile index.</param>
    /// <param name="x">Receives the values, [features, 64]; 0 where a feature is absent.</param>
    /// <param name="scratch">Working space of <see cref="ScratchWords"/> words.</param>
    internal void FillTile(ref readonly PhiloxKey key, RandomStream stream, long tile, Span<float> x, Span<int> scratch)
    {
        ref float values = ref MemoryMarshal.GetReference(x[..(Features * TileSamples)]);
        ref int words = ref MemoryMarshal.GetReference(scratch[..ScratchWords]);
        ref int setWords = ref Unsafe.Add(ref words, TileSamples);
        FillSetWords(in key, stream, tile, ref setWords);
        for (int f = 0; f < _features.Length; f++)
        {
            ref readonly var feature = ref _features[f];
            PhiloxTile.Words(_set, in key, stream, tile, (uint)f, ref words);
            ref int presence = ref feature.Set < 0 ? ref words : ref Unsafe.Add(ref setWords, feature.Set * TileSamples);
            ref float row = ref Unsafe.Add(ref values, f * TileSamples);
            if (_set == InstructionSet.Portable)
                FillPlain(in feature, ref words, ref presence, ref row);
            else
                Fill256(in feature, ref words, ref presence, ref row);
        }
    }

    /// <summary>The present features of samples 64·tile to 64·tile + 63: the same values as <see cref="FillTile"/>, without the zeros.</summary>
    internal void FillEntries(ref readonly PhiloxKey key, RandomStream stream, long tile, TileEntries entries, Span<int> scratch)
    {
        ref int words = ref MemoryMarshal.GetReference(scratch[..ScratchWords]);
        ref int setWords = ref Unsafe.Add(ref words, TileSamples);
        entries.Clear();
        FillSetWords(in key, stream, tile, ref setWords);
        for (int f = 0; f < _features.Length; f++)
        {
            ref readonly var feature = ref _features[f];
            PhiloxTile.Words(_set, in key, stream, tile, (uint)f, ref words);
            ref int presence = ref feature.Set < 0 ? ref words : ref Unsafe.Add(ref setWords, feature.Set * TileSamples);
            for (ulong mask = Presence(in feature, ref presence); mask != 0; mask &= mask - 1)
            {
                int sample = BitOperations.TrailingZeroCount(mask);
                entries.Add(sample, f, feature.Value(Unsafe.Add(ref words, sample)));
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
        int[] scratch = new int[ScratchWords];
        int samples = rows.Length / n;
        for (int start = 0; start < samples; start += TileSamples)
        {
            FillTile(in key, stream, (first + start) / TileSamples, tile, scratch);
            int count = Math.Min(TileSamples, samples - start);
            for (int j = 0; j < count; j++)
            {
                var row = rows.Slice((start + j) * n, n);
                for (int f = 0; f < n; f++)
                    row[f] = tile[(f * TileSamples) + j];
            }
        }
    }

    private void FillSetWords(ref readonly PhiloxKey key, RandomStream stream, long tile, ref int setWords)
    {
        for (int s = 0; s < _sets; s++)
            PhiloxTile.Words(_set, in key, stream, tile, (uint)(Features + s), ref Unsafe.Add(ref setWords, s * TileSamples));
    }

    private static void FillPlain(ref readonly Feature feature, ref int words, ref int presence, ref float row)
    {
        for (int j = 0; j < TileSamples; j++)
            Unsafe.Add(ref row, j) = feature.Present(Unsafe.Add(ref presence, j)) ? feature.Value(Unsafe.Add(ref words, j)) : 0;
    }

    private static void Fill256(ref readonly Feature feature, ref int words, ref int presence, ref float row)
    {
        var low = Vector256.Create(feature.Low);
        var last = Vector256.Create(feature.Last);
        var scale = Vector256.Create(feature.Scale);
        var offset = Vector256.Create(feature.Offset);
        for (nuint j = 0; j < TileSamples; j += 8)
        {
            var word = Vector256.LoadUnsafe(ref words, j);
            var draw = Vector256.LoadUnsafe(ref presence, j);
            var absent = Vector256.GreaterThan(low, draw) | Vector256.GreaterThan(draw, last);
            var value = Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(word), scale, offset);
            Vector256.AndNot(value.AsInt32(), absent).AsSingle().StoreUnsafe(ref row, j);
        }
    }

    // Bit j of the result: the feature is present in sample j of the tile.
    private ulong Presence(ref readonly Feature feature, ref int presence)
    {
        ulong mask = 0;
        if (_set == InstructionSet.Portable)
        {
            for (int j = 0; j < TileSamples; j++)
                mask |= (feature.Present(Unsafe.Add(ref presence, j)) ? 1UL : 0) << j;
            return mask;
        }

        var low = Vector256.Create(feature.Low);
        var last = Vector256.Create(feature.Last);
        for (nuint j = 0; j < TileSamples; j += 8)
        {
            var draw = Vector256.LoadUnsafe(ref presence, j);
            var absent = Vector256.GreaterThan(low, draw) | Vector256.GreaterThan(draw, last);
            mask |= (ulong)(~absent.ExtractMostSignificantBits() & 0xFF) << (int)j;
        }

        return mask;
    }

    private static uint Threshold(double density) => (uint)Math.Max(1, Math.Round(density * WordRange));

    /// <summary>How one feature is drawn.</summary>
    private readonly struct Feature
    {
        /// <summary>Index of its set, or −1: then its own word decides its presence.</summary>
        public int Set { get; private init; }

        /// <summary>Present when the deciding word is at least this…</summary>
        public int Low { get; private init; }

        /// <summary>…and at most this.</summary>
        public int Last { get; private init; }

        /// <summary>Value = Scale · word + Offset.</summary>
        public float Scale { get; private init; }

        /// <summary>Value of word 0.</summary>
        public float Offset { get; private init; }

        public static Feature Independent(uint threshold, ValueRange range) => Of(-1, 0, threshold, threshold, range);

        public static Feature Member(int set, uint low, uint high, ValueRange range) => Of(set, low, high, 1U << 31, range);

        public bool Present(int draw) => draw >= Low && draw <= Last;

        public float Value(int word) => MathF.FusedMultiplyAdd(word, Scale, Offset);

        private static Feature Of(int set, uint low, uint high, uint values, ValueRange range)
        {
            // v = (r + ½)/T on (0, 1), or 2v − 1 on (−1, 1); the scale gives way until rounding stays within the range.
            double step = range == ValueRange.Signed ? 2.0 / values : 1.0 / values;
            var (scale, offset) = ((float)step, (float)((step / 2) - (range == ValueRange.Signed ? 1 : 0)));
            while (MathF.FusedMultiplyAdd((int)(values - 1), scale, offset) > 1)
                scale = MathF.BitDecrement(scale);
            return new Feature { Set = set, Low = (int)low, Last = (int)(high - 1), Scale = scale, Offset = offset };
        }
    }
}
