using System.Text.Json.Nodes;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Core.Tests;

/// <summary>The run folder: who holds it, which stages run, what happens to files that changed.</summary>
public sealed class RunFolderTests
{
    private static readonly Experiment s_experiment = Experiment.Parse("name: run\nmodel: { features: 5, hidden: 2 }\n", "run.yaml");

    private string _artifacts = "";
    private int _runs;

    private string Root => Path.Combine(_artifacts, "run");

    [SetUp]
    public void MakeFolder()
    {
        _artifacts = Directory.CreateTempSubdirectory("toy-run-").FullName;
        _runs = 0;
    }

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_artifacts, recursive: true);

    private RunFolder Open(bool force = false, bool accept = false) => RunFolder.Open(_artifacts, s_experiment, force, accept);

    // A stage that writes the given files and counts its runs.
    private Func<IReadOnlyList<string>> Writes(RunFolder run, params (string Path, Func<string> Text)[] files) => () =>
    {
        _runs++;
        foreach (var (path, text) in files)
            AtomicFile.WriteText(run.Path(path), text());
        return [.. files.Select(file => file.Path)];
    };

    private StageOutcome First(RunFolder run, string options = "o", string text = "one") => run.Stage(typeof(RunFolderTests), "first", options, [], Writes(run, ("data/a.txt", () => text)));

    private StageOutcome Second(RunFolder run) => run.Stage(typeof(RunFolderTests), "second", "", ["data/a.txt"], Writes(run, ("weights/b.txt", () => File.ReadAllText(run.Path("data/a.txt")).ToUpperInvariant())));

    [Test]
    public void The_resolved_experiment_lies_in_the_folder()
    {
        using var run = Open();
        Assert.That(run.Root, Is.EqualTo(Root));
        Assert.That(Experiment.Load(run.Path("experiment.yaml")).Resolved(), Is.EqualTo(s_experiment.Resolved()));
    }

    [Test]
    public void A_second_opener_is_told_who_holds_the_folder()
    {
        using (Open())
        {
            Assert.That(() => Open(), Throws.TypeOf<EnvironmentFaultException>().With.Message.Contains($"is held by process {Environment.ProcessId} on {Environment.MachineName} since "));
            // The one who was turned away took nothing from the holder.
            Assert.That(() => Open(), Throws.TypeOf<EnvironmentFaultException>().With.Message.Contains($"process {Environment.ProcessId}"));
        }

        Open().Dispose();
    }

    [Test]
    public void Disposing_twice_does_not_touch_the_next_holder()
    {
        var first = Open();
        first.Dispose();
        using var second = Open();
        first.Dispose();
        Assert.That(() => Open(), Throws.TypeOf<EnvironmentFaultException>().With.Message.Contains($"process {Environment.ProcessId}"));
    }

    [Test]
    public void What_a_killed_process_left_does_not_hold_the_folder()
    {
        Directory.CreateDirectory(Root);
        File.WriteAllText(Path.Combine(Root, ".lock"), "");
        File.WriteAllText(Path.Combine(Root, ".lock.holder"), "process 1 on elsewhere");
        Open().Dispose();
    }

    [Test]
    public void A_folder_that_cannot_be_written_is_a_fault_of_the_environment()
    {
        File.WriteAllText(Root, "a file where the folder should be");
        Assert.That(() => Open(), Throws.TypeOf<EnvironmentFaultException>().With.Message.Contains(Root).And.Message.Contains("--artifacts"));
    }

    [Test]
    public void A_stage_runs_once_while_nothing_changes()
    {
        using (var run = Open())
        {
            Assert.That((First(run), Second(run), First(run), Second(run)),
                Is.EqualTo((StageOutcome.Ran, StageOutcome.Ran, StageOutcome.Skipped, StageOutcome.Skipped)));
        }

        using (var run = Open())
            Assert.That((First(run), Second(run), _runs), Is.EqualTo((StageOutcome.Skipped, StageOutcome.Skipped, 2)));
    }

    [Test]
    public void The_manifest_says_what_each_stage_read_and_wrote()
    {
        using var run = Open();
        First(run);
        Second(run);
        var manifest = RunManifest.Load(Root);
        var second = manifest.Stages["second"];
        Assert.Multiple(() =>
        {
            Assert.That(second.Inputs, Is.EqualTo(manifest.Stages["first"].Outputs));
            // SHA-256 of "ONE"
            Assert.That(second.Outputs, Is.EqualTo(new[] { new FileRecord("weights/b.txt", 3, "2192e8955d5e1ad1651f2f0c637e6f1ac82855747a5f42f978db28669595dc21") }));
            Assert.That((second.Version, second.Code), Is.EqualTo((RunFolder.Version, StageCode.Of(typeof(RunFolderTests)))));
            Assert.That(second.Finished, Is.EqualTo(DateTime.UtcNow).Within(TimeSpan.FromMinutes(5)));
            Assert.That(manifest.Writer("weights/b.txt")?.Stage, Is.EqualTo("second"));
            Assert.That(manifest.Writer("weights/c.txt"), Is.Null);
        });
    }

    [Test]
    public void A_stage_runs_again_when_its_options_or_inputs_change()
    {
        using var run = Open();
        First(run);
        Second(run);
        Assert.That((First(run, "other", "two"), Second(run)), Is.EqualTo((StageOutcome.Ran, StageOutcome.Ran)));
        Assert.That(File.ReadAllText(run.Path("weights/b.txt")), Is.EqualTo("TWO"));
        // The same bytes from other options: what comes after need not run.
        Assert.That((First(run, "third", "two"), Second(run)), Is.EqualTo((StageOutcome.Ran, StageOutcome.Skipped)));
    }

    [Test]
    public void A_stage_runs_again_when_an_output_is_gone()
    {
        using var run = Open();
        First(run);
        File.Delete(run.Path("data/a.txt"));
        Assert.That(First(run), Is.EqualTo(StageOutcome.Ran));
        Assert.That(File.ReadAllText(run.Path("data/a.txt")), Is.EqualTo("one"));
    }

    [Test]
    public void A_stage_with_nothing_new_to_do_does_not_undo_what_somebody_made_of_its_outputs()
    {
        using (var run = Open())
        {
            First(run);
            File.WriteAllText(run.Path("data/a.txt"), "0ne");
            Assert.That(() => First(run), Throws.TypeOf<InvalidInputException>().With.Message.Contains("data/a.txt does not match its SHA-256")
                .And.Message.Contains("`toy first --force`").And.Message.Contains("--accept-changes"));
            Assert.That(File.ReadAllText(run.Path("data/a.txt")), Is.EqualTo("0ne"));
            Assert.That(First(run, "other"), Is.EqualTo(StageOutcome.Ran), "other options ask for other outputs");
        }

        File.WriteAllText(Path.Combine(Root, "data/a.txt"), "0ne");
        using (var run = Open(force: true))
            Assert.That(First(run, "other"), Is.EqualTo(StageOutcome.Ran));
        Assert.That(File.ReadAllText(Path.Combine(Root, "data/a.txt")), Is.EqualTo("one"));
    }

    // As a build of other code leaves it; null as one of before records had digests.
    private void MakeByOtherCode(string? code = "0123456789abcdef")
    {
        string path = Path.Combine(Root, RunManifest.FileName);
        var manifest = JsonNode.Parse(File.ReadAllText(path))!;
        var first = manifest["stages"]!["first"]!.AsObject();
        if (code is null)
            first.Remove("code");
        else
            first["code"] = code;
        File.WriteAllText(path, manifest.ToJsonString());
    }

    [TestCase("0123456789abcdef")]
    [TestCase(null)]
    public void A_stage_that_other_code_did_runs_again_and_says_so(string? code)
    {
        using (var run = Open())
            Assert.That((First(run), Second(run)), Is.EqualTo((StageOutcome.Ran, StageOutcome.Ran)));
        MakeByOtherCode(code);
        var told = new List<string>();
        using (var run = RunFolder.Open(_artifacts, s_experiment, tell: told.Add))
        {
            Assert.That((First(run), Second(run)), Is.EqualTo((StageOutcome.Ran, StageOutcome.Skipped)), "the second stage read the same bytes");
            Assert.That((First(run), run.Manifest.Stages["first"].Code), Is.EqualTo((StageOutcome.Skipped, StageCode.Of(typeof(RunFolderTests)))));
        }

        Assert.That(told, Has.Count.EqualTo(1).And.All.Matches(@"^first is done again: what is there was made by other code, on \d{4}-\d\d-\d\d \d\d:\d\d UTC\.$"));
    }

    [Test]
    public void Other_options_need_no_word_about_the_code()
    {
        using (var run = Open())
            First(run);
        MakeByOtherCode();
        using var again = RunFolder.Open(_artifacts, s_experiment, tell: sentence => Assert.Fail(sentence));
        Assert.That(First(again, "other"), Is.EqualTo(StageOutcome.Ran));
    }

    [Test]
    public void Other_code_does_not_undo_what_somebody_made_of_the_outputs([Values] bool accepted)
    {
        using (var run = Open())
            First(run);
        File.WriteAllText(Path.Combine(Root, "data/a.txt"), "mine");
        if (accepted)
        {
            using var run = Open(accept: true);
            Assert.That((First(run), run.Manifest.Stages["first"].Code), Is.EqualTo((StageOutcome.Skipped, "accepted")));
        }
        else
        {
            MakeByOtherCode();
            using (var run = Open())
                Assert.That(() => First(run), Throws.TypeOf<InvalidInputException>().With.Message.Contains("data/a.txt does not match its SHA-256"));
            using (var run = Open(accept: true))
                Assert.That(First(run), Is.EqualTo(StageOutcome.Skipped));
        }

        using (var run = Open())
            Assert.That(First(run), Is.EqualTo(StageOutcome.Skipped));
        Assert.That(File.ReadAllText(Path.Combine(Root, "data/a.txt")), Is.EqualTo("mine"));
    }

    [Test]
    public void Force_runs_a_stage_whatever_the_manifest_says()
    {
        using (var run = Open())
            First(run);
        using (var run = Open(force: true))
            Assert.That(First(run), Is.EqualTo(StageOutcome.Ran));
    }

    [Test]
    public void An_input_that_changed_is_refused_with_the_way_out()
    {
        using var run = Open();
        First(run);
        File.WriteAllText(run.Path("data/a.txt"), "mine");
        Assert.That(() => Second(run), Throws.TypeOf<InvalidInputException>().With.Message.Contains("data/a.txt does not match its SHA-256")
            .And.Message.Contains("`toy first --force`").And.Message.Contains("--accept-changes"));
    }

    [Test]
    public void An_input_that_is_missing_is_named()
    {
        using var run = Open();
        Assert.That(() => Second(run), Throws.TypeOf<InvalidInputException>().With.Message.Contains("data/a.txt is missing"));
    }

    [Test]
    public void A_changed_input_is_taken_when_asked_and_stays_taken()
    {
        using (var run = Open())
            First(run);
        File.WriteAllText(Path.Combine(Root, "data/a.txt"), "mine");
        using (var run = Open(accept: true))
            Assert.That(Second(run), Is.EqualTo(StageOutcome.Ran));
        Assert.That(File.ReadAllText(Path.Combine(Root, "weights/b.txt")), Is.EqualTo("MINE"));
        using (var run = Open())
            Assert.That((First(run), Second(run)), Is.EqualTo((StageOutcome.Skipped, StageOutcome.Skipped)));
    }

    [Test]
    public void Accepting_changes_does_not_run_the_stage_that_would_undo_them()
    {
        using (var run = Open())
        {
            First(run);
            Second(run);
        }

        File.WriteAllText(Path.Combine(Root, "data/a.txt"), "mine");
        using (var run = Open(accept: true))
            Assert.That((First(run), Second(run)), Is.EqualTo((StageOutcome.Skipped, StageOutcome.Ran)));
        Assert.That(File.ReadAllText(Path.Combine(Root, "weights/b.txt")), Is.EqualTo("MINE"));
    }

    [Test]
    public void What_a_stage_no_longer_writes_is_removed_and_its_empty_folder_too()
    {
        using var run = Open();
        run.Stage(typeof(RunFolderTests), "data", "1", [], Writes(run, ("data/old/x.txt", () => "x"), ("data/keep.txt", () => "k")));
        File.WriteAllText(run.Path("data/foreign.txt"), "not ours");
        run.Stage(typeof(RunFolderTests), "data", "2", [], Writes(run, ("data/new/x.txt", () => "x"), ("data/keep.txt", () => "k")));
        Assert.That(Directory.EnumerateFileSystemEntries(run.Path("data"), "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(run.Path("data"), path)).Order(),
            Is.EqualTo(new[] { "foreign.txt", "keep.txt", "new", "new/x.txt" }));
    }

    [Test]
    public void Work_that_throws_leaves_manifest_and_files_as_they_were()
    {
        using var run = Open();
        First(run);
        string manifest = File.ReadAllText(run.Path("manifest.json"));
        Assert.That(() => run.Stage(typeof(RunFolderTests), "first", "other", [], () => throw new OperationCanceledException()), Throws.TypeOf<OperationCanceledException>());
        Assert.Multiple(() =>
        {
            Assert.That(File.ReadAllText(run.Path("manifest.json")), Is.EqualTo(manifest));
            Assert.That(File.ReadAllText(run.Path("data/a.txt")), Is.EqualTo("one"));
            Assert.That(First(run), Is.EqualTo(StageOutcome.Skipped));
        });
    }

    [Test]
    public void A_stage_that_was_killed_amid_its_work_runs_again_whatever_the_settings()
    {
        using (var run = Open())
        {
            First(run);
            Second(run);
            // As a kill leaves it: begun for other settings, one file written, nothing recorded.
            run.Begin("first");
            AtomicFile.WriteText(run.Path("data/a.txt"), "two");
        }

        using (var run = Open())
        {
            Assert.That(() => Second(run), Throws.TypeOf<InvalidInputException>().With.Message.Contains("`toy first` was cut short"));
            Assert.That(First(run), Is.EqualTo(StageOutcome.Ran));
            Assert.That(File.ReadAllText(run.Path("data/a.txt")), Is.EqualTo("one"));
            Assert.That(Second(run), Is.EqualTo(StageOutcome.Skipped), "what it reads is as it was");
        }
    }

    [Test]
    public void What_a_killed_run_left_under_names_of_the_pipeline_goes_away_and_foreign_files_stay()
    {
        using var run = Open();
        foreach (string path in new[] { RunFolder.Weights(7), RunFolder.History(7), "weights/mine.safetensors", RunFolder.InstanceModel(3) })
            AtomicFile.WriteText(run.Path(path), "left");
        run.Stage(typeof(RunFolderTests), "other", "", [], Writes(run, (RunFolder.Weights(8), () => "of another stage")));
        run.Stage(typeof(RunFolderTests), "train", "", [], Writes(run, (RunFolder.Weights(0), () => "w")));
        Assert.That(Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Root, path)).Where(path => path.Contains('/')),
            Is.EquivalentTo(new[] { RunFolder.Weights(0), RunFolder.Weights(8), "weights/mine.safetensors", RunFolder.InstanceModel(3) }));
    }

    [Test]
    public void A_folder_is_joined_while_another_holds_it_and_no_stage_runs_there()
    {
        Assert.That(() => RunFolder.Join(Root), Throws.TypeOf<InvalidInputException>().With.Message.Contains("is no run folder"));
        using var held = Open();
        using var joined = RunFolder.Join(Root);
        Assert.That(joined.Experiment.Resolved(), Is.EqualTo(s_experiment.Resolved()));
        Assert.That(() => First(joined), Throws.InvalidOperationException);
    }

    [TestCase("{ \"stages\": ")]
    [TestCase("[]")]
    [TestCase("{ \"stages\": null }")]
    [TestCase("{ \"stages\": { \"a\": null } }")]
    [TestCase("{ \"stages\": { \"a\": {} } }")]
    [TestCase("{ \"stages\": { \"a\": { \"options\": \"\", \"inputs\": [], \"outputs\": [null], \"version\": \"\", \"seconds\": 0, \"finished\": \"2020-01-01\" } } }")]
    [TestCase("{ \"stages\": { \"a\": { \"options\": \"\", \"inputs\": [], \"outputs\": [{ \"path\": \"../x\", \"bytes\": 0, \"sha256\": \"\" }], \"version\": \"\", \"seconds\": 0, \"finished\": \"2020-01-01\" } } }")]
    [TestCase("{ \"stages\": { \"a\": { \"options\": \"\", \"inputs\": [], \"outputs\": [{ \"path\": \"/x\", \"bytes\": 0, \"sha256\": \"\" }], \"version\": \"\", \"seconds\": 0, \"finished\": \"2020-01-01\" } } }")]
    public void A_damaged_manifest_is_named_and_the_folder_let_go(string text)
    {
        Directory.CreateDirectory(Root);
        File.WriteAllText(Path.Combine(Root, "manifest.json"), text);
        Assert.That(() => Open(), Throws.TypeOf<InvalidInputException>().With.Message.Contains("manifest.json").And.Message.Contains("Delete it"));
        File.Delete(Path.Combine(Root, "manifest.json"));
        Open().Dispose();
    }

    [Test]
    public void File_names_are_those_of_the_formats_page()
    {
        Assert.That(
            new[] { RunFolder.Dataset("eval-0"), RunFolder.Weights(3), RunFolder.History(3), RunFolder.InstanceModel(12), RunFolder.EnsembleModel(0) },
            Is.EqualTo(new[] { "data/eval-0", "weights/pack-00003.safetensors", "weights/pack-00003.history.safetensors", "models/instance-00012.onnx", "models/pack-00000.onnx" }));
    }
}
