using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Tests;

/// <summary>What stands of an earlier command, for the same settings and for others: files end as a fresh run writes them.</summary>
public sealed class TakeOverTests
{
    private const string Fused = """
        name: tiny
        model: { features: 4, hidden: 2 }
        training: { steps: 30, batch: 64, history: { loss_every: 10, snapshots: 3 } }
        replicas: 600
        axes:
          - { path: data.density, values: [0.1, 0.3, 0.5] }
        evaluation: { samples: 0 }

        """;

    private static readonly string s_autograd = Fused.Replace("steps: 30,", "steps: 5, objective: autograd,", StringComparison.Ordinal);
    private static readonly string s_exact = Fused.Replace("{ steps: 30, batch: 64, history: { loss_every: 10, snapshots: 3 } }", "{ objective: exact }", StringComparison.Ordinal);
    private static readonly string s_absolute = Fused.Replace("features: 4", "kind: absolute-value, features: 4", StringComparison.Ordinal);
    private static readonly string s_fromDisk = Fused.Replace("training:", "data: { train: { samples: 300 } }\ntraining:", StringComparison.Ordinal);

    private string _artifacts = "";

    private string Root => Path.Combine(_artifacts, "tiny");

    [SetUp]
    public void MakeFolder() => _artifacts = Directory.CreateTempSubdirectory("toy-takeover-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_artifacts, recursive: true);

    // Trains packs until so many are done, then stops as a kill would; returns what the plan said and what share of the work was done.
    private (string? Standing, double Trained) Train(string text, int packs = int.MaxValue)
    {
        using var run = RunFolder.Open(_artifacts, Experiment.Parse(text, "tiny.yaml"));
        GenerateStage.Run(run, csv: false, _ => { }, default);
        string? standing = null;
        double trained = 0;
        try
        {
            TrainStage.RunPlan(run, plan =>
            {
                standing = plan.Standing();
                foreach (var pack in plan.Missing.ToList())
                {
                    if (packs-- == 0)
                        throw new OperationCanceledException();
                    bool first = true;
                    plan.Train(pack, work =>
                    {
                        // The first report is what was taken over.
                        trained += first ? 0 : work;
                        first = false;
                    }, default);
                }
            }, default);
        }
        catch (OperationCanceledException)
        {
        }

        return (standing, trained);
    }

    private Dictionary<string, string> Files() => Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories)
        .Where(path => !Path.GetFileName(path).StartsWith('.') && Path.GetFileName(path) != RunManifest.FileName)
        .Select(path => Path.GetRelativePath(Root, path)).ToDictionary(path => path, path => FileRecord.Of(Root, path).Sha256);

    private Dictionary<string, string> Fresh(string text)
    {
        Directory.Delete(Root, recursive: true);
        Train(text);
        return Files();
    }

    private static IEnumerable<TestCaseData> Kinds() =>
        [new(Fused) { TestName = "{m}(fused)" }, new(s_autograd) { TestName = "{m}(autograd)" }, new(s_exact) { TestName = "{m}(exact)" }, new(s_absolute) { TestName = "{m}(absolute)" }, new(s_fromDisk) { TestName = "{m}(from disk)" }];

    [TestCaseSource(nameof(Kinds))]
    public void Packs_that_were_finished_before_a_kill_are_not_trained_again(string text)
    {
        Train(text, packs: 1);
        string first = Path.Combine(Root, RunFolder.Weights(0));
        var written = File.GetLastWriteTimeUtc(first);
        var (standing, trained) = Train(text);
        var files = Files();
        Assert.Multiple(() =>
        {
            Assert.That(File.GetLastWriteTimeUtc(first), Is.EqualTo(written));
            Assert.That(standing, Is.EqualTo("1 of 3 cells stand from before; 2 are trained."));
            Assert.That(trained, Is.EqualTo((1800 - 1024) * (text == s_exact ? 1 : text == s_autograd ? 5 : 30)));
            Assert.That(files, Is.EqualTo(Fresh(text)));
        });
    }

