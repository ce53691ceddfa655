namespace ToyPipeline.Cli.Output;

/// <summary>A number and its noun.</summary>
internal static class Nouns
{
    /// <summary><c>1 pack</c>, <c>3 packs</c>.</summary>
    public static string Count(long number, string noun) => $"{number} {noun}{(number == 1 ? "" : "s")}";
}
