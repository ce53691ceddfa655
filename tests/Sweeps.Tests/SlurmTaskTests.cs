using ToyPipeline.Core;
using ToyPipeline.Sweeps.Slurm;

namespace ToyPipeline.Sweeps.Tests;

/// <summary>What Slurm's commands print, recorded from Slurm 22.05.8 with and without accounting.</summary>
public sealed class SlurmTaskTests
{
    // One task done, one ended with exit code 5, two running on a node each; the array may run five at a time.
    private const string Mixed = """
        1|0|COMPLETED|None|node1|toy-acct-1
        1|1|FAILED|NonZeroExitCode|node1|toy-acct-1
        1|6|PENDING|Resources||toy-acct-1
        1|7|PENDING|Resources||toy-acct-1
        1|5|RUNNING|None|node1|toy-acct-1
        1|2|RUNNING|None|node2|toy-acct-1

        """;

    [Test]
    public void Each_line_of_squeue_is_a_task()
    {
        var tasks = SlurmTask.FromSqueue(Mixed);
        Assert.That(tasks, Is.EqualTo(new SlurmTask[]
        {
            new("toy-acct-1", "1", 0, "COMPLETED", "", "node1"),
            new("toy-acct-1", "1", 1, "FAILED", "NonZeroExitCode", "node1"),
            new("toy-acct-1", "1", 6, "PENDING", "Resources", ""),
            new("toy-acct-1", "1", 7, "PENDING", "Resources", ""),
            new("toy-acct-1", "1", 5, "RUNNING", "", "node1"),
            new("toy-acct-1", "1", 2, "RUNNING", "", "node2"),
        }));
        Assert.That(tasks.Where(task => task.IsActive).Select(task => task.Index), Is.EqualTo(new[] { 6, 7, 5, 2 }));
    }

    [TestCase("1|2|COMPLETING|JobLaunchFailure|node2|toy-x", true)] // its node was killed: Slurm still clears it away
    [TestCase("1|3|PENDING|BeginTime||toy-x", true)] // its node was killed, and Slurm itself begins it again in two minutes
    [TestCase("1|2|FAILED|JobLaunchFailure|node2|toy-x", false)]
    [TestCase("1|3|NODE_FAIL|NodeDown|node2|toy-acct-1", false)]
    [TestCase("1|7|CANCELLED|None|node1|toy-acct-1", false)]
    [TestCase("9|0|TIMEOUT|TimeLimit|node1|toy-acct-2", false)]
    [TestCase("9|0|A_STATE_OF_TOMORROW|None|node1|toy-acct-2", true)]
    public void A_task_is_active_until_Slurm_says_that_it_ended(string line, bool active) =>
        Assert.That(SlurmTask.FromSqueue(line).Single().IsActive, Is.EqualTo(active));

    [TestCase("11|0|PENDING|PartitionTimeLimit||toy-acct-4", true)]
    [TestCase("10|0|PENDING|JobHeldUser||toy-acct-3", true)]
    [TestCase("10|0|CANCELLED|JobHeldUser||toy-acct-3", false)]
    [TestCase("9|1|PENDING|JobArrayTaskLimit||toy-acct-2", false)]
    public void A_task_that_waits_for_what_will_not_come_is_stuck(string line, bool stuck) =>
        Assert.That(SlurmTask.FromSqueue(line).Single().IsStuck, Is.EqualTo(stuck));

    [Test]
    public void Lines_that_are_no_tasks_are_passed_over() =>
        Assert.That(SlurmTask.FromSqueue("13|N/A|FAILED|BadConstraints||job.sh\n\nslurm_load_jobs error: something\n1|4|PENDING|Resources||toy-x\n").Select(task => task.Index), Is.EqualTo(new[] { 4 }));

    [Test]
    public void Each_line_of_sacct_with_one_place_is_a_task()
    {
        const string accounting = """
            1_0|COMPLETED|node1
            1_1|FAILED|node1
            1_2|CANCELLED by 0|node2
            1_3|NODE_FAIL|node2
            1_[5-7%5]|PENDING|None assigned
            10_[0-2]|CANCELLED by 0|None assigned

            """;
        Assert.That(SlurmTask.FromSacct(accounting, "toy-acct-1"), Is.EqualTo(new SlurmTask[]
        {
            new("toy-acct-1", "1", 0, "COMPLETED", "", "node1"),
            new("toy-acct-1", "1", 1, "FAILED", "", "node1"),
            new("toy-acct-1", "1", 2, "CANCELLED", "", "node2"),
            new("toy-acct-1", "1", 3, "NODE_FAIL", "", "node2"),
        }));
    }

