using System.Diagnostics;
using ToyPipeline.Sweeps.Tests;

namespace ToyPipeline.Cli.Tests;

/// <summary><c>toy nightly</c> from plan to page, and what may be wrong with a night.</summary>
public sealed class NightlyTests
{
    private const string Plan = """
        experiments:
          - { file: ../tiny.yaml }
          - { file: ../second.yaml }
        metrics:
          - { name: loss_best, worse: higher, relative: 0.01 }
          - { name: "seconds[train]", worse: never }

        """;

    private static readonly string s_nights = Path.Combine("artifacts", "nightly");

    [Test]
    public void Nights_are_compared_and_a_regression_is_exit_code_1_until_it_is_accepted()
    {
        using var workspace = Make();
        var first = Night(workspace);
        Assert.Multiple(() =>
        {
            Assert.That((first.Code, first.Error), Is.EqualTo((0, "")));
            Assert.That(first.Out, Does.Contain("note: Night 1: good; no good night before it to compare with.\n").And.Contain("report: " + Path.Combine(s_nights, "index.html")));
            Assert.That(Summary(workspace), Does.StartWith("# Night 1: good\n").And.Match(@"2 experiments in 0:\d\d, 2 of 2 claims hold").And.Match(@"\[All nights\]\(file:///.*/artifacts/nightly/index\.html\)"));
            Assert.That(Directory.GetFiles(Path.Combine(workspace.Folder, s_nights), "report.html", SearchOption.AllDirectories), Has.Length.EqualTo(2));
        });

        // A tenth of the steps: the loss is a great deal higher.
        workspace.Write("second.yaml", Second.Replace("steps: 50", "steps: 5", StringComparison.Ordinal));
        var second = Night(workspace, "--link", "https://nights.example");
        Assert.Multiple(() =>
        {
            Assert.That((second.Code, second.Error), Is.EqualTo((1, "")));
            Assert.That(second.Out, Does.Match(@"\nregression +second +data\.sparsity = 0\.9 +loss_best +\S+ +\S+ +at most \S+\n").And.Match(@"\nnote: Night 2: \d regressions?; compared with night 1 of "));
            Assert.That(Summary(workspace), Does.Match(@"# Night 2: \d regression").And.Contain("- second: The experiment changed since the last good night.").And.Contain("[All nights](https://nights.example)"));
            Assert.That(Page(workspace), Does.Contain("✗ Night 2: ").And.Contain("<svg class=\"spark\"").And.Not.Contain("src=\"http"));
        });

        Assert.That(workspace.Toy("nightly", "plan", "--accept").Out, Does.StartWith("note: Night 2 of "));
        Assert.That(Night(workspace).Code, Is.Zero);
    }

    [Test]
    public void One_experiment_that_fails_does_not_stop_the_others()
    {
        using var workspace = Make();
        workspace.Write("tiny.yaml", Workspace.TinyExperiment.Replace("batch: 64", "batch: 64, optimizer: { kind: sgd, lr: 1e30 }", StringComparison.Ordinal));
        var (code, output, error) = Night(workspace);
        Assert.Multiple(() =>
        {
            Assert.That(code, Is.EqualTo(2));
            Assert.That(error, Does.Match(@"^error: Training diverged at .*\n$"));
            Assert.That(output, Does.Contain("second: A tiny experiment").And.Contain("note: Night 1: 1 failed run;"));
            Assert.That(Summary(workspace), Does.Contain("## Did not finish").And.Contain("| tiny | Training diverged at ").And.Contain("1 of 1 claim hold"));
        });
    }

    [Test]
    [Platform("Linux,MacOsX", Reason = "Signals are sent with kill(1).")]
    public void A_second_night_leaves_and_one_that_was_killed_is_unfinished()
    {
        using var workspace = Make();
        using var process = StartEndless(workspace);

        workspace.Write("summary.md", "of the night that runs");
        var left = Night(workspace);
        Assert.Multiple(() =>
        {
            Assert.That(left.Code, Is.EqualTo(3));
            Assert.That(left.Error, Does.Match($@"^error: Another night is running in \S+, process {process.Id} on \S+ since .* UTC; nothing was done: run again later, or with --if-running wait\.\n$"));
            Assert.That(Summary(workspace), Is.EqualTo("of the night that runs"));
        });

        process.Kill();
        process.WaitForExit();
        workspace.Write("second.yaml", Second);
        var next = Night(workspace);
        Assert.Multiple(() =>
        {
            Assert.That((next.Code, next.Error), Is.EqualTo((0, "")));
            Assert.That(next.Out, Does.Contain("note: The night before this one was killed or interrupted before its end; it counts as unfinished.").And.Contain("note: Night 2: good; no good night before it"));
            Assert.That(Page(workspace), Does.Contain("– unfinished").And.Contain("✓ good"));
        });
    }

