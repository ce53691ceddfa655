using ToyPipeline.Core;
using ToyPipeline.Sweeps.Nights;

namespace ToyPipeline.Sweeps.Tests.Nights;

/// <summary>Nights one after the other.</summary>
public sealed class NightlyTests
{
    [Test]
    public void A_first_night_is_good_where_its_claims_hold_and_so_is_the_same_again()
    {
        using var workspace = new NightWorkspace();
        var (first, second) = (workspace.Night(), workspace.Night());
        Assert.Multiple(() =>
        {
            Assert.That((first.ExitCode, first.Night.Status, first.Night.Folder, first.LastGood), Is.EqualTo((ExitCode.Done, NightStatus.Good, "2026-03-30", (NightRecord?)null)));
            Assert.That((second.ExitCode, second.Night.Number, second.Night.Folder, second.LastGood?.Number), Is.EqualTo((ExitCode.Done, 2L, "2026-03-31", (long?)1)));
            Assert.That(second.Findings, Is.Empty);
            Assert.That(second.Runs.Select(run => (run.Experiment, run.Metrics.Count, run.Claims.Count)), Is.EqualTo(new[] { ("one", 6, 1), ("two", 6, 1) }));
            Assert.That(workspace.Told, Is.Empty);
            Assert.That(File.Exists(Path.Combine(workspace.Nights, "2026-03-31", "two", "analysis", "cells.csv")));
        });
    }

    [Test]
    public void What_moved_for_the_worse_is_compared_with_the_last_good_night_until_it_is_accepted()
    {
        using var workspace = new NightWorkspace();
        workspace.Night();
        workspace.Measured["two"] = (1.05, 2.5, 0.5, "digon", 0.3, true);
        var (second, third) = (workspace.Night(), workspace.Night());
        var expected = new Finding(FindingKind.Regression, "two", "data.sparsity = 0.9", "loss_best", "2", "2.5", "at most 2.2");
        Assert.Multiple(() =>
        {
            Assert.That(second.Findings, Is.EqualTo(new[] { expected }));
            Assert.That((second.ExitCode, second.Night.Status), Is.EqualTo((ExitCode.ClaimFailed, NightStatus.Bad)));
            Assert.That((third.Findings.Single(), third.LastGood!.Number), Is.EqualTo((expected, 1L)), "a bad night is not compared with");
        });
        Assert.That(Nightly.Accept(workspace.Nights, workspace.Clock).Number, Is.EqualTo(3));
        var fourth = workspace.Night();
        Assert.That((fourth.ExitCode, fourth.LastGood!.Number, fourth.LastGood.Status), Is.EqualTo((ExitCode.Done, 3L, NightStatus.Accepted)));
    }

    [Test]
    public void A_claim_that_fails_makes_a_bad_night()
    {
        using var workspace = new NightWorkspace();
        workspace.Measured["one"] = (1, 2, 0.5, "digon", 1.5, false);
        var night = workspace.Night();
        Assert.Multiple(() =>
        {
            Assert.That((night.ExitCode, night.Night.Status), Is.EqualTo((ExitCode.ClaimFailed, NightStatus.Bad)));
            Assert.That(night.Findings.Single(), Is.EqualTo(new Finding(FindingKind.FailedClaim, "one", "data.sparsity = 0.9", "loss at most 1", "", "1.5", "")));
        });
    }

    [TestCase(2)]
    [TestCase(3)]
    public void An_experiment_that_does_not_finish_does_not_stop_the_others(int code)
    {
        using var workspace = new NightWorkspace();
        workspace.Night();
        var night = workspace.Night(planned => planned.Experiment.Name == "one" ? new RunOutcome(code, "It broke.") : null);
        Assert.Multiple(() =>
        {
            Assert.That((int)night.ExitCode, Is.EqualTo(code));
            Assert.That(night.Findings.Single(), Is.EqualTo(new Finding(FindingKind.FailedRun, "one", "", "It broke.", "", "", "")));
            Assert.That(night.Runs[1].Metrics, Has.Count.EqualTo(6));
        });
        Assert.That(workspace.Night().LastGood!.Number, Is.EqualTo(1));
    }

