namespace ToyPipeline.Core.Tests;

/// <summary>Where the repository is that the tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    private static string Find(string folder) =>
        File.Exists(Path.Combine(folder, "ToyPipeline.sln")) ? folder : Find(Path.GetDirectoryName(folder)!);
}
