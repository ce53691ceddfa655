using System.Text.Json;

namespace ToyPipeline.Cli.Tests;

/// <summary><c>toy sweep</c> from data to report: the folder of `toy run`, and what it says on the way.</summary>
public sealed class SweepTests
{
    [TestCase("")]
    [TestCase("objective: autograd,")]
    [TestCase("objective: exact,")]
    public void A_sweep_leaves_the_folder_that_a_run_leaves(string objective)
    {
        string text = Sweeping.Quick.Replace("training: {", $"training: {{ {objective}", StringComparison.Ordinal).Replace("0.01, 60]", "0.01, 5]", StringComparison.Ordinal);
        // The exact loss is that of the distribution itself.
        if (objective.Contains("exact", StringComparison.Ordinal))
            text = text.Replace("data: { train: { samples: 500 } }", "", StringComparison.Ordinal);
        using var run = Sweeping.Undisturbed(text);
        using var sweep = new Workspace();
        sweep.Write("tiny.yaml", text);
        var (code, output, error) = sweep.Toy("sweep", "tiny.yaml");
        Assert.Multiple(() =>
        {
            Assert.That((code, error), Is.EqualTo((0, "")));
            foreach (string stage in new[] { "generate", "train", "export", "analyze", "report" })
                Assert.That(output, Does.Match($@"\n{stage} +done in \d+\.\d s\n"));
            Assert.That(output, Does.Match(@"\nall cells +loss +at most 1 .* yes\n"));
        });
        Sweeping.AssertSame(sweep, run);
        var before = sweep.Files();
        Assert.That(sweep.Toy("run", "tiny.yaml").Out, Does.Not.Contain("done in"));
        Assert.That(sweep.Toy("sweep", "tiny.yaml").Out, Does.Not.Contain("done in"));
        Assert.That(sweep.Files(), Is.EqualTo(before), "neither finds anything to do");
    }

    [Test]
    public void Branches_are_followed_before_they_are_measured()
    {
        const string text = """
            name: tiny
            model: { features: 2, hidden: 1 }
            training: { objective: exact }
            replicas: 4
            axes:
              - { path: data.density, linear: [0.1, 1, 10] }
            branches: { axis: data.density, from: [0.1] }

            """;
        using var run = Sweeping.Undisturbed(text);
        using var sweep = new Workspace();
        sweep.Write("tiny.yaml", text);
        Assert.That(sweep.Toy("sweep", "tiny.yaml").Code, Is.Zero);
        Sweeping.AssertSame(sweep, run);
    }

