using CsCheck;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Core.Tests;

/// <summary>What an experiment file means: defaults, the resolved text, the grid.</summary>
public sealed class ExperimentTests
{
    private const string Small = "name: small\nmodel: { features: 5, hidden: 2 }\n";

    private static Experiment Parse(string text) => Experiment.Parse(text, "small.yaml");

    private static CellSpec OnlyCell(string text) => Parse(text).Spec([]);

    [Test]
    public void The_defaults_are_the_reference_setting()
    {
        var experiment = Parse(Small);
        var cell = experiment.Spec([]);
        Assert.Multiple(() =>
        {
            Assert.That((experiment.Title, experiment.Description, experiment.Seed, experiment.Replicas), Is.EqualTo(("small", "", 0ul, 1)));
            Assert.That(experiment.Axes, Is.Empty);
            Assert.That(experiment.Claims, Is.Empty);
            Assert.That(experiment.Evaluation.Samples, Is.EqualTo(100_000));
            Assert.That(cell.Model, Is.EqualTo(new ModelSpec(ModelKind.ReluOutput, 5, 2)));
            Assert.That(cell.Data.Density, Is.EqualTo(new double[] { 1, 1, 1, 1, 1 }));
            Assert.That((cell.Data.Range, cell.Data.Sets.Count, cell.Data.TrainSamples), Is.EqualTo((ValueRange.Unit, 0, (int?)null)));
            Assert.That(cell.Importance, Is.EqualTo(new double[] { 1, 1, 1, 1, 1 }));
            Assert.That(cell.Training, Is.EqualTo(new TrainingSpec(
                ObjectiveKind.Auto, 10_000, 1024, new OptimizerSpec(OptimizerKind.AdamW, 1e-3, 0.01, 0.9, 0.999, 1e-8, 0),
                Schedule.Constant, new HistorySpec(100, 0, SnapshotSpacing.Log))));
        });
    }

    [Test]
    public void Defaults_follow_the_kind_of_model_and_optimizer()
    {
        Assert.Multiple(() =>
        {
            Assert.That(OnlyCell("name: a\nmodel: { kind: absolute-value, features: 3, hidden: 6 }\n").Data.Range, Is.EqualTo(ValueRange.Signed));
            Assert.That(OnlyCell(Small + "training: { optimizer: { kind: adam } }\n").Training.Optimizer.WeightDecay, Is.Zero);
            Assert.That(OnlyCell(Small + "training: { optimizer: { kind: sgd, momentum: 0.9 } }\n").Training.Optimizer.Momentum, Is.EqualTo(0.9));
        });
    }

    [Test]
    public void Everything_that_can_be_said_is_understood()
    {
        var cell = OnlyCell("""
            name: full
            model: { kind: relu-hidden, features: 6, hidden: 3 }
            data:
              density: [1, 0.5, 0.25, 0.25, 0.1, 0.1]
              values: signed
              sets: [{ correlated: [2, 3] }, { anticorrelated: [5, 4], sparsity: 0.75 }]
              train: { samples: 1000 }
            importance: { values: [1, 2, 3, 4, 5, 0] }
            training:
              objective: autograd
              steps: 7
              batch: 3
              schedule: cosine
              history: { loss_every: 2, snapshots: 4, spacing: linear }
            """);
        Assert.Multiple(() =>
        {
            // A member of a set has the set's density.
            Assert.That(cell.Data.Density, Is.EqualTo(new[] { 1, 0.5, 0.25, 0.25, 0.25, 0.25 }));
            Assert.That(cell.Data.Sets[0].Kind, Is.EqualTo(SetKind.Correlated));
            Assert.That(cell.Data.Sets[0].Density, Is.EqualTo(0.25));
            Assert.That(cell.Data.Sets[1].Kind, Is.EqualTo(SetKind.Anticorrelated));
            Assert.That(cell.Data.Sets[1].Members, Is.EqualTo(new[] { 5, 4 }));
            Assert.That((cell.Data.Range, cell.Data.TrainSamples), Is.EqualTo((ValueRange.Signed, (int?)1000)));
            Assert.That(cell.Importance, Is.EqualTo(new double[] { 1, 2, 3, 4, 5, 0 }));
            Assert.That(cell.Training.History, Is.EqualTo(new HistorySpec(2, 4, SnapshotSpacing.Linear)));
            Assert.That(cell.Training.Schedule, Is.EqualTo(Schedule.Cosine));
        });
    }

    [Test]
    public void Importance_decays_from_one() =>
        Assert.That(OnlyCell(Small + "importance: { decay: 0.5 }\n").Importance, Is.EqualTo(new[] { 1, 0.5, 0.25, 0.125, 0.0625 }));

    [Test]
    public void Anchors_aliases_and_merge_keys_are_resolved()
    {
        var experiment = Parse("""
            name: anchored
            model: &shape { features: 4, hidden: 2 }
            data:
              density: &half 0.5
              sets: [{ correlated: [0, 1], density: *half }]
            axes: [{ path: training.optimizer.lr, values: &rates [1e-3, 1e-2] }]
            training:
              history: { loss_every: 1 }
              optimizer:
                kind: adam
                lr: &rate 0.25
                eps: *rate
            claims:
              - &claim { measure: loss, at_most: 1 }
              - <<: *claim
                tolerance: 0.5
            """);
        Assert.Multiple(() =>
        {
            Assert.That(experiment.Spec([]).Data.Sets[0].Density, Is.EqualTo(0.5));
            Assert.That(experiment.Spec([]).Training.Optimizer.Epsilon, Is.EqualTo(0.25));
            Assert.That((experiment.Claims[1].Measure, experiment.Claims[1].Comparison, experiment.Claims[1].Tolerance), Is.EqualTo(("loss", Comparison.AtMost, 0.5)));
        });
    }

