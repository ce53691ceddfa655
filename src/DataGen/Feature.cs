using System.Runtime.Intrinsics;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.DataGen;

/// <summary>How one feature is drawn; <see cref="FeatureSampler"/> has the definition.</summary>
internal readonly struct Feature
{
    private const double WordRange = 1L << 31;
    private const double PresenceRange = 1L << 39;

    // From this density on drawing every sample's word costs less than finding those that are needed.
    private const double DenseFrom = 0.25;

    /// <summary>Number of the feature, and the slot of its words.</summary>
    public int Index { get; private init; }

    /// <summary>Index of its set, or −1: then its own byte decides its presence.</summary>
    public int Set { get; private init; }

    /// <summary>A member of a set is present when the set's word is at least this…</summary>
    public int Low { get; private init; }

    /// <summary>…and at most this.</summary>
    public int Last { get; private init; }

    /// <summary>⌊256 p⌋: the feature is present when its byte is below this.</summary>
    public int Whole { get; private init; }

    /// <summary>The rest of p, 0 to 2³¹ − 1: when the byte equals <see cref="Whole"/>, the feature is present when its word is below this.</summary>
    public int Rest { get; private init; }

    /// <summary>Value of a word r where the byte decided.</summary>
    public Line Value { get; private init; }

    /// <summary>Value of a word r where the word decided.</summary>
    public Line TieValue { get; private init; }

    /// <summary>Whether the feature is present often enough to draw a word for every sample.</summary>
    public bool Dense { get; private init; }

    /// <summary>Present in every sample.</summary>
    public bool Always => Set < 0 && Whole == 256;

    /// <summary>A feature that is present with a probability of its own.</summary>
    public static Feature Independent(int index, double density, ValueRange range)
    {
        long threshold = Math.Max(1, (long)Math.Round(density * PresenceRange));
        int rest = (int)(threshold & int.MaxValue);
        return new Feature
        {
            Index = index,
            Set = -1,
            Whole = (int)(threshold >> 31),
            Rest = rest,
            Value = Line.Over(WordRange, range),
            TieValue = rest > 0 ? Line.Over(rest, range) : default,
            Dense = density >= DenseFrom,
        };
    }

    /// <summary>Member <paramref name="place"/> of <paramref name="set"/>.</summary>
    public static Feature Member(int index, int setIndex, FeatureSet set, int place, ValueRange range)
    {
        ulong members = (ulong)set.Members.Count;
        ulong threshold = Math.Max(1, (ulong)Math.Round(set.Density * WordRange));
        bool correlated = set.Kind == SetKind.Correlated;
        ulong low = correlated ? 0 : threshold * (ulong)place / members;
        ulong high = correlated ? threshold : threshold * (ulong)(place + 1) / members;
        return new Feature
        {
            Index = index,
            Set = setIndex,
            Low = (int)low,
            Last = (int)(high - 1),
            Value = Line.Over(WordRange, range),
            Dense = (high - low) / WordRange >= DenseFrom,
        };
    }

    /// <summary>In which samples of a tile a member of a set is present.</summary>
    /// <param name="set">Instructions to use.</param>
    /// <param name="words">The set's words, one a sample.</param>
    /// <returns>Bit j: sample j.</returns>
    public unsafe ulong Within(InstructionSet set, int* words)
    {
        ulong mask = 0;
        if (set == InstructionSet.Portable)
        {
            for (int j = 0; j < PhiloxTile.Samples; j++)
                mask |= (words[j] >= Low && words[j] <= Last ? 1UL : 0) << j;
            return mask;
        }

        for (int j = 0; j < PhiloxTile.Samples; j += 8)
        {
            var word = Vector256.Load(words + j);
            var outside = Vector256.GreaterThan(Vector256.Create(Low), word) | Vector256.GreaterThan(word, Vector256.Create(Last));
            mask |= (ulong)(~outside.ExtractMostSignificantBits() & 0xFF) << j;
        }

        return mask;
    }
}
