namespace ToyPipeline.Export.Tests;

/// <summary>A folder that goes with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("toy-").FullName;

    public string Root => _root;

    public string Path(string relative) => System.IO.Path.Combine(_root, relative);

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
