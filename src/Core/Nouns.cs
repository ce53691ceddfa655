using System.Globalization;

namespace ToyPipeline.Core;

/// <summary>Numbers and their nouns, in messages.</summary>
public static class Nouns
{
    /// <summary><c>1 pack</c>, <c>3 packs</c>.</summary>
    public static string Count(long number, string noun) => $"{number.ToString(CultureInfo.InvariantCulture)} {Of(number, noun)}";

    /// <summary><c>pack</c> for 1, <c>packs</c> for other numbers.</summary>
    public static string Of(long number, string noun) => number == 1 ? noun : noun + "s";
}
