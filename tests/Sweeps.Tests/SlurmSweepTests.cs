using ToyPipeline.Core;
using ToyPipeline.Sweeps.Slurm;

namespace ToyPipeline.Sweeps.Tests;

/// <summary>What a step of a sweep decides from the run folder and the queue.</summary>
[Platform("Linux,MacOsX", Reason = "Slurm's commands are played by shell scripts.")]
[NonParallelizable]
public sealed class SlurmSweepTests
{
    private readonly HashSet<int> _standing = [];
    private FakeSlurm _slurm = null!;

    private string Root => Path.Combine(_slurm.Folder, "artifacts", "grid");

    [SetUp]
    public void Start()
    {
        _slurm = new FakeSlurm();
        _standing.Clear();
    }

    [TearDown]
    public void Stop() => _slurm.Dispose();

    [Test]
    public void The_packs_that_do_not_stand_are_submitted()
    {
        _standing.Add(2);
        var step = Sweep(6, new SlurmOptions { PacksPerTask = 2, MaxParallel = 4, Partition = "long", Time = "1:00:00", Extra = ["--account=lab", "--array=0-99"] }).Next();
        string call = _slurm.Submitted.Single();
        Assert.Multiple(() =>
        {
            Assert.That((step.Phase, string.Join(',', step.Jobs), step.Tasks, step.PacksPerTask), Is.EqualTo((SlurmPhase.Submitted, "1", 3, 2)));
            Assert.That(File.ReadAllLines(InFolder(1, "tasks.txt")), Is.EqualTo(new[] { "0-1", "3-4", "5" }));
            Assert.That(call, Does.StartWith("--parsable --requeue --partition=long --time=1:00:00 --account=lab --array=0-99 --array=0-2%4 --job-name=toy-grid-1-"));
            Assert.That(call, Does.Contain($" --chdir={Path.GetDirectoryName(InFolder(1, "job.sh"))} --output=%A_%a.log --open-mode=append {InFolder(1, "job.sh")}"));
            Assert.That(File.ReadAllText(InFolder(1, "job.sh")), Does.Contain($"exec toy sweep task {Root} --packs \"$packs\"\n"));
        });
    }

    [Test]
    public void While_tasks_are_in_the_queue_nothing_is_submitted()
    {
        var sweep = Sweep(2);
        sweep.Next();
        _slurm.List(("1", 0, "RUNNING"), ("1", 1, "FAILED"));
        var step = sweep.Next();
        Assert.That((step.Phase, step.Tasks, _slurm.Submitted.Length), Is.EqualTo((SlurmPhase.Running, 1, 1)));
    }

    [Test]
    public void A_pack_is_done_when_it_stands_and_not_when_Slurm_says_so()
    {
        var sweep = Sweep(2);
        sweep.Next();
        _slurm.List(("1", 0, "COMPLETED"), ("1", 1, "COMPLETED"));
        _standing.Add(0);
        Assert.That((sweep.Next().Phase, File.ReadAllText(InFolder(2, "tasks.txt")), sweep.Standing), Is.EqualTo((SlurmPhase.Submitted, "1\n", 1)));
        _slurm.List();
        _standing.Add(1);
        Assert.That((sweep.Next().Phase, sweep.Standing), Is.EqualTo((SlurmPhase.Complete, 2)));
        Assert.That(sweep.Next().Phase, Is.EqualTo(SlurmPhase.Complete), "to look again changes nothing");
    }