    [Test]
    public void Tables_that_cannot_be_read_are_a_failed_run()
    {
        using var workspace = new NightWorkspace();
        var night = workspace.Night(planned =>
        {
            if (planned.Experiment.Name == "two")
                return null;
            workspace.Write("artifacts/nightly/2026-03-30/one/analysis/cells.csv", "cell,loss_best\n0,1\n");
            return new RunOutcome(0, null);
        });
        Assert.That(night.Findings.Single().Name, Does.EndWith("cells.csv lacks a column of the axes data.sparsity: it is not of this experiment."));
        Assert.That(night.ExitCode, Is.EqualTo(ExitCode.InvalidInput));
    }

    [Test]
    public void A_night_that_is_cut_short_is_unfinished_and_never_good()
    {
        using var workspace = new NightWorkspace();
        workspace.Night();
        Assert.That(() => workspace.Night(planned => planned.Experiment.Name == "two" ? throw new OperationCanceledException() : null), Throws.TypeOf<OperationCanceledException>());
        // Killed: nothing of ours runs any more, and the lock goes with the process.
        Assert.That(() => workspace.Night(_ => throw new NotImplementedException()), Throws.TypeOf<NotImplementedException>());
        var next = workspace.Night();
        using var history = History.Open(workspace.Nights);
        Assert.Multiple(() =>
        {
            Assert.That(history.Nights().Select(night => night.Status), Is.EqualTo(new[] { NightStatus.Good, NightStatus.Unfinished, NightStatus.Unfinished, NightStatus.Good }));
            Assert.That(next.LastGood!.Number, Is.EqualTo(1));
            Assert.That(next.Findings.Single().Name, Does.StartWith("The night before this one was killed or interrupted"));
            Assert.That(next.Night.Folder, Is.EqualTo("2026-03-31-3"), "the clock stood, and the folders of the broken nights are there");
        });
    }

    [Test]
    public void A_clock_that_goes_backwards_is_told_and_changes_no_order()
    {
        using var workspace = new NightWorkspace();
        workspace.Night();
        workspace.Clock.Now = new DateTimeOffset(2031, 1, 1, 2, 0, 0, TimeSpan.Zero);
        workspace.Night();
        workspace.Clock.Now = new DateTimeOffset(2026, 3, 30, 9, 0, 0, TimeSpan.Zero);
        var third = workspace.Night();
        var fourth = workspace.Night();
        Assert.Multiple(() =>
        {
            Assert.That(third.Findings.Single().Name, Is.EqualTo("The clock went backwards: it is 2026-03-30 09:00 UTC, and night 2 was at 2031-01-01 02:00 UTC; nights stay in the order of their numbers."));
            Assert.That((third.ExitCode, third.Night.Folder, third.LastGood!.Number), Is.EqualTo((ExitCode.Done, "2026-03-30-2", 2L)));
            Assert.That((fourth.Findings.Count, fourth.LastGood!.Number), Is.EqualTo((0, 3L)));
            // last: 2. Of four good nights the two newest by number stay, whatever their dates.
            Assert.That(Directory.GetDirectories(workspace.Nights).Select(Path.GetFileName), Is.EquivalentTo(new[] { "2026-03-30-2", "2026-03-31" }));
        });
    }

    [Test]
    public void Old_nights_are_pruned_but_for_the_last_good_one_and_their_values_stay()
    {
        using var workspace = new NightWorkspace();
        workspace.Night();
        workspace.Measured["one"] = (1, 2, 0.1, "digon", 0.3, true);
        for (int i = 0; i < 4; i++)
            workspace.Night();
        using var history = History.Open(workspace.Nights);
        Assert.Multiple(() =>
        {
            Assert.That(Directory.GetDirectories(workspace.Nights).Select(Path.GetFileName), Is.EquivalentTo(new[] { "2026-03-30", "2026-04-02", "2026-04-03" }));
            Assert.That(history.Nights().Where(night => night.Pruned).Select(night => night.Number), Is.EqualTo(new[] { 2, 3 }));
            Assert.That(history.Runs(2)[0].Metrics, Has.Count.EqualTo(6));
        });
    }

