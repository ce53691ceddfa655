using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Export.Tests;

public class ExportStageTests
{
    [Test]
    public void Every_instance_and_every_pack_gets_a_file_that_holds_its_weights()
    {
        using var folder = new TemporaryFolder();
        using var run = Run(folder, replicas: 2, "axes: [{ path: data.sparsity, values: [0.0, 0.9] }, { path: model.hidden, values: [1, 2] }]");
        var packs = SaveWeights(run);
        var seen = new List<StageProgress>();
        Assert.That(ExportStage.Run(run, seen.Add, CancellationToken.None), Is.EqualTo(StageOutcome.Ran));
        Assert.That(packs, Has.Count.EqualTo(2), "one pack a shape");
        Assert.That(Directory.GetFiles(run.Path("models")), Has.Length.EqualTo(8 + 2));
        Assert.That(seen.Select(at => at.Done), Is.EqualTo(Enumerable.Range(1, 10)));
        Assert.That(seen, Has.All.Matches<StageProgress>(at => at is { Stage: "export", Total: 10 }));
        foreach (var pack in packs)
        {
            var weights = EnsembleWeights.Load(run.Path(RunFolder.Weights(pack.Index)));
            Assert.That(ModelReader.Load(run.Path(RunFolder.EnsembleModel(pack.Index))).W, Is.EqualTo(weights.W));
            for (int place = 0; place < pack.Instances.Count; place++)
                Assert.That(ModelReader.Load(run.Path(RunFolder.InstanceModel(pack.Instances[place].Index))).W, Is.EqualTo(weights.WOf(place).ToArray()));
        }

        Assert.That(ExportStage.Run(run, seen.Add, CancellationToken.None), Is.EqualTo(StageOutcome.Skipped));
    }

    [Test]
    public void A_large_grid_gets_its_ensemble_files_only()
    {
        using var folder = new TemporaryFolder();
        using var run = Run(folder, ExportStage.MaxInstanceFiles + 100);
        SaveWeights(run);
        ExportStage.Run(run, _ => { }, CancellationToken.None);
        Assert.That(Directory.GetFiles(run.Path("models")).Select(Path.GetFileName), Is.EquivalentTo(new[] { "pack-00000.onnx", "pack-00001.onnx" }));
    }

    [Test]
    public void Missing_weights_are_named()
    {
        using var folder = new TemporaryFolder();
        using var run = Run(folder, replicas: 1);
        Assert.That(() => ExportStage.Run(run, _ => { }, CancellationToken.None), Throws.TypeOf<InvalidInputException>().With.Message.Contains("pack-00000.safetensors is missing"));
    }

    [Test]
    public void Weights_of_another_experiment_are_refused()
    {
        using var folder = new TemporaryFolder();
        using var run = Run(folder, replicas: 2);
        var pack = SaveWeights(run)[0];
        string path = run.Path(RunFolder.Weights(0));
        var weights = EnsembleWeights.Load(path);
        (weights with { Kind = ModelKind.Linear }).Save(path);
        Assert.That(() => ExportStage.Run(run, _ => { }, CancellationToken.None), Throws.TypeOf<InvalidInputException>().With.Message.Contains("kind: linear"));
        (weights with { Instances = [pack.Instances[0], pack.Instances[1] with { Index = -7 }] }).Save(path);
        Assert.That(() => ExportStage.Run(run, _ => { }, CancellationToken.None), Throws.TypeOf<InvalidInputException>().With.Message.Contains("other instances"));
    }

    [Test]
    public void A_cancelled_stage_runs_again()
    {
        using var folder = new TemporaryFolder();
        using var run = Run(folder, replicas: 3);
        SaveWeights(run);
        using var cancellation = new CancellationTokenSource();
        Assert.That(() => ExportStage.Run(run, _ => cancellation.Cancel(), cancellation.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Directory.GetFiles(run.Path("models")), Has.Length.EqualTo(1));
        Assert.That(ExportStage.Run(run, _ => { }, CancellationToken.None), Is.EqualTo(StageOutcome.Ran));
    }

    private static RunFolder Run(TemporaryFolder folder, int replicas, string more = "")
    {
        string yaml = $"name: test\nmodel: {{ kind: relu-output, features: 4, hidden: 2 }}\nreplicas: {replicas}\n{more}\n";
        return RunFolder.Open(folder.Root, Experiment.Parse(yaml, "test.yaml"));
    }

    private static IReadOnlyList<Pack> SaveWeights(RunFolder run)
    {
        var packs = new Grid(run.Experiment).Packs();
        foreach (var pack in packs)
        {
            var weights = TestWeights.Random(pack.Model.Kind, pack.Instances.Count, pack.Model.Features, pack.Model.Hidden, pack.Index);
            (weights with { Instances = pack.Instances }).Save(run.Path(RunFolder.Weights(pack.Index)));
        }

        return packs;
    }
}