    [Test]
    public void What_fails_is_tried_up_to_the_limit_and_then_given_up_with_the_end_of_its_log()
    {
        var sweep = Sweep(2, new SlurmOptions { MaxAttempts = 2 });
        sweep.Next();
        _standing.Add(0);
        End(1, ("COMPLETED", "fine"), ("TIMEOUT", "too slow"));
        Assert.That(sweep.Next().Phase, Is.EqualTo(SlurmPhase.Submitted));
        End(2, ("NODE_FAIL", "first line\nlast line"));
        var step = sweep.Next();
        Assert.That(step.Phase, Is.EqualTo(SlurmPhase.Failed));
        Assert.That(step.Failed, Is.EqualTo(new[] { new FailedTask("2", 0, "1", "NODE_FAIL", "node1", InFolder(2, "2_0.log"), "first line\nlast line") }));
        Assert.That(Sweep(2, new SlurmOptions { MaxAttempts = 3 }).Next().Phase, Is.EqualTo(SlurmPhase.Submitted), "a higher limit tries again");
    }

    [Test]
    public void A_task_that_finished_a_pack_has_not_failed()
    {
        var sweep = Sweep(4, new SlurmOptions { PacksPerTask = 4, MaxAttempts = 1 });
        sweep.Next();
        for (int done = 0; done < 3; done++)
        {
            _standing.Add(done);
            End(done + 1, ("TIMEOUT", "slow"));
            Assert.That(sweep.Next().Phase, Is.EqualTo(SlurmPhase.Submitted));
        }

        End(4, ("TIMEOUT", "slow"));
        Assert.That(sweep.Next().Failed.Single().Packs, Is.EqualTo("3"));
    }

    [Test]
    public void Packs_that_were_made_and_then_deleted_have_not_failed()
    {
        Sweep(1, new SlurmOptions { MaxAttempts = 1 }).Next();
        _standing.Add(0);
        End(1, ("COMPLETED", "fine"));
        Assert.That(Sweep(1, new SlurmOptions { MaxAttempts = 1 }).Next().Phase, Is.EqualTo(SlurmPhase.Complete));
        _standing.Clear();
        Assert.That(Sweep(1, new SlurmOptions { MaxAttempts = 1 }).Next().Phase, Is.EqualTo(SlurmPhase.Submitted));
    }

    [Test]
    public void After_a_failure_tasks_are_small()
    {
        var sweep = Sweep(4, new SlurmOptions { PacksPerTask = 4 });
        sweep.Next();
        End(1, ("FAILED", "no"));
        sweep.Next();
        Assert.That(File.ReadAllLines(InFolder(2, "tasks.txt")), Is.EqualTo(new[] { "0", "1", "2", "3" }));
    }

    [Test]
    public void A_job_whose_number_was_never_written_down_is_found_by_its_name()
    {
        Sweep(2).Next();
        File.Delete(InFolder(1, "job.txt"));
        _slurm.List(("1", 0, "PENDING"), ("1", 1, "PENDING"));
        var step = Sweep(2).Next();
        Assert.That((step.Phase, string.Join(',', step.Jobs), _slurm.Submitted.Length), Is.EqualTo((SlurmPhase.Running, "1", 1)));
        Assert.That(File.ReadAllText(InFolder(1, "job.txt")), Is.EqualTo("1\n"));
    }

    [Test]
    public void A_job_that_Slurm_has_forgotten_is_known_by_its_logs()
    {
        Sweep(1, new SlurmOptions { MaxAttempts = 1 }).Next();
        File.Delete(InFolder(1, "job.txt"));
        File.WriteAllText(InFolder(1, "1_0.log"), "error: no\n");
        var step = Sweep(1, new SlurmOptions { MaxAttempts = 1 }).Next();
        Assert.That((step.Phase, step.Failed.Single().LogTail), Is.EqualTo((SlurmPhase.Failed, "error: no")));
    }

    [Test]
    public void A_submission_that_never_came_to_Slurm_does_not_count()
    {
        _slurm.Command("sbatch", "echo 'sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)' >&2; exit 1");
        Assert.That(() => Sweep(1).Next(), Throws.TypeOf<EnvironmentFaultException>());
        _slurm.Command("sbatch", "echo 7");
        Assert.That(Sweep(1, new SlurmOptions { MaxAttempts = 1 }).Next().Jobs, Is.EqualTo(new[] { "7" }));
    }