    [Test]
    public void Progress_tells_cells_models_and_time_left()
    {
        using var workspace = new Workspace();
        workspace.Write("tiny.yaml", Sweeping.Experiment);
        var (code, output, error) = workspace.Toy("sweep", "tiny.yaml", "--json");
        Assert.That((code, error), Is.EqualTo((0, "")));
        var progress = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(line)!)
            .Where(line => line["event"].GetString() == "progress" && line["stage"].GetString() == "train").ToList();
        Assert.That(progress, Is.Not.Empty);
        Assert.Multiple(() =>
        {
            Assert.That(progress.Select(line => line["note"].GetString()), Has.All.Matches(@"^\d+ of 120 cells$"));
            Assert.That(progress.Select(line => (line["unit"].GetString(), line["total"].GetDouble())), Has.All.EqualTo(("models", 240.0)));
            Assert.That(progress.Select(line => line["done"].GetDouble()), Is.Ordered);
            Assert.That(progress.Select(line => line["per_second"].GetDouble()), Has.All.GreaterThan(0));
        });
    }

    [Test]
    public void A_failing_write_is_told_and_the_next_sweep_goes_on_from_it()
    {
        var undisturbed = Sweeping.UndisturbedQuick.Value;
        using var workspace = new Workspace();
        workspace.Write("tiny.yaml", Sweeping.Quick);
        foreach (string path in new[] { "weights/pack-00007.safetensors", "models/pack-00031.onnx", "analysis/cells.csv", "figures/norms.png" })
        {
            // A folder in the place of a file cannot be replaced, whoever asks.
            string obstacle = Path.Combine(workspace.Run, path);
            Directory.CreateDirectory(obstacle);
            var (code, _, error) = workspace.Toy("sweep", "tiny.yaml");
            Assert.Multiple(() =>
            {
                Assert.That(code, Is.EqualTo(3), path);
                Assert.That(error, Does.Match($@"^error: Cannot write \S*{path.Replace("/", ".", StringComparison.Ordinal)}: [^\n]*\n$"));
                Assert.That(workspace.Files().Keys, Has.None.EndsWith(".partial"));
            });
            Directory.Delete(obstacle);
        }

        var packs = Sweeping.Packs(workspace);
        Assert.That(workspace.Toy("sweep", "tiny.yaml").Code, Is.Zero);
        Assert.That(Sweeping.Packs(workspace), Is.EqualTo(packs), "all packs stood");
        Sweeping.AssertSame(workspace, undisturbed);
    }

    [Test]
    public void A_changed_experiment_trains_the_cells_that_changed_and_names_them()
    {
        using var workspace = new Workspace();
        workspace.Write("tiny.yaml", Sweeping.Quick);
        Assert.That(workspace.Toy("sweep", "tiny.yaml").Code, Is.Zero);
        string changed = Sweeping.Quick.Replace("[0.0, 0.9]", "[0.95, 0.9, 0.0]", StringComparison.Ordinal).Replace("A tiny sweep", "Another title", StringComparison.Ordinal);
        workspace.Write("tiny.yaml", changed);
        var (code, output, error) = workspace.Toy("sweep", "tiny.yaml");
        Assert.That((code, error), Is.EqualTo((0, "")));
        Assert.That(output, Does.Contain("\nnote: 60 of 180 cells are trained again: training.optimizer.lr = 0.001, data.sparsity = 0.95; ").And.Contain("; 120 stand.\n"));
        using var undisturbed = Sweeping.Undisturbed(changed);
        Sweeping.AssertSame(workspace, undisturbed);
    }

    [Test]
    public void A_task_trains_its_packs_and_no_other()
    {
        using var workspace = new Workspace();
        workspace.Write("tiny.yaml", Sweeping.Quick);
        var early = workspace.Toy("sweep", "task", Path.Combine("artifacts", "tiny"), "--packs", "0-3");
        Assert.That((early.Code, early.Error), Is.EqualTo((2, $"error: {Path.Combine("artifacts", "tiny")} is no run folder: there is no experiment.yaml in it.\n")));
        Assert.That(workspace.Toy("generate", "tiny.yaml").Code, Is.Zero);
        var other = workspace.Toy("sweep", "task", Path.Combine("artifacts", "tiny"), "--packs", "0-3,7", "--code", "0123456789abcdef");
        Assert.That(other.Code, Is.EqualTo(3));
        Assert.That(other.Error, Does.StartWith("error: The code is another than that of the sweep which asked for these packs"));
        var task = workspace.Toy("sweep", "task", Path.Combine("artifacts", "tiny"), "--packs", "0-3,7", "--code", Core.Runs.StageCode.Of(typeof(Training.TrainStage)));
        Assert.That((task.Code, task.Error), Is.EqualTo((0, "")));
        var packs = Sweeping.Packs(workspace);
        Assert.That(packs.Keys.Order(), Is.EqualTo(new[] { 0, 1, 2, 3, 7 }.Select(pack => $"pack-{pack:D5}.safetensors")));
        Assert.That(workspace.Toy("sweep", "tiny.yaml").Out, Does.Contain("\nnote: 10 of 120 cells stand from before; 110 are trained.\n"));
        Assert.That(Sweeping.Packs(workspace).Where(pack => packs.ContainsKey(pack.Key)), Is.EquivalentTo(packs));
        var undisturbed = Sweeping.UndisturbedQuick.Value;
        Sweeping.AssertSame(workspace, undisturbed);
    }
}
