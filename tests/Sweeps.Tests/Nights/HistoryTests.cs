using Microsoft.Data.Sqlite;
using ToyPipeline.Core;
using ToyPipeline.Sweeps.Nights;

namespace ToyPipeline.Sweeps.Tests.Nights;

/// <summary>The history's file: what goes in comes out, and a file that is not as it should be is told in one sentence.</summary>
public sealed class HistoryTests
{
    private static readonly Machine s_machine = new("here", "Linux", "x64", 2);
    private static readonly DateTime s_time = new(2026, 3, 30, 2, 0, 0, DateTimeKind.Utc);

    private string _folder = "";

    private string Database => Path.Combine(_folder, History.FileName);

    [SetUp]
    public void Make() => _folder = Directory.CreateTempSubdirectory("toy-history-").FullName;

    [TearDown]
    public void Delete() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void What_is_written_is_read_again()
    {
        var run = new RunRecord(
            "one", "one.yaml", 1, 2.5, null, "spec",
            [new("data.sparsity = 0.9", "loss_best", 0.1 + 0.2, null), new("data.sparsity = 0.9", "geometry", null, "digon"), new("whole run", "m", null, null)],
            [new("all cells", "loss", "at_most", "1", "1.5", false), new("all cells", "geometry", "equals", "digon", "it's; \"it\"", true)]);
        var failed = new RunRecord("two", "two.yaml", 3, 0, "The disk is full.", "other", [], []);
        Finding[] findings = [new(FindingKind.Regression, "one", "all cells", "loss", "1", "2", "at most 1"), Finding.Note("", "A note.")];
        using (var history = History.Open(_folder))
        {
            long night = history.Begin(s_time, "2026-03-30", s_machine, new Dictionary<string, string> { ["toy"] = "1" });
            history.Add(night, run);
            history.Add(night, failed);
            history.Finish(night, s_time.AddMinutes(3), NightStatus.Bad, findings);
        }

        using var again = History.Open(_folder);
        Assert.Multiple(() =>
        {
            Assert.That(again.Nights().Single(), Is.EqualTo(new NightRecord(1, s_time, s_time.AddMinutes(3), "2026-03-30", NightStatus.Bad, false, s_machine)));
            Assert.That(again.Versions(1), Is.EqualTo(new Dictionary<string, string> { ["toy"] = "1" }));
            Assert.That(again.Findings(1), Is.EqualTo(findings));
            var (one, two) = (again.Runs(1)[0], again.Runs(1)[1]);
            Assert.That(one.Metrics, Is.EquivalentTo(run.Metrics));
            Assert.That(one.Claims, Is.EqualTo(run.Claims));
            Assert.That(one with { Metrics = run.Metrics, Claims = run.Claims }, Is.EqualTo(run));
            Assert.That(two with { Metrics = failed.Metrics, Claims = failed.Claims }, Is.EqualTo(failed));
        });
    }

    [Test]
    public void A_number_is_never_given_twice_and_a_night_that_never_finished_is_closed()
    {
        using (var history = History.Open(_folder))
            history.Begin(s_time, "2026-03-30", s_machine, new Dictionary<string, string>());
        using var next = History.Open(_folder);
        Assert.That(next.CloseUnfinished(), Is.EqualTo(1));
        Assert.That(next.CloseUnfinished(), Is.Zero);
        Assert.That(next.Nights().Single().Status, Is.EqualTo(NightStatus.Unfinished));
        Execute("DELETE FROM nights");
        Assert.That(next.Begin(s_time, "2026-03-30", s_machine, new Dictionary<string, string>()), Is.EqualTo(2));
    }

    [Test]
    public void A_transaction_that_fails_leaves_nothing()
    {
        using var history = History.Open(_folder);
        long night = history.Begin(s_time, "2026-03-30", s_machine, new Dictionary<string, string>());
        MetricValue metric = new("all", "m", 1, null);
        var twice = new RunRecord("one", "one.yaml", 0, 1, null, "spec", [metric, metric], []);
        Assert.That(() => history.Add(night, twice), Throws.TypeOf<EnvironmentFaultException>());
        Assert.That(history.Runs(night), Is.Empty);
        history.Add(night, twice with { Metrics = [metric] });
        Assert.That(history.Runs(night).Single().Metrics, Is.EqualTo(new[] { metric }));
    }

