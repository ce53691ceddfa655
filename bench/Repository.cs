namespace ToyPipeline.Bench;

/// <summary>Where the repository and its artifacts are.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    /// <summary>Folder of the results.</summary>
    public static string Results => Path.Combine(Root, "artifacts", "bench");

    private static string Find()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "ToyPipeline.sln")))
                return folder;
        }

        throw new DirectoryNotFoundException("No folder above the benchmarks holds ToyPipeline.sln.");
    }
}

/// <summary>A folder for one benchmark, gone afterwards.</summary>
internal sealed class ScratchFolder : IDisposable
{
    public ScratchFolder() => Directory.CreateDirectory(Root);

    public string Root { get; } = Path.Combine(Repository.Results, "tmp", Path.GetRandomFileName());

    public string Sub(string name) => Path.Combine(Root, name);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