    [Test]
    public void Instances_move_from_pack_to_pack_when_the_grid_changes_and_only_new_cells_are_trained([Values(0, 1, 2)] int kind)
    {
        string before = new[] { Fused, s_exact, s_absolute }[kind];
        Train(before);
        string after = before.Replace("[0.1, 0.3, 0.5]", "[0.2, 0.1, 0.5, 0.3]", StringComparison.Ordinal).Replace("name: tiny", "name: tiny\ntitle: Other", StringComparison.Ordinal);
        var (standing, trained) = Train(after);
        var files = Files();
        Assert.Multiple(() =>
        {
            Assert.That(standing, Is.EqualTo("1 of 4 cells are trained again: data.density = 0.2; 3 stand."));
            Assert.That(trained, Is.EqualTo(600 * (kind == 1 ? 1 : 30)));
            Assert.That(files, Is.EqualTo(Fresh(after)));
        });
    }

    [Test]
    public void A_second_change_amid_the_first_loses_nothing()
    {
        Train(Fused);
        Train(Fused.Replace("[0.1,", "[0.2, 0.1,", StringComparison.Ordinal), packs: 1);
        string last = Fused.Replace("[0.1,", "[0.7, 0.2, 0.1,", StringComparison.Ordinal);
        var (standing, trained) = Train(last);
        Assert.That((standing, trained), Is.EqualTo(("1 of 5 cells are trained again: data.density = 0.7; 4 stand.", 600.0 * 30)));
        var files = Files();
        Assert.That(files, Is.EqualTo(Fresh(last)));
    }

    [Test]
    public void Of_eager_mode_whole_packs_are_taken_and_none_of_another_cut()
    {
        Train(s_autograd);
        var (_, trained) = Train(s_autograd.Replace("0.5]", "0.7]", StringComparison.Ordinal));
        Assert.That(trained, Is.EqualTo((1800 - 1024) * 5), "the first pack is of the first two cells, and as it was");
        (_, trained) = Train(s_autograd.Replace("[0.1, 0.3, 0.5]", "[0.3, 0.1, 0.7]", StringComparison.Ordinal));
        Assert.That(trained, Is.EqualTo(1800 * 5));
    }

    // What the files of a pack say of the code that made them, changed to another code or back.
    private void Relabel(string weights, string history, string code)
    {
        foreach (string path in new[] { weights, history })
        {
            var file = Safetensors.Load(Path.Combine(Root, path));
            var metadata = file.Metadata.ToDictionary();
            metadata["made_from"] = code + metadata["made_from"][code.Length..];
            new Safetensors { Tensors = file.Tensors, Metadata = metadata }.Save(Path.Combine(Root, path));
        }
    }

    [Test]
    public void A_sweep_that_other_code_began_is_not_gone_on_with_and_kept_for_that_code()
    {
        string fresh = StageCode.Of(typeof(TrainStage)), other = new('0', StageCode.Length);
        Train(Fused, packs: 1);
        Relabel(RunFolder.Weights(0), RunFolder.History(0), other);
        using (var run = RunFolder.Join(Root))
            Assert.That(TrainingPlan.Open(run, new Grid(run.Experiment).Packs()).OfOtherCode, Is.EqualTo(1));
        var (standing, trained) = Train(Fused, packs: 0);
        Assert.That((standing, trained), Is.EqualTo((
            $"Packs that are not taken over, because other code made them: 1. Until the stage is through they lie in {Path.Combine(Root, "weights/.earlier")}; a build of that code would go on with them there.", 0.0)));

        // To the build that made it, its own label is the one of this code.
        string aside = Directory.GetFiles(Path.Combine(Root, "weights/.earlier")).Single(path => path.EndsWith(".history.safetensors", StringComparison.Ordinal));
        Relabel(aside.Replace(".history", "", StringComparison.Ordinal), aside, fresh);
        (standing, trained) = Train(Fused);
        Assert.That((standing, trained), Is.EqualTo(("2 of 3 cells are trained again: data.density = 0.3; data.density = 0.5; 1 stand.", (1800 - 1024) * 30.0)));
        var files = Files();
        Assert.That(files, Is.EqualTo(Fresh(Fused)));
    }

