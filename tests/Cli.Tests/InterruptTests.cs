using System.Diagnostics;

namespace ToyPipeline.Cli.Tests;

/// <summary>A run that is in the middle of training: who else may write there, and what Ctrl-C leaves.</summary>
[Platform("Linux,MacOsX", Reason = "Signals are sent with kill(1).")]
public sealed class InterruptTests
{
    [Test]
    public void A_held_folder_is_refused_and_an_interrupted_run_goes_on_later()
    {
        using var workspace = new Workspace();
        workspace.Write("tiny.yaml", Workspace.TinyExperiment
            .Replace("steps: 50,", "steps: 100000000,", StringComparison.Ordinal).Replace("replicas: 2", "replicas: 1", StringComparison.Ordinal));

        // A process that was started in the background of a script ignores SIGINT, and so do its children: undone here.
        var (file, first) = OperatingSystem.IsLinux() ? ("/usr/bin/env", ["--default-signal=INT", Toy.Executable]) : (Toy.Executable, Array.Empty<string>());
        using var process = Toy.Start(workspace.Folder, [], file, [.. first, "run", "tiny.yaml", "--json"]);
        string? line;
        do
            line = process.StandardOutput.ReadLine();
        while (line is not null && !line.Contains("\"stage\":\"train\"", StringComparison.Ordinal));
        Assert.That(line, Does.Contain("progress"), "training is on its way");

        var second = workspace.Toy("run", "tiny.yaml");
        Assert.Multiple(() =>
        {
            Assert.That(second.Code, Is.EqualTo(3));
            Assert.That(second.Error, Does.Match($@"^error: artifacts.tiny is held by process {process.Id} on \S+ since .*; wait until it has finished, or stop it\.\n$"));
        });

        using (var kill = Process.Start("kill", ["-INT", $"{process.Id}"]))
            kill.WaitForExit();
        var (code, output, error) = Toy.End(process);
        Assert.Multiple(() =>
        {
            Assert.That((code, error), Is.EqualTo((130, "")));
            Assert.That(output, Does.Contain("Interrupted: what is finished is kept; run the same command again to go on."));
            Assert.That(workspace.Files().Keys, Has.None.EndsWith(".partial").And.None.StartsWith("weights/"));
        });

        workspace.Write("tiny.yaml", File.ReadAllText(Path.Combine(workspace.Folder, "tiny.yaml")).Replace("steps: 100000000,", "steps: 50,", StringComparison.Ordinal));
        var next = workspace.Toy("run", "tiny.yaml");
        Assert.Multiple(() =>
        {
            Assert.That((next.Code, next.Error), Is.EqualTo((0, "")));
            Assert.That(next.Out, Does.Match(@"\ngenerate +unchanged\ntrain +done in"));
        });
    }
}
