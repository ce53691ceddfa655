using System.Diagnostics;
using System.Globalization;
using ToyPipeline.Cli.Tests;

namespace ToyPipeline.Cluster;

/// <summary><c>toy sweep --executor slurm</c> on a real Slurm.</summary>
[Category("Cluster")]
[Platform("Linux")]
public sealed class SlurmTests
{
    // Each learning rate makes a pack of its own.
    private const string Experiment = """
        name: grid
        title: Eight packs
        model: { kind: relu-output, features: 5, hidden: 2 }
        data: { train: { samples: 500 } }
        training: { steps: STEPS, batch: 64 }
        axes:
          - { path: training.optimizer.lr, values: [0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008] }
          - { path: data.sparsity, values: [0.0, 0.9] }
        evaluation: { samples: 2000 }
        claims:
          - { at: { data.sparsity: 0.0, training.optimizer.lr: 0.001 }, measure: loss, at_most: 1 }

        """;

    private const int Brief = 50;

    // Some seconds a pack: long enough to be stopped in the middle.
    private const int Long = 60_000;

    private static readonly Dictionary<int, Dictionary<string, byte[]>> s_local = [];
    private string _folder = "";

    private string Run => Path.Combine(_folder, "artifacts", "grid");

    private string Sweep => Path.Combine(Run, "sweep");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("toy-cluster-run-").FullName;