    [Test]
    public void Packs_of_two_codes_are_told_apart_and_end_as_of_one()
    {
        Train(Fused);
        Relabel(RunFolder.Weights(1), RunFolder.History(1), new('0', StageCode.Length));
        File.Delete(Path.Combine(Root, RunManifest.FileName));
        var (standing, trained) = Train(Fused);
        Assert.Multiple(() =>
        {
            Assert.That(standing, Does.StartWith("1 of 3 cells stand from before; 2 are trained. Packs that are not taken over, because other code made them: 1. "));
            Assert.That(trained, Is.EqualTo((1800 - 1024) * 30.0));
            Assert.That(Directory.Exists(Path.Combine(Root, "weights/.earlier")), Is.False);
        });
        var files = Files();
        Assert.That(files, Is.EqualTo(Fresh(Fused)));
    }

    [Test]
    public void What_somebody_changed_is_not_taken_over()
    {
        Train(Fused);
        string path = Path.Combine(Root, RunFolder.Weights(0));
        var file = Safetensors.Load(path);
        file.Tensors["b"].Values[3] += 1;
        new Safetensors { Tensors = file.Tensors, Metadata = file.Metadata }.Save(path);
        string after = Fused.Replace("[0.1, 0.3, 0.5]", "[0.5, 0.3, 0.1]", StringComparison.Ordinal);
        var (_, trained) = Train(after);
        Assert.That(trained, Is.EqualTo(1024 * 30));
        var files = Files();
        Assert.That(files, Is.EqualTo(Fresh(after)));
    }

    [Test]
    public void Other_samples_on_disk_make_other_models()
    {
        Train(s_fromDisk, packs: 1);
        foreach (string shard in Directory.EnumerateFiles(Path.Combine(Root, "data"), "*.npz", SearchOption.AllDirectories))
            File.AppendAllText(shard, "x");
        using var run = RunFolder.Join(Root);
        var plan = TrainingPlan.Open(run, new Grid(run.Experiment).Packs());
        Assert.That(plan.Missing.Count(), Is.EqualTo(2));
    }

    [Test]
    public void Tasks_train_packs_side_by_side_in_a_folder_that_another_holds()
    {
        Train(Fused, packs: 0);
        using (RunFolder.Open(_artifacts, Experiment.Parse(Fused, "tiny.yaml")))
        {
            Parallel.For(0, 3, task =>
            {
                using var run = RunFolder.Join(Root);
                TrainStage.RunPacks(run, task == 2 ? [0, 1] : [task], _ => { }, default);
            });
            using var joined = RunFolder.Join(Root);
            Assert.That(() => TrainStage.RunPacks(joined, [1, 2], _ => { }, default), Throws.TypeOf<InvalidInputException>().With.Message.Contains("no pack 2: the packs of"));
        }

        var (standing, trained) = Train(Fused);
        Assert.That((standing, trained), Is.EqualTo(((string?)null, 0.0)), "everything stands");
        var files = Files();
        Assert.That(files, Is.EqualTo(Fresh(Fused)));
    }

    [Test]
    public void A_task_without_its_dataset_says_so()
    {
        using (RunFolder.Open(_artifacts, Experiment.Parse(s_fromDisk, "tiny.yaml")))
        {
            using var joined = RunFolder.Join(Root);
            Assert.That(() => TrainStage.RunPacks(joined, [0], _ => { }, default), Throws.TypeOf<InvalidInputException>().With.Message.Contains("run `toy generate` first"));
        }
    }
}