    private static IEnumerable<TestCaseData> Files()
    {
        yield return new TestCaseData(Small).SetArgDisplayNames("small");
        foreach (string path in Directory.EnumerateFiles(Path.Combine(Repository.Root, "experiments"), "*.yaml"))
            yield return new TestCaseData(File.ReadAllText(path)).SetArgDisplayNames(Path.GetRelativePath(Repository.Root, path));
        yield return new TestCaseData("""
            name: kinds
            title: 'yes: # no "quotes"'
            description: |
              Two lines, and they end in
              dots...
            model: { features: 4, hidden: 2 }
            seed: 18446744073709551615
            data: { sparsity: [0.5, 0.5, 0.9, 0.9], sets: [{ correlated: [0, 1] }, { anticorrelated: [2, 3], density: 1e-6 }], train: { samples: 64 } }
            importance: { values: 1 }
            training: { optimizer: { beta1: 0.8 }, history: { snapshots: 3 } }
            axes:
              - { path: model.kind, values: [relu-output, absolute-value] }
              - { path: training.optimizer.kind, values: [adamw, adam] }
              - { path: "data.sparsity[2]", log: [0.1, 0.9, 3] }
              - { path: "importance.values[1]", linear: [0, 2, 5] }
            claims:
              - { measure: "norm[2]", between: [0, 1] }
              - { at: { model.kind: absolute-value }, measure: loss, at_most: 3, tolerance: 0.1 }
              - { measure: represented, equals: [] }
              - { measure: geometry, equals: 3 4/9 cluster + other }
            """).SetArgDisplayNames("kinds");
        yield return new TestCaseData("name: sgd\nmodel: { features: 4, hidden: 2 }\naxes: [{ path: training.optimizer.kind, values: [adamw, sgd] }]\n")
            .SetArgDisplayNames("sgd");
    }

    [TestCaseSource(nameof(Files))]
    public void The_resolved_text_reads_back_as_the_same_experiment(string text)
    {
        var first = Parse(text);
        string resolved = first.Resolved();
        var second = Experiment.Parse(resolved, "resolved.yaml");
        Assert.Multiple(() =>
        {
            Assert.That(second.Resolved(), Is.EqualTo(resolved));
            Assert.That((second.Name, second.Title, second.Description, second.Seed, second.Replicas, second.Evaluation),
                Is.EqualTo((first.Name, first.Title, first.Description, first.Seed, first.Replicas, first.Evaluation)));
            Assert.That(second.Axes.Select(axis => $"{axis.Path}: {string.Join(' ', axis.Values)}"), Is.EqualTo(first.Axes.Select(axis => $"{axis.Path}: {string.Join(' ', axis.Values)}")));
            Assert.That(second.Claims.Select(Show), Is.EqualTo(first.Claims.Select(Show)));
            foreach (var cell in new Grid(first).Cells.Take(200))
                Assert.That(Show(second.Spec(cell.Coordinates)), Is.EqualTo(Show(first.Spec(cell.Coordinates))), cell.ToString());
        });

        static string Show(object value) => System.Text.Json.JsonSerializer.Serialize(value);
    }

    [Test]
    public void Any_title_and_description_survive_the_round_trip()
    {
        var text = Gen.OneOf(
            Gen.String[Gen.Char[" abz0-9#:'\"{}[],&*!|>%@`?~<=\\/.\n\t-äß中"], 0, 40],
            Gen.String[Gen.Char[(char)32, (char)0xD7FF], 0, 20],
            Gen.OneOf("", "~", "null", "...", "---", "a...", "- a", "? b", "true", "1e3", "0x1", " leading", "trailing ", "\n", "a\n", "\na", "\u2028", "\u0085", "a\r\nb"))
            .Where(value => value != "<<"); // the YAML reader takes it for a merge key wherever it stands
        Gen.Select(text, text).Sample((title, description) =>
        {
            string json(string value) => System.Text.Json.JsonSerializer.Serialize(value); // JSON strings are YAML double-quoted scalars
            var first = Parse($"name: t\ntitle: {json(title)}\ndescription: {json(description)}\nmodel: {{ features: 2, hidden: 1 }}\n");
            var second = Parse(first.Resolved());
            return first.Title == title && second.Title == title && second.Description == description && second.Resolved() == first.Resolved();
        }, iter: 500, threads: 1);
    }

    [Test]
    public void Parts_of_the_resolved_text_depend_on_their_sections_alone()
    {
        var a = Parse(Small);
        var b = Parse(Small + "training: { steps: 5 }\n");
        Assert.Multiple(() =>
        {
            Assert.That(a.Resolved("model", "data"), Is.EqualTo(b.Resolved("model", "data")));
            Assert.That(a.Resolved("training"), Is.Not.EqualTo(b.Resolved("training")));
            Assert.That(a.Resolved("claims"), Is.EqualTo(b.Resolved("claims")));
        });
    }

    [Test]
    public void A_file_is_loaded_by_its_path()
    {
        var intro = Experiment.Load(Path.Combine(Repository.Root, "experiments", "intro.yaml"));
        Assert.That((intro.Name, intro.Replicas, intro.Claims.Count), Is.EqualTo(("intro", 16, 7)));
        Assert.That(() => Experiment.Load(Path.Combine(Repository.Root, "experiments", "absent.yaml")), Throws.TypeOf<InvalidInputException>().With.Message.Contains("absent.yaml"));
    }
}