    [TearDown]
    public void TakeBackAndDelete()
    {
        // What a failed test left in the queue is not for the next one to wait for.
        TestCluster.Ask("scancel", $"--user={Environment.UserName}", "--quiet");
        Wait.Until("the queue is empty", () => TestCluster.Ask("squeue", "--noheader").Length == 0);
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public void A_sweep_on_the_cluster_gives_the_bytes_of_one_on_this_machine_and_is_collected_again_without_a_change()
    {
        var submitted = SweepOnSlurm(Brief, "--packs-per-task", "2", "--max-parallel", "3");
        Assert.Multiple(() =>
        {
            Assert.That((submitted.Code, submitted.Error), Is.EqualTo((0, "")));
            Assert.That(submitted.Out, Does.Match(@"\bJob \d+ submitted: 4 tasks of at most 2 packs\. How far it is: toy sweep status artifacts/grid\. "));
            Assert.That(File.ReadAllLines(Path.Combine(Sweep, "submission-0001", "tasks.txt")), Is.EqualTo(new[] { "0-1", "2-3", "4-5", "6-7" }));
        });

        var waited = SweepOnSlurm(Brief, "--wait");
        Assert.That((waited.Code, waited.Error), Is.EqualTo((0, "")));
        var status = Ask("sweep", "status", Run);
        Assert.That((status.Code, status.Lines[0]), Is.EqualTo((0, $"note: 8 of 8 packs stand in {Run}.")));

        var first = Files();
        AssertSameAsLocal(Brief, first);
        var again = SweepOnSlurm(Brief);
        Assert.That((again.Code, again.Error), Is.EqualTo((0, "")));
        Assert.That(again.Out, Does.Match(@"train +unchanged"));
        Assert.That(Files(), Is.EqualTo(first));
        Assert.That(Submissions, Is.EqualTo(1));
    }

    [Test]
    public void Where_a_node_dies_the_sweep_finishes_on_the_other()
    {
        try
        {
            // Long enough that no task ends between the look at the queue and the cut.
            const int Longer = 4 * Long;
            // Slurm itself would begin the tasks again too, but only minutes later.
            using var waiting = Start(Longer, "--wait", "--sbatch=--no-requeue");
            Wait.Until("a task runs on node2", () => TestCluster.Ask("squeue", "--noheader", "--nodelist=node2", "--states=RUNNING", "--format=%K").Length > 0);
            TestCluster.Kill("node2");
            var end = Toy.End(waiting);
            Assert.That((end.Code, end.Error), Is.EqualTo((0, "")));
            AssertSameAsLocal(Longer, Files());
            Assert.That(Submissions, Is.EqualTo(2), "what was on the node was submitted again");
            Assert.That(File.ReadAllText(Path.Combine(Sweep, "submission-0001", "ended.json")), Does.Contain("node2"));
        }
        finally
        {
            TestCluster.Revive("node2");
        }
    }

    [Test]
    public void What_is_taken_back_with_scancel_is_told_and_submitted_when_the_command_is_given_again()
    {
        using var waiting = Start(Long, "--wait");
        Wait.Until("a task runs", () => Running().Length > 0);
        string task = Running()[0];
        TestCluster.Ask("scancel", task);
        var end = Toy.End(waiting);
        string job = task.Split('_')[0];
        Assert.That((end.Code, end.Error), Is.EqualTo((3, $"error: Job {job}: 1 task taken back with scancel; run the same command again to submit what is missing.\n")));

        var again = SweepOnSlurm(Long, "--wait");
        Assert.That((again.Code, again.Error), Is.EqualTo((0, "")));
        AssertSameAsLocal(Long, Files());
    }

    [Test]
    public void A_command_that_was_killed_is_taken_up_where_it_was()
    {
        using var waiting = Start(Long, "--wait");
        Wait.Until("a task runs", () => Running().Length > 0);
        waiting.Kill();
        waiting.WaitForExit();
        var status = Ask("sweep", "status", Run);
        Assert.That((status.Code, status.Error), Is.EqualTo((0, "")));
        Assert.That(status.Out, Does.Match(@"of 8 packs stand in (?s:.*)\d+ +sweep/submission-0001 +8 +8 +\d +yes +.*[1-4] RUNNING"));
        // As if it had died before it wrote down the job's number.
        File.Delete(Path.Combine(Sweep, "submission-0001", "job.txt"));

        var again = SweepOnSlurm(Long, "--wait");
        Assert.That((again.Code, again.Error), Is.EqualTo((0, "")));
        AssertSameAsLocal(Long, Files());
        Assert.That(Submissions, Is.EqualTo(1), "nothing was submitted twice");
    }

    [Test]
    public void Packs_that_cannot_be_trained_are_given_up_and_the_others_finish()
    {
        Write(Brief, Experiment.Replace("0.004,", "1.0e+30,", StringComparison.Ordinal));
        var end = Ask("sweep", "grid.yaml", "--executor", "slurm", "--wait", "--max-attempts", "2", "--packs-per-task", "4");
        Assert.Multiple(() =>
        {
            Assert.That(end.Code, Is.EqualTo(3));
            Assert.That(end.Error, Does.Match(@"^error: 1 of 8 packs cannot be trained: task \d+ of job \d+ \(packs 3\) ended as FAILED on node[12]; see "));
            Assert.That(end.Error, Does.Contain("error: Training diverged at instance "), "the end of the task's log");
            Assert.That(Directory.GetFiles(Path.Combine(Run, "weights"), "pack-*.safetensors").Count(path => !path.Contains("history", StringComparison.Ordinal)), Is.EqualTo(7));
        });
    }

    [TestCase("--partition=nope", 2, "error: There is no partition nope on this cluster; --partition takes one of: main.\n")]
    [TestCase("--time=soon", 2, "error: --time soon is no time limit; write minutes, hours:minutes:seconds, days-hours or days-hours:minutes:seconds, for example 2:00:00.\n")]
    [TestCase("--sbatch=--mem=9999G", 2, "error: sbatch refuses: Memory specification can not be satisfied; Requested node configuration is not available; change --partition, --time or --sbatch, and run the same command again.\n")]
    [TestCase("--max-parallel=0", 2, "error: --max-parallel 0 is too small; write a number from 1 up.\n")]
    public void What_the_cluster_does_not_take_is_told_in_a_sentence(string option, int code, string sentence)
    {
        var end = SweepOnSlurm(Brief, option);
        Assert.That((end.Code, end.Error), Is.EqualTo((code, sentence)));
    }

    [Test]
    public void A_cluster_that_does_not_answer_is_told_in_a_sentence()
    {
        // The same cluster at a port where nobody listens.
        string dead = Path.Combine(_folder, "slurm.conf");
        File.WriteAllLines(dead, File.ReadLines(TestCluster.Reach.Value).Select(line => line.StartsWith("SlurmctldPort=", StringComparison.Ordinal) ? "SlurmctldPort=1" : line));
        Write(Brief, Experiment);
        var end = Toy.Run(_folder, [("SLURM_CONF", dead)], ["sweep", "grid.yaml", "--executor", "slurm"]);
        Assert.That(end.Code, Is.EqualTo(3));
        Assert.That(end.Error, Does.Match(@"^error: The cluster does not answer sinfo: .*Unable to contact slurm controller \(connect failure\); see whether `sinfo` lists its nodes, and run the same command again\.\n$"));
    }

    private static string[] Running() =>
        TestCluster.Ask("squeue", "--noheader", "--states=RUNNING", "--format=%i").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private int Submissions => Directory.GetDirectories(Sweep).Length;

    private ToyResult SweepOnSlurm(int steps, params string[] options)
    {
        Write(steps, Experiment);
        return Ask(["sweep", "grid.yaml", "--executor", "slurm", .. options]);
    }

    private ToyResult Ask(params string[] arguments) => Toy.Run(_folder, [TestCluster.Reach], arguments);

    private Process Start(int steps, params string[] options)
    {
        Write(steps, Experiment);
        return Toy.Start(_folder, [TestCluster.Reach], Toy.Executable, ["sweep", "grid.yaml", "--executor", "slurm", .. options]);
    }

    private void Write(int steps, string experiment) =>
        File.WriteAllText(Path.Combine(_folder, "grid.yaml"), experiment.Replace("STEPS", steps.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));

    private Dictionary<string, byte[]> Files() => Files(Run);

    // All that a run gives but for the times that it took, and how it came about.
    private static Dictionary<string, byte[]> Files(string run) =>
        Directory.EnumerateFiles(run, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(run, path))
            .Where(path => !path.StartsWith('.') && !path.StartsWith("sweep/", StringComparison.Ordinal) && path is not ("manifest.json" or "report.html"))
            .ToDictionary(path => path, path => File.ReadAllBytes(Path.Combine(run, path)));

    private void AssertSameAsLocal(int steps, Dictionary<string, byte[]> files)
    {
        if (!s_local.TryGetValue(steps, out var local))
        {
            Write(steps, Experiment);
            var end = Toy.Run(_folder, "sweep", "grid.yaml", "--artifacts", "local");
            Assert.That((end.Code, end.Error), Is.EqualTo((0, "")));
            s_local[steps] = local = Files(Path.Combine(_folder, "local", "grid"));
        }

        Assert.That(files.Keys, Is.EquivalentTo(local.Keys));
        Assert.That(files.Keys, Has.Member("weights/pack-00007.safetensors").And.Member("analysis/cells.csv"));
        Assert.That(local.Keys.Where(path => !files[path].AsSpan().SequenceEqual(local[path])), Is.Empty, "files that differ");
    }
}
