namespace ToyPipeline.Cli.Tests;

/// <summary>A temporary folder with a tiny experiment, in which <c>toy</c> runs.</summary>
internal sealed class Workspace : IDisposable
{
    public const string TinyExperiment = """
        name: tiny
        title: A tiny experiment
        model: { kind: relu-output, features: 5, hidden: 2 }
        data: { train: { samples: 500 } }
        importance: { decay: 0.9 }
        training: { steps: 50, batch: 64 }
        replicas: 2
        axes:
          - { path: data.sparsity, values: [0.0, 0.9] }
        evaluation: { samples: 2000 }
        claims:
          - { at: { data.sparsity: 0.0 }, measure: loss, at_most: 1 }

        """;

    // Made once: most tests begin with a finished run.
    private static readonly Lazy<Workspace> s_finished = new(() =>
    {
        var workspace = new Workspace();
        workspace.First = workspace.Toy("run", "tiny.yaml");
        return workspace;
    });

    public Workspace() => Write("tiny.yaml", TinyExperiment);

    public string Folder { get; } = Directory.CreateTempSubdirectory("toy-cli-").FullName;

    /// <summary>Folder of the tiny experiment's run.</summary>
    public string Run => Path.Combine(Folder, "artifacts", "tiny");

    /// <summary>How the run of <see cref="Finished"/> ended.</summary>
    public ToyResult? First { get; private set; }

    /// <summary>A copy of a workspace with the finished run of the tiny experiment.</summary>
    public static Workspace Finished()
    {
        var copy = new Workspace { First = s_finished.Value.First };
        foreach (string file in Directory.EnumerateFiles(s_finished.Value.Run, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(copy.Run, Path.GetRelativePath(s_finished.Value.Run, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return copy;
    }

    /// <summary>Deletes the run that <see cref="Finished"/> copies.</summary>
    public static void DeleteFinished()
    {
        if (s_finished.IsValueCreated)
            s_finished.Value.Dispose();
    }

    public ToyResult Toy(params string[] args) => Tests.Toy.Run(Folder, args);

    /// <summary>Writes a text file, path relative to <see cref="Folder"/>.</summary>
    public void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(Folder, path))!);
        File.WriteAllText(Path.Combine(Folder, path), text);
    }

    /// <summary>The run's files but for the lock: path, bytes, when they were written.</summary>
    public Dictionary<string, (byte[] Bytes, DateTime Written)> Files() =>
        Directory.EnumerateFiles(Run, "*", SearchOption.AllDirectories).Where(path => !Path.GetFileName(path).StartsWith('.'))
            .ToDictionary(path => Path.GetRelativePath(Run, path).Replace('\\', '/'), path => (File.ReadAllBytes(path), File.GetLastWriteTimeUtc(path)));

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}

/// <summary>Cleans up after all tests.</summary>
[SetUpFixture]
internal sealed class Cleanup
{
    [OneTimeTearDown]
    public void DeleteRuns()
    {
        Workspace.DeleteFinished();
        if (Sweeping.UndisturbedQuick.IsValueCreated)
            Sweeping.UndisturbedQuick.Value.Dispose();
    }
}
