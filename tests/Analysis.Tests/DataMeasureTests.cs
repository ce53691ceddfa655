using CsvHelper;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;
using ToyPipeline.Core.Runs;
using ToyPipeline.Export;

namespace ToyPipeline.Analysis.Tests;

/// <summary>What the stage measures on data where an experiment asks for it.</summary>
public sealed class DataMeasureTests
{
    private const int N = 4;
    private const int Samples = 800;

    private const string Yaml = """
        name: measured
        model: { kind: relu-output, features: 4, hidden: 2 }
        replicas: 2
        axes:
          - { path: model.kind, values: [relu-output, relu-hidden] }
          - { path: data.sparsity, values: [0.5, 0.8] }
        evaluation: { samples: 800, interference: true, probes: { samples: 600 }, adversarial: { samples: 50, random: 10 } }
        claims:
          - { at: { model.kind: relu-output }, measure: "probe_r2[0]", at_least: 0.85 }
          - { at: { model.kind: relu-output }, measure: linearity_error, at_most: 1e-6 }
          - { measure: vulnerability, between: [0, 1000] }
          - { measure: "interference_rms[1]", at_least: 0 }
          - { measure: "loss[2]", at_least: 0.01 }
          - { measure: "weighted_loss[2]", at_most: 0.001 }
          - { measure: benefit_term, at_least: 0 }
        """;

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Tables_say_what_the_measures_say([Values] bool instanceModels)
    {
        using var run = Prepared(Yaml);
        if (!instanceModels)
        {
            foreach (string file in Directory.GetFiles(run.Path("models"), "instance-*"))
                File.Delete(file);
        }

        var outcome = AnalyzeStage.Run(run, _ => { }, CancellationToken.None);
        Assert.That(outcome.Claims.Select(claim => claim.Holds), Is.EqualTo(new[] { true, true, true, true, true, false, true }));
        var packs = new Grid(run.Experiment).Packs();
        foreach (var row in Table(run, "adversarial"))
        {
            var (weights, place, spec) = Instance(run, packs, int.Parse(row["instance"]));
            float[] x = SamplesOf(spec);
            var expected = AdversarialVulnerability.Of(weights, place, spec, run.Experiment.Evaluation.Adversarial!, run.Experiment.Seed, x.AsMemory(0, 50 * N));
            Assert.That(double.Parse(row["vulnerability"]), Is.EqualTo(expected.Vulnerability));
            Assert.That(double.Parse(row["attack_amplification"]), Is.EqualTo(expected.Amplification));
            Assert.That(double.Parse(row["adversarial_loss"]), Is.EqualTo(expected.Model.Worst).And.GreaterThanOrEqualTo(double.Parse(row["random_loss"])));
            Assert.That(row["samples"], Is.EqualTo("50"));
        }

        foreach (var row in Table(run, "interference"))
        {
            var (weights, place, spec) = Instance(run, packs, int.Parse(row["instance"]));
            int i = int.Parse(row["feature"]);
            var moments = new InterferenceMoments(weights, place);
            float[] x = SamplesOf(spec);
            for (int s = 0; s < Samples; s++)
                moments.Add(x.AsSpan(s * N, N), [.. TestData.Forward(weights, place, x.AsSpan(s * N, N)).Preactivation.Select(value => (float)value)]);
            Assert.That(double.Parse(row["interference_mean"]), Is.EqualTo(moments.Statistics.Mean[i]).Within(1e-6));
            Assert.That(double.Parse(row["interference_rms"]), Is.EqualTo(moments.Statistics.RootMeanSquare[i]).Within(1e-6));
            Assert.That(double.Parse(row["interference_worst"]), Is.EqualTo(moments.Statistics.Worst[i]).Within(1e-6));
            var terms = SingleFeatureTerms.Of(spec.Model.Kind, ResponseMatrix.Of(weights, place), weights.BOf(place), spec.Importance, spec.Data.Range);
            Assert.That(double.Parse(row["interference_term"]), Is.EqualTo(terms.Interference[i]));
        }

        var probes = Table(run, "probes");
        Assert.Multiple(() =>
        {
            Assert.That(probes, Has.Count.EqualTo(4 * N));
            Assert.That(probes.Where(row => row["model.kind"] == "relu-output" && row["represented"] == "true").Select(row => double.Parse(row["probe_r2"])), Has.All.GreaterThan(0.85));
            Assert.That(probes.Where(row => row["model.kind"] == "relu-hidden").Select(row => double.Parse(row["linearity_error"])), Has.All.GreaterThan(0.01));
        });
    }

