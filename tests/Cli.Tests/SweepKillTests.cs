using System.Diagnostics;

namespace ToyPipeline.Cli.Tests;

/// <summary>Sweeps that are killed, interrupted, or begun twice.</summary>
[Platform("Linux,MacOsX", Reason = "Signals are sent with kill(1).")]
public sealed class SweepKillTests
{
    private const int Kills = 50;
    private const int AllPacks = 60;

    [Test, Category("Slow")]
    public void Killed_at_fifty_moments_a_sweep_ends_as_an_undisturbed_one_and_trains_no_finished_pack_again()
    {
        int seed = Environment.TickCount;
        TestContext.Out.WriteLine($"Moments from seed {seed}.");
        var random = new Random(seed);
        using var workspace = new Workspace();
        workspace.Write("tiny.yaml", Sweeping.Experiment);
        var standing = new Dictionary<string, DateTime>();
        int kills = 0, amidTraining = 0, afterTraining = 0;
        // How long a process takes to its first pack, on this machine as busy as it is now.
        var start = TimeSpan.Zero;
        while (kills < Kills)
        {
            using var process = Toy.Start(workspace.Folder, [], Toy.Executable, ["sweep", "tiny.yaml", "--json"]);
            if (start == TimeSpan.Zero)
            {
                var clock = Stopwatch.StartNew();
                while (Sweeping.Packs(workspace).Count == 0 && !process.HasExited)
                    Thread.Sleep(1);
                start = clock.Elapsed;
            }
            else if (kills % 2 == 0 || standing.Count == AllPacks)
            {
                // Any moment; what follows training takes longer than a start.
                process.WaitForExit(start * random.NextDouble() * (standing.Count < AllPacks ? 1 : 3));
            }
            else
            {
                // A moment soon after some packs: a machine that is busy at times would else see none.
                int wanted = Math.Min(AllPacks, standing.Count + random.Next(1, 4));
                while (Sweeping.Packs(workspace).Count < wanted && !process.HasExited)
                    Thread.Sleep(1);
                process.WaitForExit(start * random.NextDouble() * 0.2);
            }

            if (process.HasExited)
            {
                // It was through before its moment came: the remaining kills are for another one.
                Assert.That(process.ExitCode, Is.Zero, process.StandardError.ReadToEnd());
                Directory.Delete(workspace.Run, recursive: true);
                standing.Clear();
                continue;
            }

            process.Kill();
            process.WaitForExit();
            kills++;
            var packs = Sweeping.Packs(workspace);
            Assert.That(standing.Except(packs), Is.Empty, $"after kill {kills} every pack that stood is as it was");
            amidTraining += packs.Count > standing.Count ? 1 : 0;
            afterTraining += standing.Count == AllPacks ? 1 : 0;
            standing = packs;
        }

        TestContext.Out.WriteLine($"{amidTraining} kills came after new packs, {afterTraining} when all were trained; {standing.Count} of {AllPacks} packs stand.");
        Assert.That(amidTraining, Is.GreaterThan(Kills / 10), "the moments are spread over the sweep");
        var (code, output, error) = workspace.Toy("sweep", "tiny.yaml");
        Assert.That((code, error), Is.EqualTo((0, "")), output);
        Assert.That(standing.Except(Sweeping.Packs(workspace)), Is.Empty);
        using var undisturbed = Sweeping.Undisturbed(Sweeping.Experiment);
        Sweeping.AssertSame(workspace, undisturbed);
    }

    [TestCase("data"), TestCase("models"), TestCase("analysis"), TestCase("figures"), TestCase("report.html"), Category("Slow")]
    public void Killed_while_a_stage_writes_a_sweep_ends_as_an_undisturbed_one(string written)
    {
        using var workspace = new Workspace();
        workspace.Write("tiny.yaml", Sweeping.Quick);
        using var process = Toy.Start(workspace.Folder, [], Toy.Executable, ["sweep", "tiny.yaml", "--json"]);
        var clock = Stopwatch.StartNew();
        while (!Begun() && clock.Elapsed < TimeSpan.FromMinutes(2))
            Thread.Sleep(0);
        process.Kill();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Not.Zero, $"killed when {written} was begun");
        var packs = Sweeping.Packs(workspace);
        Assert.That(workspace.Toy("sweep", "tiny.yaml").Code, Is.Zero);
        Assert.That(packs.Except(Sweeping.Packs(workspace)), Is.Empty);
        Sweeping.AssertSame(workspace, Sweeping.UndisturbedQuick.Value);

        // The first file of a folder, whole or in part; the page while it is written.
        bool Begun()
        {
            string path = Path.Combine(workspace.Run, written);
            return Path.HasExtension(written)
                ? Directory.Exists(workspace.Run) && Directory.EnumerateFiles(workspace.Run, $"*{written}*").Any()
                : Directory.Exists(path) && Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Any();
        }
    }

    [Test]
    public void Ctrl_C_ends_with_a_sentence_and_whole_packs_and_a_second_sweep_is_refused_meanwhile()
    {
        using var workspace = new Workspace();
        workspace.Write("tiny.yaml", Sweeping.Experiment);
        // A process that was started in the background of a script ignores SIGINT, and so do its children: undone here.
        var (file, first) = OperatingSystem.IsLinux() ? ("/usr/bin/env", ["--default-signal=INT", Toy.Executable]) : (Toy.Executable, Array.Empty<string>());
        using var process = Toy.Start(workspace.Folder, [], file, [.. first, "sweep", "tiny.yaml"]);
        var clock = Stopwatch.StartNew();
        while (Sweeping.Packs(workspace).Count < 3 && clock.Elapsed < TimeSpan.FromMinutes(1))
            Thread.Sleep(10);
        var second = workspace.Toy("sweep", "tiny.yaml");
        Sweeping.Signal(process, "INT");
        var (code, output, error) = Toy.End(process);
        Assert.Multiple(() =>
        {
            Assert.That(second.Code, Is.EqualTo(3));
            Assert.That(second.Error, Does.Match($@"^error: artifacts.tiny is held by process {process.Id} on \S+ since .*; wait until it has finished, or stop it\.\n$"));
            Assert.That((code, error), Is.EqualTo((130, "error: Interrupted: what is finished is kept; run the same command again to go on.\n")), output);
            Assert.That(workspace.Files().Keys, Has.None.EndsWith(".partial"));
        });
        var packs = Sweeping.Packs(workspace);
        string renamed = Sweeping.Experiment.Replace("title: A tiny sweep", "title: Gone on", StringComparison.Ordinal);
        workspace.Write("tiny.yaml", renamed);
        Assert.That(workspace.Toy("sweep", "tiny.yaml").Code, Is.Zero);
        Assert.That(packs, Is.Not.Empty);
        using var undisturbed = Sweeping.Undisturbed(renamed);
        Sweeping.AssertSame(workspace, undisturbed);
    }
}