    [Test]
    public void Nothing_but_a_folder_named_by_a_date_is_ever_deleted()
    {
        using var workspace = new NightWorkspace();
        workspace.Night();
        workspace.Night();
        workspace.Write("artifacts/precious/file", "");
        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(workspace.Nights, History.FileName)};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "UPDATE nights SET folder = '../precious' WHERE number = 1";
            command.ExecuteNonQuery();
        }

        workspace.Night();
        Assert.That(File.Exists(Path.Combine(workspace.Folder, "artifacts/precious/file")));
        Assert.That(workspace.Told.Single(), Does.Contain("of night 1 is no longer kept, and cannot be deleted: its name is not that of a night."));
    }

    [Test]
    public void Changed_versions_experiments_and_machines_are_told()
    {
        using var workspace = new NightWorkspace();
        workspace.Night();
        workspace.Versions["libtorch"] = "2.11";
        workspace.Machine = workspace.Machine with { Name = "there" };
        workspace.Write("experiments/one.yaml", File.ReadAllText(Path.Combine(workspace.Folder, "experiments/one.yaml")) + "seed: 5\n");
        workspace.Write("experiments/nightly/plan.yaml", NightWorkspace.Plan.Replace("  - file: ../two.yaml\n", "", StringComparison.Ordinal).Replace("name: geometry", "name: geometri", StringComparison.Ordinal));
        var night = workspace.Night();
        Assert.Multiple(() =>
        {
            Assert.That(night.Changed, Is.EqualTo(new[] { ("libtorch", "2.10", "2.11") }));
            Assert.That(night.Findings.Select(finding => (finding.Experiment, finding.Name)), Is.EqualTo(new[]
            {
                ("one", "The experiment changed since the last good night."),
                ("two", "It is no longer in the plan; it was on the last good night."),
                ("", "The plan names the metric geometri, which no run has: it is no column of a cells.csv, and no duration."),
                ("", "The last good night ran on another machine: durations are not compared."),
            }));
            Assert.That(night.ExitCode, Is.EqualTo(ExitCode.Done));
        });
    }

    [Test]
    public void Of_a_large_grid_mean_least_and_largest_are_kept()
    {
        using var workspace = new NightWorkspace();
        workspace.Write("experiments/nightly/plan.yaml", "detail: 1\n" + NightWorkspace.Plan);
        Assert.That(workspace.Night().Runs[0].Metrics, Is.EquivalentTo(new MetricValue[]
        {
            new("mean of 2 cells", "loss_best", 1.5, null), new("least of 2 cells", "loss_best", 1, null), new("largest of 2 cells", "loss_best", 2, null),
            new("mean of 2 cells", "share_represented", 0.5, null), new("least of 2 cells", "share_represented", 0.5, null), new("largest of 2 cells", "share_represented", 0.5, null),
        }));
    }

    [Test]
    public void A_second_night_leaves_or_waits_as_it_is_told()
    {
        using var workspace = new NightWorkspace();
        using var inside = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        var first = Task.Run(() => workspace.Night(_ =>
        {
            inside.Set();
            goOn.Wait();
            return null;
        }));
        inside.Wait();
        string left = Assert.Throws<NightRunningException>(() => workspace.Night())!.Message;
        Assert.That(left, Does.Match($@"^Another night is running in .*, process {Environment.ProcessId} on \S+ since 2026-03-30 02:00:00 UTC; nothing was done: run again later, or with --if-running wait\.$"));

        var second = Task.Run(() => workspace.Night(ifRunning: IfRunning.Wait));
        Assert.That(SpinWait.SpinUntil(() => workspace.Told.Count > 0, TimeSpan.FromSeconds(30)));
        Assert.That(workspace.Told.Single(), Does.EndWith("UTC; waiting until it has finished."));
        Assert.That(second.IsCompleted, Is.False);
        goOn.Set();
        Assert.That((first.Result.Night.Number, second.Result.Night.Number), Is.EqualTo((1, 2)));
    }

    [Test]
    public void Nights_that_wait_run_one_after_the_other()
    {
        using var workspace = new NightWorkspace();
        int running = 0, most = 0;
        using var start = new Barrier(4);
        var nights = Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() =>
        {
            start.SignalAndWait();
            Nightly.Run(NightPlanFile.Load(workspace.PlanFile), workspace.Options(IfRunning.Wait), (_, _) =>
            {
                most = Math.Max(most, Interlocked.Increment(ref running));
                Thread.Sleep(20);
                Interlocked.Decrement(ref running);
                return new RunOutcome(0, null);
            }, _ => { }, default);
        }, TaskCreationOptions.LongRunning)).ToArray();
        Task.WaitAll(nights);
        using var history = History.Open(workspace.Nights);
        Assert.That((most, string.Join(" ", history.Nights().Select(night => night.Folder))), Is.EqualTo((1, "2026-03-30 2026-03-30-2 2026-03-30-3 2026-03-30-4")));
    }

    [Test]
    public void Waiting_ends_when_it_is_cancelled()
    {
        using var workspace = new NightWorkspace();
        using var held = NightLock.Take(workspace.Nights, IfRunning.Leave, workspace.Clock, _ => { }, default);
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        Assert.That(() => workspace.Night(ifRunning: IfRunning.Wait, cancellation: cancellation.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void There_is_nothing_to_accept_before_the_first_night()
    {
        using var workspace = new NightWorkspace();
        Assert.That(() => Nightly.Accept(workspace.Nights, workspace.Clock), Throws.TypeOf<InvalidInputException>().With.Message.Contains("There is no night to accept"));
        Assert.That(Directory.Exists(workspace.Nights), Is.False);
    }

    [Test]
    [Platform("Linux", Reason = "Mounts a small file system.")]
    public void A_read_only_disk_is_the_environments_fault()
    {
        using var workspace = new NightWorkspace();
        Directory.CreateDirectory(workspace.Nights);
        using var disk = SmallDisk.Mount(workspace.Nights, "4m");
        workspace.Night();
        disk.Remount("ro");
        Assert.That(() => workspace.Night(), Throws.TypeOf<EnvironmentFaultException>().With.Message.Matches("^The folder of the nights, .*, cannot be written: .*Read-only.* Free space, mount it for writing"));
    }

    [Test]
    public void The_summary_says_what_moved_from_what_to_what()
    {
        using var workspace = new NightWorkspace();
        workspace.Night();
        workspace.Measured["two"] = (1, 2.5, 0.5, "digon", 1.5, false);
        workspace.Measured["one"] = (0.5, 2, 0.5, "a | b", 0.3, true);
        workspace.Versions["libtorch"] = "2.11";
        Assert.That(NightSummary.Markdown(workspace.Night(), "https://nights.example/"), Is.EqualTo("""
            # Night 2: 1 failed claim, 3 regressions

            2026-03-31 02:00 UTC on here (2 cores): 2 experiments in 0:00, 1 of 2 claims hold; compared with night 1 of 2026-03-30 02:00, the last good one.

            ## Claims that fail

            | experiment | at | claim | last good | now |
            |---|---|---|---|---|
            | two | data.sparsity = 0.9 | loss at most 1 | 0.3 | 1.5 |

            ## Regressions

            | experiment | at | what | last good | now | allowed |
            |---|---|---|---|---|---|
            | one | data.sparsity = 0.0 | geometry | digon | **a \| b** | no change |
            | one | data.sparsity = 0.9 | geometry | digon | **a \| b** | no change |
            | two | data.sparsity = 0.9 | loss_best | 2 | **2.5** | at most 2.2 |

            ## Better than before

            | experiment | at | what | last good | now | allowed |
            |---|---|---|---|---|---|
            | one | data.sparsity = 0.0 | loss_best | 1 | 0.5 | at most 1.1 |

            ## Changed since the last good night

            - libtorch: 2.10 → 2.11

            [All nights](https://nights.example/)

            """.ReplaceLineEndings("\n")));
    }
}
