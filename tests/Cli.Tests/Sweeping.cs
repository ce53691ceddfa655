using System.Diagnostics;

namespace ToyPipeline.Cli.Tests;

/// <summary>A sweep of many small packs, and how its folder compares with that of an undisturbed one.</summary>
internal static class Sweeping
{
    /// <summary>60 packs of 4 instances: every learning rate is a training setting of its own.</summary>
    public const string Experiment = """
        name: tiny
        title: A tiny sweep
        model: { features: 5, hidden: 2 }
        data: { train: { samples: 500 } }
        importance: { decay: 0.9 }
        training: { steps: 4000, batch: 64 }
        replicas: 2
        axes:
          - { path: training.optimizer.lr, log: [0.001, 0.01, 60] }
          - { path: data.sparsity, values: [0.0, 0.9] }
        evaluation: { samples: 500 }
        claims:
          - { measure: loss, at_most: 1 }

        """;

    /// <summary>The same, trained in no time.</summary>
    public static string Quick { get; } = Experiment.Replace("steps: 4000", "steps: 20", StringComparison.Ordinal);

    /// <summary>The run of <see cref="Quick"/> that nothing disturbed; only to be read.</summary>
    public static Lazy<Workspace> UndisturbedQuick { get; } = new(() => Undisturbed(Quick));

    /// <summary>The run of an experiment that nothing disturbed, by `toy run`.</summary>
    public static Workspace Undisturbed(string experiment)
    {
        var workspace = new Workspace();
        workspace.Write("tiny.yaml", experiment);
        var (code, _, error) = workspace.Toy("run", "tiny.yaml");
        Assert.That((code, error), Is.EqualTo((0, "")));
        return workspace;
    }

    /// <summary>Both folders hold the same files with the same bytes, but for dates and durations; and nothing is left over.</summary>
    public static void AssertSame(Workspace actual, Workspace expected)
    {
        var (files, wanted) = (actual.Files(), expected.Files());
        Assert.Multiple(() =>
        {
            Assert.That(files.Keys, Is.EquivalentTo(wanted.Keys));
            foreach (string path in wanted.Keys.Intersect(files.Keys).Except(["manifest.json", "report.html"]))
                Assert.That(files[path].Bytes.AsSpan().SequenceEqual(wanted[path].Bytes), Is.True, path);
            Assert.That(Records(actual), Is.EqualTo(Records(expected)));
            Assert.That(Hidden(actual), Is.SubsetOf(new[] { ".lock", ".lock.holder" }));
        });
    }

    /// <summary>Sends a signal to a process.</summary>
    public static void Signal(Process process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>When each pack's weights were written.</summary>
    public static Dictionary<string, DateTime> Packs(Workspace workspace) => Directory.Exists(Path.Combine(workspace.Run, "weights"))
        ? Directory.EnumerateFiles(Path.Combine(workspace.Run, "weights"), "pack-?????.safetensors").ToDictionary(path => Path.GetFileName(path), File.GetLastWriteTimeUtc)
        : [];

    private static IEnumerable<string> Hidden(Workspace workspace) =>
        Directory.EnumerateFileSystemEntries(workspace.Run, ".*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(workspace.Run, path));

    // The manifest without when and how long; the page says these too.
    private static string Records(Workspace workspace)
    {
        var manifest = Core.Runs.RunManifest.Load(workspace.Run);
        return string.Join('\n', manifest.Stages.Select(stage =>
            $"{stage.Key} {stage.Value.Options} {stage.Value.Version} {stage.Value.Code} {string.Join(' ', stage.Value.Inputs)} {string.Join(' ', stage.Value.Outputs.Where(file => file.Path != "report.html"))}"));
    }
}
