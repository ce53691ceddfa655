using CsvHelper;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;
using ToyPipeline.Core.Runs;
using ToyPipeline.Export;

namespace ToyPipeline.Analysis.Tests;

public sealed class AnalyzeStageTests
{
    private const int Samples = 1500;

    private const string Yaml = """
        name: shapes
        model: { kind: relu-output, features: 5, hidden: 2 }
        importance: { decay: 0.9 }
        replicas: 2
        axes:
          - { path: data.sparsity, values: [0.0, 0.9] }
        evaluation: { samples: 1500 }
        claims:
          - { at: { data.sparsity: 0.0 }, measure: represented, equals: [0, 1] }
          - { at: { data.sparsity: 0.9 }, measure: geometry, equals: pentagon }
          - { measure: represented_count, at_least: 3 }
        """;

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Tables_say_what_the_weights_are()
    {
        using var run = Prepared();
        var progress = new List<StageProgress>();
        var outcome = AnalyzeStage.Run(run, progress.Add, CancellationToken.None);
        Assert.Multiple(() =>
        {
            Assert.That(outcome.Outcome, Is.EqualTo(StageOutcome.Ran));
            Assert.That(outcome.Claims.Select(claim => claim.Holds), Is.EqualTo(new[] { true, true, false }));
            Assert.That(outcome.Claims[2].Measured, Is.EqualTo("2 at data.sparsity = 0.0"));
            Assert.That(progress[^1], Is.EqualTo(new StageProgress("analyze", 4, 4, "instances")));
        });

        var cells = Table(run, "cells");
        Assert.Multiple(() =>
        {
            Assert.That(cells.Select(row => row["data.sparsity"]), Is.EqualTo(new[] { "0.0", "0.9" }));
            Assert.That(cells.Select(row => row["geometry"]), Is.EqualTo(new[] { "2 dedicated", "pentagon" }));
            Assert.That(cells.Select(row => row["represented"]), Is.EqualTo(new[] { "0 1", "0 1 2 3 4" }));
            Assert.That(cells.Select(row => row["geometry_replicas"]), Is.EqualTo(new[] { "1", "1" }));
            Assert.That(Table(run, "instances"), Has.Count.EqualTo(4));
            Assert.That(Table(run, "instances").Count(row => row["best"] == "true"), Is.EqualTo(2));
        });
        var feature = Table(run, "features").Single(row => row["instance"] == cells[1]["best_instance"] && row["feature"] == "3");
        Assert.Multiple(() =>
        {
            Assert.That(feature["component_kind"], Is.EqualTo("pentagon"));
            Assert.That(double.Parse(feature["importance"]), Is.EqualTo(Math.Pow(0.9, 3)));
            Assert.That(double.Parse(feature["dimensionality"]), Is.EqualTo(0.4).Within(1e-6));
            Assert.That(feature["best"], Is.EqualTo("true"));
        });
    }

    [Test]
    public void Losses_match_the_plain_forward_pass([Values] bool instanceModels)
    {
        using var run = Prepared();
        if (!instanceModels)
        {
            foreach (string file in Directory.GetFiles(run.Path("models"), "instance-*"))
                File.Delete(file);
        }

        AnalyzeStage.Run(run, _ => { }, CancellationToken.None);
        var weights = EnsembleWeights.Load(run.Path(RunFolder.Weights(0)));
        var pack = new Grid(run.Experiment).Packs()[0];
        foreach (var row in Table(run, "instances"))
        {
            int place = int.Parse(row["instance"]);
            float[] x = SamplesOf(pack.Specs[place]);
            var loss = new EvaluationLoss(ModelKind.ReluOutput, pack.Specs[place].Importance);
            for (int s = 0; s < Samples; s++)
            {
                var sample = x.AsSpan(s * 5, 5);
                loss.Add(sample, [.. TestData.Forward(weights, place, sample).Reconstruction.Select(value => (float)value)]);
            }

            Assert.That(double.Parse(row["loss"]), Is.EqualTo(loss.Estimate.Mean).Within(1e-7));
            Assert.That(double.Parse(row["loss_se"]), Is.EqualTo(loss.Estimate.StandardError).Within(1e-7));
        }
    }

    [Test]
    public void Best_instances_are_kept_with_their_weights()
    {
        using var run = Prepared();
        AnalyzeStage.Run(run, _ => { }, CancellationToken.None);
        var best = Safetensors.Load(run.Path("analysis/best-00000.safetensors"));
        var instances = InstancesJson.Read(best.Metadata["instances"], "best");
        var weights = EnsembleWeights.Load(run.Path(RunFolder.Weights(0)));
        Assert.Multiple(() =>
        {
            Assert.That(best.Metadata["format"], Is.EqualTo("toypipeline-best-1"));
            Assert.That(best.Metadata["kind"], Is.EqualTo("relu-output"));
            Assert.That(best.Tensors["G"].Shape, Is.EqualTo(new[] { 2, 5, 5 }));
            Assert.That(best.Tensors["W"].Values, Is.EqualTo(instances.SelectMany(instance => weights.WOf(instance.Index).ToArray())));
            Assert.That(best.Tensors["b"].Shape, Is.EqualTo(new[] { 2, 5 }));
        });
    }

