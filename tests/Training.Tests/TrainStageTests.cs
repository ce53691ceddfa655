using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Tests;

/// <summary>The second stage, end to end on a folder of its own.</summary>
public sealed class TrainStageTests
{
    private const string Text = """
        name: tiny
        model: { features: 4, hidden: 2 }
        data: { density: 0.5 }
        training: { steps: 30, batch: 64, objective: autograd, history: { loss_every: 10 } }
        replicas: 2
        axes:
          - { path: model.hidden, values: [1, 2] }
        evaluation: { samples: 100 }

        """;

    private string _artifacts = "";

    private string Root => Path.Combine(_artifacts, "tiny");

    [SetUp]
    public void MakeFolder()
    {
        TorchSharp.torch.set_num_threads(1);
        _artifacts = Directory.CreateTempSubdirectory("toy-stage-").FullName;
    }

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_artifacts, recursive: true);

    private StageOutcome Train(string text, List<StageProgress>? reports = null, CancellationToken cancellation = default)
    {
        using var run = RunFolder.Open(_artifacts, Experiment.Parse(text, "tiny.yaml"));
        return TrainStage.Run(run, report => reports?.Add(report), cancellation);
    }

    private string Contents() => string.Join('\n', Directory.GetFiles(Path.Combine(Root, "weights")).Order().Select(path => FileRecord.Of(Root, Path.GetRelativePath(Root, path)).ToString()));

    [Test]
    public void Each_pack_has_weights_and_a_history()
    {
        var reports = new List<StageProgress>();
        Assert.That(Train(Text, reports), Is.EqualTo(StageOutcome.Ran));
        var experiment = Experiment.Parse(Text, "tiny.yaml");
        Assert.Multiple(() =>
        {
            for (int pack = 0; pack < 2; pack++)
            {
                var weights = EnsembleWeights.Load(Path.Combine(Root, RunFolder.Weights(pack)));
                Assert.That((weights.Kind, weights.Features, weights.Hidden), Is.EqualTo((ModelKind.ReluOutput, 4, pack + 1)));
                Assert.That(weights.Instances.Select(instance => instance.Index), Is.EqualTo(new[] { 2 * pack, (2 * pack) + 1 }));
                Assert.That(weights.Instances[1].Seed, Is.EqualTo(new Grid(experiment).InstanceAt((2 * pack) + 1).Seed));
                Assert.That(weights.Experiment, Is.EqualTo(experiment.Resolved()));
                var history = TrainingHistory.Load(Path.Combine(Root, RunFolder.History(pack)));
                Assert.That((history.Instances.Count, history.LossSteps.Length, history.Loss.Length), Is.EqualTo((2, 3, 6)));
            }

            Assert.That(reports[^1], Is.EqualTo(new StageProgress("train", 120, 120, "instance-steps")));
        });
    }

    [Test]
    public void It_is_skipped_while_nothing_changes_and_writes_the_same_bytes_again()
    {
        Train(Text);
        string first = Contents();
        Assert.That(Train(Text), Is.EqualTo(StageOutcome.Skipped));
        Assert.That(Train(Text + "claims: [{ measure: loss, at_most: 1 }]\n"), Is.EqualTo(StageOutcome.Skipped), "claims do not change the training");
        Directory.Delete(Root, recursive: true);
        Train(Text);
        Assert.That(Contents(), Is.EqualTo(first));
        Assert.That(Train(Text.Replace("steps: 30", "steps: 31", StringComparison.Ordinal)), Is.EqualTo(StageOutcome.Ran));
        Assert.That(Contents(), Is.Not.EqualTo(first));
    }

    [Test]
    public void It_trains_from_the_dataset_on_disk()
    {
        string text = Text.Replace("density: 0.5", "density: 0.5, train: { samples: 500 }", StringComparison.Ordinal);
        Assert.That(() => Train(text), Throws.TypeOf<InvalidInputException>().With.Message.Contains("run `toy generate` first"));
        using (var run = RunFolder.Open(_artifacts, Experiment.Parse(text, "tiny.yaml")))
        {
            GenerateStage.Run(run, csv: false, _ => { }, default);
            Assert.That(TrainStage.Run(run, _ => { }, default), Is.EqualTo(StageOutcome.Ran));
            Assert.That(run.Manifest.Stages["train"].Inputs.Select(file => Path.GetFileName(file.Path)), Is.EquivalentTo(new[] { "shard-00000.npz", "dataset.json" }));
        }

        string shard = Directory.GetFiles(Path.Combine(Root, "data"), "shard-00000.npz", SearchOption.AllDirectories).First(path => path.Contains("train-", StringComparison.Ordinal));
        File.WriteAllBytes(shard, File.ReadAllBytes(shard)[..^1]);
        Assert.That(() => Train(text), Throws.TypeOf<InvalidInputException>().With.Message.Contains("SHA-256"));
    }

    [Test]
    public void Training_that_diverges_is_the_fault_of_the_input()
    {
        string text = Text.Replace("batch: 64", "batch: 64, optimizer: { kind: sgd, lr: 1e30 }", StringComparison.Ordinal).Replace("features: 4", "kind: linear, features: 4", StringComparison.Ordinal);
        Assert.That(() => Train(text), Throws.TypeOf<InvalidInputException>().With.Message.Contains("Training diverged at instance 0 (model.hidden = 1)").And.Message.Contains("lower training.optimizer.lr"));
        Assert.That(File.Exists(Path.Combine(Root, RunFolder.Weights(0))), Is.False);
    }

    [Test]
    public void A_stage_that_was_cancelled_runs_again()
    {
        Assert.That(() => Train(Text, cancellation: new CancellationToken(true)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Train(Text), Is.EqualTo(StageOutcome.Ran));
    }
}