    [Test]
    public void A_submission_that_Slurm_refuses_leaves_nothing_behind()
    {
        _slurm.Command("sbatch", "echo 'sbatch: error: Invalid account or account/partition combination specified' >&2; exit 1");
        Assert.That(() => Sweep(1).Next(), Throws.TypeOf<InvalidInputException>().With.Message.StartsWith("sbatch refuses: Invalid account"));
        _slurm.Command("sbatch", "echo 7");
        Sweep(1).Next();
        Assert.That(Directory.GetDirectories(Path.Combine(Root, "sweep")), Has.Length.EqualTo(1));
    }

    [Test]
    public void What_was_taken_back_is_left_alone_until_the_command_is_given_again()
    {
        var sweep = Sweep(2, new SlurmOptions { MaxAttempts = 1 });
        sweep.Next();
        _standing.Add(0);
        End(1, ("COMPLETED", "fine"), ("CANCELLED", "slurmstepd: error: CANCELLED"));
        var step = sweep.Next();
        Assert.That((step.Phase, string.Join(',', step.Jobs), step.Tasks), Is.EqualTo((SlurmPhase.Cancelled, "1", 1)));
        Assert.That(sweep.Next().Phase, Is.EqualTo(SlurmPhase.Cancelled), "also where Slurm has forgotten it");
        Assert.That(Sweep(2, new SlurmOptions { MaxAttempts = 1 }).Next().Phase, Is.EqualTo(SlurmPhase.Submitted), "and it was no attempt");
    }

    [Test]
    public void A_task_that_is_gone_without_a_log_never_began()
    {
        var sweep = Sweep(2, new SlurmOptions { MaxAttempts = 1 });
        sweep.Next();
        _standing.Add(0);
        End(1, ("COMPLETED", "fine"));
        Assert.That(sweep.Next().Phase, Is.EqualTo(SlurmPhase.Cancelled));
    }

    [Test]
    public void More_tasks_than_an_array_may_have_make_arrays_one_after_the_other()
    {
        _slurm.MaxArraySize(3);
        var step = Sweep(7, new SlurmOptions { PacksPerTask = 1 }).Next();
        Assert.Multiple(() =>
        {
            Assert.That((string.Join(',', step.Jobs), step.Tasks), Is.EqualTo(("1,2,3", 7)));
            Assert.That(_slurm.Submitted[0], Does.Contain("--array=0-2 ").And.Not.Contain("--dependency"));
            Assert.That(_slurm.Submitted[1], Does.Contain("--dependency=afterany:1 --array=0-2 "));
            Assert.That(_slurm.Submitted[2], Does.Contain("--dependency=afterany:2 --array=0-0 "));
            Assert.That(File.ReadAllText(InFolder(3, "tasks.txt")), Is.EqualTo("6\n"));
        });
    }

    [Test]
    public void Where_nothing_is_said_tasks_have_as_many_packs_as_it_takes_to_fit_an_array()
    {
        _slurm.MaxArraySize(3);
        var step = Sweep(7).Next();
        Assert.That((step.Jobs.Count, step.Tasks, step.PacksPerTask), Is.EqualTo((1, 3, 3)));
    }

    [Test]
    public void A_job_of_an_earlier_form_of_the_experiment_is_not_mixed_with_this_one()
    {
        Sweep(1).Next();
        _slurm.List(("1", 0, "RUNNING"));
        Assert.That(() => Sweep(1, plan: "another").Next(), Throws.TypeOf<InvalidInputException>().With.Message.StartsWith($"Job 1 trains {Root} for an earlier form of the experiment or of the code: `scancel 1`"));
        _slurm.List(("1", 0, "CANCELLED"));
        Assert.That(Sweep(1, plan: "another").Next().Phase, Is.EqualTo(SlurmPhase.Submitted));
    }

    [Test]
    public void A_job_that_will_never_start_is_told()
    {
        var sweep = Sweep(1);
        sweep.Next();
        _slurm.ListWaiting("1", 0, "PartitionTimeLimit");
        Assert.That(sweep.Next, Throws.TypeOf<InvalidInputException>().With.Message.StartsWith("Job 1 will not start (PartitionTimeLimit): `scancel 1`"));
    }