    [Test]
    public void Nothing_is_redone_where_nothing_changed()
    {
        StageOutcome Run()
        {
            using var run = RunFolder.Open(_folder.Root, Experiment.Parse(Yaml, "shapes.yaml"));
            var outcome = AnalyzeStage.Run(run, _ => { }, CancellationToken.None);
            Assert.That(outcome.Claims.Select(claim => (claim.At, claim.Holds)),
                Is.EqualTo(new[] { ("data.sparsity = 0.0", true), ("data.sparsity = 0.9", true), ("all cells", false) }));
            return outcome.Outcome;
        }

        Prepared().Dispose();
        byte[] Tables() => [.. Directory.GetFiles(_folder.File("shapes/analysis")).Order().SelectMany(File.ReadAllBytes)];
        Assert.That(Run(), Is.EqualTo(StageOutcome.Ran));
        byte[] first = Tables();
        Assert.That(Run(), Is.EqualTo(StageOutcome.Skipped));
        File.Delete(_folder.File("shapes/analysis/cells.csv"));
        Assert.That(Run(), Is.EqualTo(StageOutcome.Ran));
        Assert.That(Tables(), Is.EqualTo(first), "the same inputs give the same bytes");
    }

    [Test]
    public void A_damaged_dataset_is_an_input_error()
    {
        using var run = Prepared();
        string shard = Directory.GetFiles(run.Path("data"), "shard-00000.npz", SearchOption.AllDirectories)[0];
        using (var stream = new FileStream(shard, FileMode.Open))
            stream.SetLength(stream.Length / 2);
        var error = Assert.Throws<InvalidInputException>(() => AnalyzeStage.Run(run, _ => { }, CancellationToken.None))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Message, Does.Contain("SHA-256").And.Not.Contain("\n"));
            Assert.That(Directory.Exists(run.Path("analysis")) && Directory.GetFiles(run.Path("analysis")).Length > 0, Is.False, "no partial table is left");
        });
    }

    [Test]
    public void A_missing_model_is_an_input_error()
    {
        using var run = Prepared();
        Directory.Delete(run.Path("models"), recursive: true);
        Assert.That(() => AnalyzeStage.Run(run, _ => { }, CancellationToken.None), Throws.InstanceOf<InvalidInputException>().With.Message.Contains("is missing"));
    }

    [Test]
    public void Cancelling_leaves_nothing_behind()
    {
        using var run = Prepared();
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.That(() => AnalyzeStage.Run(run, _ => { }, cancelled.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Directory.GetFiles(run.Path("analysis")), Is.Empty);
    }

    /// <summary>A run with hand-made weights: two orthogonal features at sparsity 0, a pentagon at 0.9, and a worse replica of each.</summary>
    private RunFolder Prepared()
    {
        var run = RunFolder.Open(_folder.Root, Experiment.Parse(Yaml, "shapes.yaml"));
        var pack = new Grid(run.Experiment).Packs().Single();
        double[][] orthogonal = [[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]];
        double[][] collapsed = [[1, 0], [1, 0], [1, 0], [1, 0], [1, 0]];
        double[][][] rows = [collapsed, orthogonal, Shapes.Pentagon, collapsed];
        float[] bias = [0, 0, 0.5f, 0.5f, 0.5f];
        var weights = new EnsembleWeights
        {
            Kind = ModelKind.ReluOutput,
            Features = 5,
            Hidden = 2,
            Instances = pack.Instances,
            W = [.. rows.SelectMany(shape => shape.SelectMany(row => row)).Select(value => (float)value)],
            B = [.. rows.SelectMany(shape => shape == orthogonal ? bias : new float[5])],
            Experiment = run.Experiment.Resolved(),
        };
        weights.Save(run.Path(RunFolder.Weights(0)));
        foreach (var spec in pack.Specs.Distinct())
        {
            string name = DatasetManifest.FolderName(spec.Data, RandomStream.Evaluation, run.Experiment.Seed, Samples);
            TestData.WriteDataset(run.Path(RunFolder.Dataset(name)), SamplesOf(spec), 5, 600, spec.Data, run.Experiment.Seed);
        }

        ExportStage.Run(run, _ => { }, CancellationToken.None);
        return run;
    }

    private static float[] SamplesOf(CellSpec spec) => TestData.Samples(Samples, 5, spec.Data.Density[0]);

    private static List<Dictionary<string, string>> Table(RunFolder run, string name)
    {
        using var csv = CsvReader.FromFile(run.Path($"analysis/{name}.csv"));
        var rows = new List<Dictionary<string, string>>();
        while (csv.Read())
            rows.Add(csv.Current.ToDictionary().ToDictionary(pair => pair.Key, pair => pair.Value ?? ""));
        return rows;
    }
}
