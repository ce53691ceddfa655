using System.Globalization;
using ToyPipeline.Core;

namespace ToyPipeline.Sweeps;

/// <summary>Places of packs as a command line has them: <c>0-3,7</c>.</summary>
public static class PackRanges
{
    private const int MaxPacks = 1 << 24;

    /// <summary>Reads a text such as <c>0-3,7</c>: each place once, in order.</summary>
    /// <exception cref="InvalidInputException">The text is something else.</exception>
    public static IReadOnlyList<int> Parse(string text)
    {
        var packs = new SortedSet<int>();
        foreach (string part in text.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || !TryParse(ends[0], out int first) || !TryParse(ends[^1], out int last) || last < first)
                throw new InvalidInputException($"--packs is {text}; write places of packs, for example 0-3,7.");
            packs.UnionWith(Enumerable.Range(first, last - first + 1));
        }

        return [.. packs];
    }

    /// <summary>The shortest text for places of packs; <see cref="Parse"/> reads it back.</summary>
    public static string Text(IEnumerable<int> packs)
    {
        var ranges = new List<(int First, int Last)>();
        foreach (int pack in packs.Distinct().Order())
        {
            if (ranges.Count > 0 && ranges[^1].Last == pack - 1)
                ranges[^1] = (ranges[^1].First, pack);
            else
                ranges.Add((pack, pack));
        }

        return string.Join(',', ranges.Select(range => range.First == range.Last ? $"{range.First}" : $"{range.First}-{range.Last}"));
    }

    private static bool TryParse(string text, out int place) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out place) && place < MaxPacks;
}