    [Test]
    [Platform("Linux", Reason = "Signals are sent with kill(1), and env(1) lets a background process take them.")]
    public void An_interrupted_night_is_unfinished_and_says_so()
    {
        using var workspace = Make();
        using var process = StartEndless(workspace);
        using (var kill = Process.Start("kill", ["-INT", $"{process.Id}"]))
            kill.WaitForExit();
        var (code, output, _) = Toy.End(process);
        Assert.Multiple(() =>
        {
            Assert.That(code, Is.EqualTo(130));
            Assert.That(output, Does.Contain("Interrupted: night 1 counts as unfinished; the same command begins another one."));
            Assert.That(File.ReadAllText(Path.Combine(workspace.Folder, s_nights, "history.json")), Does.Contain("\"status\":\"unfinished\""));
        });
    }

    [Test]
    public void What_is_wrong_is_one_sentence_and_the_summary_says_it_too()
    {
        using var workspace = Make();
        workspace.Write("plan/plan.yaml", Plan.Replace("../second.yaml", "../secnd.yaml", StringComparison.Ordinal));
        Refused(workspace, 2, "experiments[1].file is ../secnd.yaml, and there is no experiment secnd.yaml; did you mean second.yaml?.");
        Assert.That(Directory.Exists(Path.Combine(workspace.Folder, "artifacts")), Is.False, "nothing was begun");
        workspace.Write("plan/plan.yaml", Plan);
        Refused(workspace, 2, "--if-running is never; allowed: wait, leave.", "--if-running", "never");
        workspace.Write("artifacts/nightly/history.sqlite", new string('x', 5000));
        Refused(workspace, 2, "is damaged (file is not a database): put a copy of it back, or move it away, and the next night begins a new one.");
        workspace.Write("file", "");
        Refused(workspace, 3, "The folder of the nights, " + Path.Combine("file", "nightly") + ", cannot be written: ", "--artifacts", "file");
    }

    [Test]
    [Platform("Linux", Reason = "Mounts a small file system.")]
    public void A_full_disk_is_the_environments_fault_and_the_next_night_is_whole()
    {
        using var workspace = Make();
        string artifacts = Path.Combine(workspace.Folder, "artifacts");
        Directory.CreateDirectory(artifacts);
        using var disk = SmallDisk.Mount(artifacts, "400k");
        var (code, _, error) = Night(workspace);
        Assert.Multiple(() =>
        {
            Assert.That(code, Is.EqualTo(3));
            Assert.That(error.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.All.StartsWith("error: ").And.None.Contain("   at "));
            Assert.That(error, Does.Contain("No space left on device").Or.Contain("the disk is full"));
        });
        disk.Remount("size=64m");
        var next = Night(workspace);
        Assert.Multiple(() =>
        {
            Assert.That((next.Code, next.Error), Is.EqualTo((0, "")));
            Assert.That(next.Out, Does.Match(@"note: Night \d: good; no good night before it to compare with"));
        });
    }

    private static string Second => Workspace.TinyExperiment.Replace("name: tiny", "name: second", StringComparison.Ordinal);

    private static Workspace Make()
    {
        var workspace = new Workspace();
        workspace.Write("second.yaml", Second);
        workspace.Write("plan/plan.yaml", Plan);
        return workspace;
    }

    // A night whose second experiment is in the middle of its training.
    private static Process StartEndless(Workspace workspace)
    {
        workspace.Write("second.yaml", Second.Replace("steps: 50,", "steps: 100000000,", StringComparison.Ordinal).Replace("replicas: 2", "replicas: 1", StringComparison.Ordinal));
        // A process that was started in the background of a script ignores SIGINT, and so do its children: undone here.
        var (file, first) = OperatingSystem.IsLinux() ? ("/usr/bin/env", ["--default-signal=INT", Toy.Executable]) : (Toy.Executable, Array.Empty<string>());
        var process = Toy.Start(workspace.Folder, [], file, [.. first, "nightly", "plan", "--json"]);
        string? line;
        do
            line = process.StandardOutput.ReadLine();
        while (line is not null && !line.Contains("\"progress\",\"stage\":\"train\"", StringComparison.Ordinal));
        Assert.That(line, Is.Not.Null, "the second experiment trains");
        return process;
    }

    private static ToyResult Night(Workspace workspace, params string[] more) => workspace.Toy(["nightly", "plan", "--summary", "summary.md", .. more]);

    private static string Summary(Workspace workspace) => File.ReadAllText(Path.Combine(workspace.Folder, "summary.md"));

    private static string Page(Workspace workspace) => System.Net.WebUtility.HtmlDecode(File.ReadAllText(Path.Combine(workspace.Folder, s_nights, "index.html")));

    private static void Refused(Workspace workspace, int code, string expected, params string[] more)
    {
        var result = Night(workspace, more);
        Assert.Multiple(() =>
        {
            Assert.That(result.Code, Is.EqualTo(code));
            Assert.That(result.Error, Does.StartWith("error: ").And.Contains(expected));
            Assert.That(result.Error.TrimEnd('\r', '\n'), Does.Not.Contain("\n").And.Not.Contain("   at "), "one line, no stack trace");
            Assert.That(Summary(workspace), Is.EqualTo($"# Night: did not finish\n\n{result.Error["error: ".Length..].TrimEnd()}\n"));
        });
    }
}