    [TestCase("SlurmctldTimeout        = 10 sec\nMaxArraySize            = 1001\nMaxJobCount             = 10000\n", 1001)]
    [TestCase("MaxArraySize = 20\n", 20)]
    [TestCase("Configuration data as of 2026-11-22T21:53:10\n", 1001)]
    public void The_largest_array_is_read_from_the_configuration(string configuration, int size) =>
        Assert.That(SlurmCommands.MaxArraySize(configuration), Is.EqualTo(size));

    [TestCase("sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed: Invalid partition name specified\n",
        "sbatch refuses: invalid partition specified: nope; Invalid partition name specified; change --partition, --time or --sbatch, and run the same command again.")]
    [TestCase("sbatch: error: Invalid --time specification\n", "sbatch refuses: Invalid --time specification; change --partition, --time or --sbatch, and run the same command again.")]
    [TestCase("sbatch: unrecognized option '--nonsense'\nTry \"sbatch --help\" for more information\n",
        "sbatch refuses: unrecognized option '--nonsense'; Try \"sbatch --help\" for more information; change --partition, --time or --sbatch, and run the same command again.")]
    [TestCase("sbatch: error: Memory specification can not be satisfied\nsbatch: error: Batch job submission failed: Requested node configuration is not available\n",
        "sbatch refuses: Memory specification can not be satisfied; Requested node configuration is not available; change --partition, --time or --sbatch, and run the same command again.")]
    public void What_Slurm_refuses_is_bad_input(string error, string sentence)
    {
        var failure = SlurmCommands.Failure("sbatch", error);
        Assert.That(failure, Is.InstanceOf<InvalidInputException>());
        Assert.That(failure.Message, Is.EqualTo(sentence));
    }

    [TestCase("squeue", "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n")]
    [TestCase("sbatch", "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)\n")]
    [TestCase("sinfo", "sinfo: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host\nsinfo: error: fetch_config: DNS SRV lookup failed\nsinfo: error: _establish_config_source: failed to fetch config\nsinfo: fatal: Could not establish a configuration source\n")]
    [TestCase("sinfo", "sinfo: error: ClusterName needs to be specified\nsinfo: fatal: Unable to process configuration file\n")]
    [TestCase("squeue", "squeue: error: If munged is up, restart with --num-threads=10\nsqueue: error: Munge encode failed: Failed to access \"/run/munge/munge.socket.2\": No such file or directory (Did you start munged?)\nslurm_load_jobs error: Protocol authentication error\n")]
    public void A_cluster_that_does_not_answer_is_the_environment(string program, string error)
    {
        var failure = SlurmCommands.Failure(program, error);
        Assert.That(failure, Is.InstanceOf<EnvironmentFaultException>());
        Assert.That(failure.Message, Does.StartWith($"The cluster does not answer {program}: ").And.EndsWith("; see whether `sinfo` lists its nodes, and run the same command again."));
    }

    [TestCase("30")]
    [TestCase("30:00")]
    [TestCase("2:00:00")]
    [TestCase("1-12")]
    [TestCase("1-12:30")]
    [TestCase("1-12:30:00")]
    [TestCase("UNLIMITED")]
    public void Times_are_spelt_as_sbatch_has_them(string time) => Assert.That(new SlurmOptions { Time = time }.Validate, Throws.Nothing);

    [TestCase("soon")]
    [TestCase("2h")]
    [TestCase("-5")]
    [TestCase("")]
    [TestCase("1:2:3:4")]
    public void Other_times_are_refused(string time) =>
        Assert.That(new SlurmOptions { Time = time }.Validate, Throws.TypeOf<InvalidInputException>().With.Message.StartsWith($"--time {time} is no time limit; write minutes,"));

    [Test]
    public void Numbers_below_one_are_refused()
    {
        Assert.Multiple(() =>
        {
            Assert.That(new SlurmOptions { MaxParallel = 0 }.Validate, Throws.TypeOf<InvalidInputException>().With.Message.EqualTo("--max-parallel 0 is too small; write a number from 1 up."));
            Assert.That(new SlurmOptions { PacksPerTask = -1 }.Validate, Throws.TypeOf<InvalidInputException>());
            Assert.That(new SlurmOptions { MaxAttempts = 0 }.Validate, Throws.TypeOf<InvalidInputException>());
        });
    }

    [TestCase("plain/path-1.txt", "plain/path-1.txt")]
    [TestCase("with space", "'with space'")]
    [TestCase("it's", @"'it'\''s'")]
    [TestCase("$HOME", "'$HOME'")]
    [TestCase("", "''")]
    public void Words_of_a_script_are_quoted_for_the_shell(string word, string quoted) => Assert.That(JobScript.Quoted(word), Is.EqualTo(quoted));
}