    [Test]
    public void Pairs_are_kept_by_cell()
    {
        using var run = Prepared(Yaml);
        AnalyzeStage.Run(run, _ => { }, CancellationToken.None);
        var files = Directory.GetFiles(run.Path("analysis"), "interference-*.safetensors").Order().Select(Safetensors.Load).ToList();
        Assert.That(files.Select(file => (file.Metadata["format"], file.Metadata["kind"], file.Metadata["cells"])), Is.EqualTo(new[]
        {
            ("toypipeline-interference-1", "relu-output", "[0,1]"), ("toypipeline-interference-1", "relu-hidden", "[2,3]"),
        }));
        var rows = Table(run, "interference").Where(row => row["cell"] == "1").ToList();
        var mean = files[0].Tensors["mean"];
        Assert.That(mean.Shape, Is.EqualTo(new[] { 2, N, N }));
        for (int i = 0; i < N; i++)
        {
            // Of relu-output, contributions add up to the interference.
            Assert.That(mean.Values.AsSpan(((N + i) * N), N).ToArray().Sum(), Is.EqualTo(double.Parse(rows[i]["interference_mean"])).Within(1e-6));
            Assert.That(files[0].Tensors["worst"].Values[((N + i) * N) + i], Is.Zero);
        }
    }

    [Test]
    public void Only_what_is_asked_for_is_measured()
    {
        using var run = Prepared(Yaml[..Yaml.IndexOf("evaluation", StringComparison.Ordinal)] + "evaluation: { samples: 800 }\n");
        AnalyzeStage.Run(run, _ => { }, CancellationToken.None);
        Assert.Multiple(() =>
        {
            Assert.That(Directory.GetFiles(run.Path("analysis")).Select(Path.GetFileName), Has.None.Matches("probes|adversarial|interference-"));
            Assert.That(Table(run, "interference").Select(row => row["interference_rms"]), Has.All.Empty);
            Assert.That(Table(run, "interference").Select(row => row["benefit_term"]), Has.None.Empty);
        });
    }

    [Test]
    public void The_same_run_gives_the_same_bytes()
    {
        byte[] Analysed()
        {
            using var run = RunFolder.Open(_folder.Root, Experiment.Parse(Yaml, "measured.yaml"), force: true);
            AnalyzeStage.Run(run, _ => { }, CancellationToken.None);
            return [.. Directory.GetFiles(run.Path("analysis")).Order().SelectMany(File.ReadAllBytes)];
        }

        Prepared(Yaml).Dispose();
        byte[] first = Analysed();
        Assert.That(Analysed(), Is.EqualTo(first));
    }

    /// <summary>A run with hand-made weights: two features with a dimension each, and a worse replica that has none.</summary>
    private RunFolder Prepared(string yaml)
    {
        var run = RunFolder.Open(_folder.Root, Experiment.Parse(yaml, "measured.yaml"));
        foreach (var pack in new Grid(run.Experiment).Packs())
        {
            float[] w = [0.8f, 0.6f, -0.6f, 0.8f, 0.2f, 0.1f, 0, -0.3f];
            new EnsembleWeights
            {
                Kind = pack.Model.Kind,
                Features = N,
                Hidden = 2,
                Instances = pack.Instances,
                W = [.. pack.Instances.SelectMany(instance => instance.Replica == 0 ? w : new float[w.Length])],
                B = [.. pack.Instances.SelectMany(_ => new[] { 0, 0, 0.1f, 0.05f })],
                Experiment = run.Experiment.Resolved(),
            }.Save(run.Path(RunFolder.Weights(pack.Index)));
            foreach (var spec in pack.Specs.Distinct())
            {
                string name = DatasetManifest.FolderName(spec.Data, RandomStream.Evaluation, run.Experiment.Seed, Samples);
                TestData.WriteDataset(run.Path(RunFolder.Dataset(name)), SamplesOf(spec), N, 300, spec.Data, run.Experiment.Seed);
            }
        }

        ExportStage.Run(run, _ => { }, CancellationToken.None);
        return run;
    }

    private static float[] SamplesOf(CellSpec spec) => TestData.Samples(Samples, N, spec.Data.Density[0]);

    private static (EnsembleWeights Weights, int Place, CellSpec Spec) Instance(RunFolder run, IReadOnlyList<Pack> packs, int index)
    {
        var pack = packs.Single(pack => pack.Instances.Any(instance => instance.Index == index));
        int place = pack.Instances.ToList().FindIndex(instance => instance.Index == index);
        return (EnsembleWeights.Load(run.Path(RunFolder.Weights(pack.Index))), place, pack.Specs[place]);
    }

    private static List<Dictionary<string, string>> Table(RunFolder run, string name)
    {
        using var csv = CsvReader.FromFile(run.Path($"analysis/{name}.csv"));
        var rows = new List<Dictionary<string, string>>();
        while (csv.Read())
            rows.Add(csv.Current.ToDictionary().ToDictionary(pair => pair.Key, pair => pair.Value ?? ""));
        return rows;
    }
}
