using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.DataGen.Tests;

/// <summary>The first stage, end to end on a folder of its own.</summary>
public sealed class GenerateStageTests
{
    private const string Text = """
        name: gen
        model: { features: 4, hidden: 2 }
        data: { train: { samples: 300 } }
        axes:
          - { path: data.sparsity, values: [0.5, 0.9] }
          - { path: importance.decay, values: [1, 0.5] }
        evaluation: { samples: 1000 }

        """;

    private string _artifacts = "";

    [SetUp]
    public void MakeFolder() => _artifacts = Directory.CreateTempSubdirectory("toy-gen-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_artifacts, recursive: true);

    private StageOutcome Generate(string text, bool csv = false, Action<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var run = RunFolder.Open(_artifacts, Experiment.Parse(text, "gen.yaml"));
        return GenerateStage.Run(run, csv, progress ?? (_ => { }), cancellation);
    }

    private string[] Folders => [.. Directory.GetDirectories(Path.Combine(_artifacts, "gen", "data")).Select(path => Path.GetFileName(path)).Order()];

    [Test]
    public void Without_evaluation_samples_only_training_datasets_are_drawn()
    {
        Generate(Text.Replace("samples: 1000", "samples: 0", StringComparison.Ordinal));
        Assert.That(Folders, Has.Length.EqualTo(2).And.All.StartsWith("train-"));
    }

    [Test]
    public void Each_distribution_has_an_evaluation_and_a_training_dataset_once()
    {
        var reports = new List<StageProgress>();
        Assert.That(Generate(Text, progress: reports.Add), Is.EqualTo(StageOutcome.Ran));
        var experiment = Experiment.Parse(Text, "gen.yaml");
        var grid = new Grid(experiment);
        var expected = grid.Cells.Select(cell => grid.Spec(cell).Data).SelectMany(data => new[]
        {
            DatasetManifest.FolderName(data, RandomStream.Evaluation, 0, 1000),
            DatasetManifest.FolderName(data, RandomStream.Training, 0, 300),
        }).Distinct().Order().ToArray();
        Assert.Multiple(() =>
        {
            Assert.That(expected, Has.Length.EqualTo(4));
            Assert.That(Folders, Is.EqualTo(expected));
            foreach (string folder in expected)
            {
                var manifest = DatasetManifest.Load(Path.Combine(_artifacts, "gen", "data", folder));
                Assert.That((manifest.Samples, manifest.Stream), Is.EqualTo(folder.StartsWith("train", StringComparison.Ordinal) ? (300L, RandomStream.Training) : (1000L, RandomStream.Evaluation)));
            }

            Assert.That(reports.Select(report => report.Done), Is.Ordered.Ascending);
            Assert.That(reports[^1], Is.EqualTo(new StageProgress("generate", 2600, 2600, "samples")));
        });
    }

    [Test]
    public void What_is_there_is_not_drawn_again_and_what_is_no_longer_needed_goes()
    {
        Generate(Text);
        Assert.That(Generate(Text), Is.EqualTo(StageOutcome.Skipped));
        Assert.That(Generate(Text + "training: { steps: 3 }\n"), Is.EqualTo(StageOutcome.Skipped), "training does not change the data");
        Assert.That(Generate(Text.Replace("samples: 1000", "samples: 1000, probes: true", StringComparison.Ordinal)), Is.EqualTo(StageOutcome.Skipped), "nor does what is measured on it");
        Assert.That(Generate(Text.Replace("[0.5, 0.9]", "[0.5]", StringComparison.Ordinal)), Is.EqualTo(StageOutcome.Ran));
        Assert.That(Folders, Has.Length.EqualTo(2));
        Assert.That(Generate(Text.Replace("[0.5, 0.9]", "[0.5]", StringComparison.Ordinal), csv: true), Is.EqualTo(StageOutcome.Ran));
        Assert.That(Directory.GetFiles(Path.Combine(_artifacts, "gen", "data"), "*.csv", SearchOption.AllDirectories), Has.Length.EqualTo(2));
    }

    [Test]
    public void Two_runs_write_the_same_bytes()
    {
        Generate(Text);
        string first = Contents();
        Directory.Delete(Path.Combine(_artifacts, "gen"), recursive: true);
        Generate(Text);
        Assert.That(Contents(), Is.EqualTo(first));

        string Contents()
        {
            string data = Path.Combine(_artifacts, "gen", "data");
            return string.Join('\n', Directory.GetFiles(data, "*", SearchOption.AllDirectories).Order().Select(path => FileRecord.Of(data, Path.GetRelativePath(data, path)).ToString()));
        }
    }

    [Test]
    public void A_stage_that_was_cancelled_runs_again()
    {
        Assert.That(() => Generate(Text, cancellation: new CancellationToken(true)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Generate(Text), Is.EqualTo(StageOutcome.Ran));
    }

    [Test]
    public void A_truncated_shard_is_refused_and_drawn_again_by_force()
    {
        Generate(Text);
        string shard = Directory.GetFiles(Path.Combine(_artifacts, "gen", "data"), "*.npz", SearchOption.AllDirectories)[0];
        File.WriteAllBytes(shard, File.ReadAllBytes(shard)[..^10]);
        using (var run = RunFolder.Open(_artifacts, Experiment.Parse(Text, "gen.yaml")))
        {
            Assert.That(() => run.Stage(typeof(GenerateStageTests), "next", "", [Path.GetRelativePath(run.Root, shard)], () => []), Throws.TypeOf<InvalidInputException>().With.Message.Contains("SHA-256"));
        }

        Assert.That(() => Generate(Text), Throws.TypeOf<InvalidInputException>().With.Message.Contains("--force"));
        using (var run = RunFolder.Open(_artifacts, Experiment.Parse(Text, "gen.yaml"), force: true))
            Assert.That(GenerateStage.Run(run, csv: false, _ => { }, default), Is.EqualTo(StageOutcome.Ran));
        Assert.That(CsrNpz.Load(shard).Columns, Is.EqualTo(4));
    }
}
