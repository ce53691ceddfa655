using System.Diagnostics;
using ToyPipeline.Cli.Tests;

namespace ToyPipeline.Cluster;

/// <summary>A Slurm cluster of two nodes on this machine, shared by all tests; they are skipped where Slurm is not installed.</summary>
[SetUpFixture]
public sealed class TestCluster
{
    private static readonly string[] s_daemons = ["munged", "slurmctld", "slurmd", "sbatch"];
    private static readonly string[] s_places = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];

    /// <summary>Its configuration, state and logs.</summary>
    private static string Folder { get; } = Path.Combine(Path.GetTempPath(), $"toy-cluster-{Environment.ProcessId}");

    /// <summary>What a process needs to reach it.</summary>
    public static (string Name, string Value) Reach => ("SLURM_CONF", Path.Combine(Folder, "slurm.conf"));

    /// <summary>Ends a node at once, as a power cut would.</summary>
    public static void Kill(string node) => Script("kill-node", Folder, node);

    /// <summary>Brings a node back, and waits until it takes tasks.</summary>
    public static void Revive(string node)
    {
        Script("start-node", Folder, node);
        Wait.Until($"{node} is idle", () => Ask("sinfo", "--noheader", $"--nodes={node}", "--format=%T").Trim() == "idle");
    }

    /// <summary>What a command of Slurm answers.</summary>
    public static string Ask(string command, params string[] arguments)
    {
        using var process = Toy.Start(Folder, [Reach], command, arguments);
        var (code, output, error) = Toy.End(process);
        Assert.That(code, Is.Zero, $"{command} {string.Join(' ', arguments)}: {error}");
        return output;
    }

    [OneTimeSetUp]
    public void Start()
    {
        if (s_daemons.Where(name => !s_places.Any(place => File.Exists(Path.Combine(place, name)))).ToList() is { Count: > 0 } missing)
            Assert.Ignore($"There is no {string.Join(", ", missing)} here: install Slurm and munge (apt-get install slurm-wlm munge).");
        Script("start", Folder, $"{Environment.ProcessId}");
    }

    [OneTimeTearDown]
    public void Stop()
    {
        if (!Directory.Exists(Folder))
            return;
        Script("stop", Folder);
        Directory.Delete(Folder, recursive: true);
    }

    private static void Script(params string[] arguments)
    {
        // Not captured: the daemons that it starts would hold the pipes open.
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "cluster.sh"), arguments))!;
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, $"cluster.sh {string.Join(' ', arguments)}; its logs are in {Folder}/log");
    }
}

/// <summary>Waiting for what another process does.</summary>
internal static class Wait
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    public static void Until(string what, Func<bool> condition)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed > s_patience)
                Assert.Fail($"Within {s_patience.TotalSeconds:F0} s it did not come about that {what}.");
            Thread.Sleep(100);
        }
    }
}
