using CsvHelper;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Analysis.Stage;
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
    public void Cells_have_the_best_and_the_spread_of_every_measure()
    {
        using var run = Prepared();
        AnalyzeStage.Run(run, _ => { }, CancellationToken.None);
        var instances = Table(run, "instances");
        foreach (var cell in Table(run, "cells"))
        {
            var replicas = instances.Where(row => row["cell"] == cell["cell"]).ToList();
            var best = replicas.Single(row => row["best"] == "true");
            foreach (string name in InstanceMeasures.Names.Where(name => name is not ("loss" or "basis_alignment_random")))
            {
                double[] values = [.. replicas.Select(row => double.Parse(row[name]))];
                Assert.That(cell[name], Is.EqualTo(best[name]), name);
                Assert.That(double.Parse(cell[name + "_mean"]), Is.EqualTo(values.Average()).Within(1e-12), name);
                Assert.That(double.Parse(cell[name + "_sd"]), Is.EqualTo(Math.Abs(values[0] - values[1]) / Math.Sqrt(2)).Within(1e-12), name);
            }
        }
    }

    [Test]
    public void Neurons_and_components_have_rows_of_their_own()
    {
        using var run = Prepared();
        AnalyzeStage.Run(run, _ => { }, CancellationToken.None);
        var neurons = Table(run, "neurons");
        var components = Table(run, "components");
        Assert.Multiple(() =>
        {
            Assert.That(neurons.Select(row => (row["instance"], row["neuron"], row["kind"])), Is.EqualTo(new[]
            {
                ("1", "0", "monosemantic"), ("1", "1", "monosemantic"), ("2", "0", "polysemantic"), ("2", "1", "polysemantic"),
            }));
            Assert.That(neurons.Select(row => (row["features"], row["signs"])), Is.EqualTo(new[]
            {
                ("0", "+"), ("1", "+"), ("0 1 2 3 4", "+ + - - +"), ("1 2 3 4", "+ + - -"),
            }));
            var pentagon = components.Single(row => row["kind"] == "pentagon");
            Assert.That((pentagon["members"], pentagon["member_count"], pentagon["dimensions"], pentagon["best"]), Is.EqualTo(("0 1 2 3 4", "5", "2", "true")));
            Assert.That(pentagon["angles"], Is.EqualTo("72.0 72.0 72.0 72.0 72.0 144.0 144.0 144.0 144.0 144.0"));
            Assert.That(components.Count(row => row["kind"] == "dedicated" && row["angles"].Length == 0), Is.EqualTo(2));
        });
    }

    [Test]
    public void Without_evaluation_the_training_loss_picks_the_best()
    {
        string yaml = Yaml.Replace("samples: 1500", "samples: 0", StringComparison.Ordinal);
        using var run = RunFolder.Open(_folder.Root, Experiment.Parse(yaml, "shapes.yaml"));
        var pack = new Grid(run.Experiment).Packs().Single();
        HandMade(run, pack).Save(run.Path(RunFolder.Weights(0)));
        Assert.That(() => AnalyzeStage.Run(run, _ => { }, CancellationToken.None), Throws.InstanceOf<InvalidInputException>().With.Message.Contains("is missing"));
        // The last loss counts: of the four instances 1 and 2 end lowest in their cells.
        new TrainingHistory { Instances = pack.Instances, LossSteps = [100, 200], Loss = [0, 0.5f, 1, 0.25f, 1, 0.125f, 0, 0.75f] }.Save(run.Path(RunFolder.History(0)));
        var outcome = AnalyzeStage.Run(run, _ => { }, CancellationToken.None);
        Assert.Multiple(() =>
        {
            Assert.That(outcome.Claims.Select(claim => claim.Holds), Is.EqualTo(new[] { true, true, false }));
            Assert.That(Table(run, "cells").Select(row => (row["best_instance"], row["loss_best"])), Is.EqualTo(new[] { ("1", "0.25"), ("2", "0.125") }));
            Assert.That(Table(run, "instances").Select(row => row["loss_se"]), Is.All.EqualTo("NaN"));
        });
        new TrainingHistory { Instances = [.. pack.Instances.Skip(1)], LossSteps = [100], Loss = [0, 1, 0] }.Save(run.Path(RunFolder.History(0)));
        Assert.That(() => AnalyzeStage.Run(run, _ => { }, CancellationToken.None), Throws.InstanceOf<InvalidInputException>().With.Message.Contains("pack 0"));
    }

    [Test]
    public void Best_instances_come_in_files_of_one_shape_and_bounded_size()
    {
        using var best = new BestInstances(_folder.Root);
        var spec = new Grid(Experiment.Parse(Yaml, "shapes.yaml")).Packs()[0].Specs[0];
        InstanceAnalysis Of(int cell, int features)
        {
            var weights = Shapes.Pack(Shapes.Polygon(features), 2);
            return new(new Instance(cell, new Cell(cell, []), 0, 0), spec with { Model = new ModelSpec(ModelKind.ReluOutput, features, 2) }, weights, 0, WeightAnalysis.Of(weights, 0), default);
        }

        for (int cell = 0; cell < 1030; cell++)
            best.Add(Of(cell, 3));
        best.Add(Of(1030, 4));
        var files = best.Finish();
        Assert.That(files.Select(file => Safetensors.Load(_folder.File(file)).Tensors["G"].Shape), Is.EqualTo(new[] { new[] { 1024, 3, 3 }, [6, 3, 3], [1, 4, 4] }));
        Assert.That(InstancesJson.Read(Safetensors.Load(_folder.File(files[1])).Metadata["instances"], "best").Select(instance => instance.Cell.Index), Is.EqualTo(Enumerable.Range(1024, 6)));
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
        HandMade(run, pack).Save(run.Path(RunFolder.Weights(0)));
        foreach (var spec in pack.Specs.Distinct())
        {
            string name = DatasetManifest.FolderName(spec.Data, RandomStream.Evaluation, run.Experiment.Seed, Samples);
            TestData.WriteDataset(run.Path(RunFolder.Dataset(name)), SamplesOf(spec), 5, 600, spec.Data, run.Experiment.Seed);
        }

        ExportStage.Run(run, _ => { }, CancellationToken.None);
        return run;
    }

    private static EnsembleWeights HandMade(RunFolder run, Pack pack)
    {
        double[][] orthogonal = [[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]];
        double[][] collapsed = [[1, 0], [1, 0], [1, 0], [1, 0], [1, 0]];
        double[][][] rows = [collapsed, orthogonal, Shapes.Pentagon, collapsed];
        float[] bias = [0, 0, 0.5f, 0.5f, 0.5f];
        return new EnsembleWeights
        {
            Kind = ModelKind.ReluOutput,
            Features = 5,
            Hidden = 2,
            Instances = pack.Instances,
            W = [.. rows.SelectMany(shape => shape.SelectMany(row => row)).Select(value => (float)value)],
            B = [.. rows.SelectMany(shape => shape == orthogonal ? bias : new float[5])],
            Experiment = run.Experiment.Resolved(),
        };
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
