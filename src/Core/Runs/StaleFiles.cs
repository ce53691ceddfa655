using System.Text.RegularExpressions;

namespace ToyPipeline.Core.Runs;

/// <summary>Files of a run folder that are no longer true: what an earlier run of a stage wrote and the last one did not.</summary>
internal static partial class StaleFiles
{
    /// <summary>Deletes what <paramref name="stage"/> wrote before and did not write now, and what a run of it that was killed left behind.</summary>
    /// <param name="root">The run folder.</param>
    /// <param name="stage">Name of the stage.</param>
    /// <param name="manifest">The manifest before this run of the stage.</param>
    /// <param name="outputs">What it wrote now.</param>
    /// <exception cref="EnvironmentFaultException">A file cannot be deleted.</exception>
    public static void Delete(string root, string stage, RunManifest manifest, IReadOnlyList<FileRecord> outputs)
    {
        var written = outputs.Select(output => output.Path).ToHashSet();
        var folders = written.Where(path => path.Contains('/')).Select(path => path[..path.IndexOf('/')]).Distinct();
        var others = manifest.Stages.Where(pair => pair.Key != stage).SelectMany(pair => pair.Value.Outputs).Select(output => output.Path).ToHashSet();
        var recorded = manifest.Stages.TryGetValue(stage, out var last) ? last.Outputs.Select(old => old.Path) : [];
        foreach (string path in recorded.Concat(folders.SelectMany(folder => Unrecorded(root, folder)).Where(path => !others.Contains(path))).Distinct().Where(path => !written.Contains(path)).ToList())
            Delete(Path.Combine(root, path));
    }

    // Files with names that only the pipeline gives.
    private static IEnumerable<string> Unrecorded(string root, string folder) =>
        Directory.Exists(Path.Combine(root, folder))
            ? Directory.EnumerateFiles(Path.Combine(root, folder), "*", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(root, path).Replace('\\', '/')).Where(path => OwnName().IsMatch(path))
            : [];

    private static void Delete(string path)
    {
        try
        {
            File.Delete(path);
            string folder = Path.GetDirectoryName(path)!;
            if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
                Directory.Delete(folder);
        }
        catch (DirectoryNotFoundException)
        {
            // Its folder is gone, and the file with it.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EnvironmentFaultException($"{path}, which an earlier run wrote, cannot be deleted: {e.Message}", e);
        }
    }

    [GeneratedRegex(@"^(data/(eval|train)-[0-9a-f]{12}/(dataset\.json|shard-\d{5,}\.(npz|csv))|weights/pack-\d{5,}(\.history)?\.safetensors|weights/branches\.safetensors|models/(pack|instance)-\d{5,}\.onnx|analysis/best-\d{5,}\.safetensors)\z")]
    private static partial Regex OwnName();
}