    // Every byte pattern that a crash or a bad disk leaves is either read as it was, or refused; never taken as something else.
    [Test]
    public void A_damaged_file_is_refused_with_what_to_do([Values(0, 20, 100, 4096, 8192)] int at)
    {
        Fill();
        byte[] bytes = File.ReadAllBytes(Database);
        Assert.That(bytes, Has.Length.GreaterThan(at + 64));
        new Random(at).NextBytes(bytes.AsSpan(at, 64));
        File.WriteAllBytes(Database, bytes);
        string message = Assert.Throws<InvalidInputException>(() =>
        {
            using var history = History.Open(_folder);
            history.Nights();
        })!.Message;
        Assert.That(message, Does.StartWith($"The history {Database} is damaged (").And.EndWith("put a copy of it back, or move it away, and the next night begins a new one.").And.Not.Contain("\n"));
    }

    [Test]
    public void A_truncated_file_and_one_of_words_are_damaged()
    {
        Fill();
        File.WriteAllBytes(Database, File.ReadAllBytes(Database)[..5000]);
        Assert.That(Refused(), Does.Contain("is damaged"));
        File.WriteAllText(Database, string.Concat(Enumerable.Repeat("This is no database. ", 300)));
        Assert.That(Refused(), Does.Contain("is damaged (file is not a database)"));
    }

    [Test]
    public void Another_programs_database_and_a_newer_version_are_left_alone()
    {
        Execute("CREATE TABLE bookmarks (url TEXT)");
        Assert.That(Refused(), Is.EqualTo($"{Database} is a database, but not a history of nights; move it away, or choose another folder with --artifacts."));
        File.Delete(Database);
        Fill();
        Execute($"PRAGMA user_version = {HistorySchema.Version + 1}");
        byte[] before = File.ReadAllBytes(Database);
        Assert.That(Refused(), Does.Contain($"is a history of version {HistorySchema.Version + 1}, and this ToyPipeline knows versions up to {HistorySchema.Version}: run the newer"));
        Assert.That(File.ReadAllBytes(Database), Is.EqualTo(before));
    }

    [Test]
    public void A_file_that_was_made_and_never_filled_becomes_a_history()
    {
        File.WriteAllBytes(Database, []);
        Fill();
        using var history = History.Open(_folder);
        Assert.That(history.Nights(), Has.Count.EqualTo(1));
    }

    [Test]
    public void A_value_that_is_never_written_is_damage()
    {
        Fill();
        Execute("UPDATE nights SET started = 'yesterday'");
        using var history = History.Open(_folder);
        Assert.That(() => history.Nights(), Throws.TypeOf<InvalidInputException>().With.Message.Contains("is damaged (a value that it never writes"));
    }

    [Test]
    [Platform("Linux", Reason = "Mounts a small file system.")]
    public void A_full_and_a_read_only_disk_are_the_environments_fault()
    {
        using var disk = SmallDisk.Mount(_folder, "512k");
        var history = History.Open(_folder);
        long night = history.Begin(s_time, "2026-03-30", s_machine, new Dictionary<string, string>());
        string full = Assert.Throws<EnvironmentFaultException>(() =>
        {
            for (int i = 0; ; i++)
                history.Add(night, new RunRecord($"run {i}", new string('x', 10_000), 0, 1, null, "spec", [], []));
        })!.Message;
        int runs = history.Runs(night).Count;
        history.Dispose();
        Assert.That(full, Is.EqualTo($"The history {Database} cannot be written: the disk is full. Free space, mount it for writing, or choose another folder with --artifacts."));
        using (var again = History.Open(_folder))
            Assert.That(again.Runs(night), Has.Count.EqualTo(runs).And.Not.Empty, "what was written before stays");
        disk.Remount("ro");
        string readOnly = Assert.Throws<EnvironmentFaultException>(() =>
        {
            using var closed = History.Open(_folder);
            closed.CloseUnfinished();
        })!.Message;
        Assert.That(readOnly, Does.Contain("cannot be written: the file or its disk is read-only. Free space"));
    }

    private void Fill()
    {
        using var history = History.Open(_folder);
        long night = history.Begin(s_time, "2026-03-30", s_machine, new Dictionary<string, string>());
        history.Add(night, new RunRecord("one", "one.yaml", 0, 1, null, "spec", [.. Enumerable.Range(0, 200).Select(i => new MetricValue($"cell {i}", "loss", i, null))], []));
        history.Finish(night, s_time, NightStatus.Good, []);
    }

    private string Refused() => Assert.Throws<InvalidInputException>(() => History.Open(_folder).Dispose())!.Message;

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
