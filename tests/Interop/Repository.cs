namespace ToyPipeline.Interop;

/// <summary>The repository that the tests were built in.</summary>
internal static class Repository
{
    /// <summary>Its root folder.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "ToyPipeline.sln")))
            folder = folder.Parent;
        return folder!.FullName;
    }

    /// <summary>Path of a file of the repository.</summary>
    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);
}
