namespace ToyPipeline.Fuzz;

/// <summary>A reader under test.</summary>
/// <param name="Name">Name of its corpus folder.</param>
/// <param name="Read">Reads bytes; a file that cannot be read is an <see cref="Core.InvalidInputException"/>.</param>
/// <param name="Mutate">Changes an input as its format's grammar has it, with another input to take pieces from; null where the input is too damaged for that.</param>
/// <param name="Seeds">Inputs beside those of the corpus folder.</param>
internal sealed record FuzzTarget(string Name, Action<byte[]> Read, Func<byte[], byte[], Random, byte[]?> Mutate, IReadOnlyList<byte[]> Seeds)
{
    /// <summary>All targets.</summary>
    public static IReadOnlyList<FuzzTarget> All { get; } = [OnnxGrammar.Target, SafetensorsGrammar.Target, NpzGrammar.Target];

    /// <summary>The seeds and the files of the corpus folder.</summary>
    public List<byte[]> Corpus() =>
        [.. Seeds, .. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "corpus", Name)).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];
}