    [Test]
    public void The_accounting_knows_what_the_controller_has_forgotten()
    {
        var sweep = Sweep(1, new SlurmOptions { MaxAttempts = 1 });
        sweep.Next();
        File.WriteAllText(InFolder(1, "1_0.log"), "");
        _slurm.Command("sacct", "echo '1_0|OUT_OF_MEMORY|node2'");
        var failed = sweep.Next().Failed.Single();
        Assert.That((failed.State, failed.Node), Is.EqualTo(("OUT_OF_MEMORY", "node2")));
    }

    [Test]
    public void A_damaged_submission_is_told()
    {
        Sweep(1).Next();
        File.WriteAllText(InFolder(1, "tasks.txt"), "what?\n");
        Assert.That(() => Sweep(1).Next(), Throws.TypeOf<InvalidInputException>().With.Message.StartsWith($"{Path.GetDirectoryName(InFolder(1, "tasks.txt"))} is damaged: "));
    }

    [Test]
    public void A_status_tells_of_each_job_without_changing_anything()
    {
        var sweep = Sweep(3);
        sweep.Next();
        _slurm.List(("1", 0, "RUNNING"), ("1", 1, "PENDING"), ("1", 2, "PENDING"));
        _standing.Add(0);
        var before = Directory.GetFiles(Root, "*", SearchOption.AllDirectories);
        var (jobs, fault) = SlurmSweep.Status(Root, _standing.Contains);
        Assert.That(jobs, Is.EqualTo(new[] { new SlurmJobState("1", "submission-0001", 3, 1, 3, "2 PENDING, 1 RUNNING", true) }));
        Assert.That((fault, Directory.GetFiles(Root, "*", SearchOption.AllDirectories)), Is.EqualTo(((string?)null, before)));
        _slurm.Command("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1");
        (jobs, fault) = SlurmSweep.Status(Root, _standing.Contains);
        Assert.That((jobs.Single().States, fault), Is.EqualTo(("", "The cluster does not answer squeue: slurm_load_jobs error: Unable to contact slurm controller (connect failure); see whether `sinfo` lists its nodes, and run the same command again.")));
    }

    [Test]
    public void Partitions_that_the_cluster_does_not_have_are_told_at_the_door()
    {
        Assert.That(() => SlurmSweep.Check(new SlurmOptions { Partition = "long,nope" }), Throws.TypeOf<InvalidInputException>().With.Message.EqualTo("There is no partition nope on this cluster; --partition takes one of: main, long."));
        Assert.That(() => SlurmSweep.Check(new SlurmOptions { Partition = "long" }), Throws.Nothing);
    }

    [Test]
    public void A_machine_without_Slurm_is_told()
    {
        Environment.SetEnvironmentVariable("PATH", "/nowhere");
        Assert.That(() => SlurmSweep.Check(new SlurmOptions()), Throws.TypeOf<EnvironmentFaultException>().With.Message.StartsWith("There is no sinfo on the PATH: run this where Slurm's commands are"));
    }

    private SlurmSweep Sweep(int packs, SlurmOptions? options = null, string plan = "plan") =>
        new(new SlurmWork(Root, plan, packs, _standing.Contains, ["toy", "sweep", "task", Root, "--packs"]), options ?? new SlurmOptions());

    // The tasks of a job have ended: how, and what their logs say.
    private void End(int job, params (string State, string Log)[] tasks)
    {
        _slurm.List([.. tasks.Select((task, i) => ($"{job}", i, task.State))]);
        foreach (var (i, task) in tasks.Index())
            File.WriteAllText(InFolder(job, $"{job}_{i}.log"), task.Log + "\n");
    }

    private string InFolder(int submission, string file) => Path.Combine(Root, "sweep", $"submission-{submission:D4}", file);
}
