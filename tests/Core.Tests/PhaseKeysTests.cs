using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Core.Tests;

/// <summary>The exact objective, phase diagrams and branches in the experiment file, and the files of branches.</summary>
public sealed class PhaseKeysTests
{
    private const string Text = """
        name: p
        model: { features: 3, hidden: 2 }
        training: { objective: exact }
        axes:
          - { path: data.density, values: [0.1, 0.5, 1] }

        """;

    private static Experiment Parse(string more, string text = Text) => Experiment.Parse(text + more, "p.yaml");

    [Test]
    public void Phase_and_branches_have_defaults_and_stay_in_the_resolved_file()
    {
        var experiment = Parse("phase: {}\nbranches: { axis: data.density }\n");
        var again = Experiment.Parse(experiment.Resolved(), "again.yaml");
        Assert.Multiple(() =>
        {
            Assert.That(experiment.Phase, Is.EqualTo(new PhaseSpec(2)));
            Assert.That(experiment.Branches!.From, Is.EqualTo(new[] { "0.1", "1" }));
            Assert.That(again.Phase, Is.EqualTo(experiment.Phase));
            Assert.That(again.Branches!.From, Is.EqualTo(experiment.Branches.From));
            Assert.That(Parse("branches: { axis: data.density, from: [0.50] }\n").Branches!.From, Is.EqualTo(new[] { "0.5" }));
        });
    }

    [TestCase("phase: { feature: 3 }", "phase.feature is 3; allowed: 0 to 2")]
    [TestCase("branches: { axis: data.sparsity }", "branches.axis is data.sparsity, which is no axis; axes: data.density")]
    [TestCase("branches: { axis: data.density, from: [0.2] }", "branches.from names 0.2, which the axis does not have")]
    [TestCase("data: { sets: [{ correlated: [0, 1] }] }", "training.objective is exact, which covers independent features")]
    [TestCase("data: { values: signed }", "training.objective is exact, which covers features on [0, 1]")]
    [TestCase("data: { train: { samples: 10 } }", "training.objective is exact, which covers the distribution itself")]
    [TestCase("claims: [{ at: { data.density: 1 }, measure: unconverged, equals: 0 }]", "claims[0].at does not go with unconverged")]
    public void What_is_impossible_is_said(string more, string expected) =>
        Assert.That(() => Parse(more), Throws.TypeOf<InvalidInputException>().With.Message.Contains(expected).And.Message.StartsWith("p.yaml:"));

    [TestCase("kind: relu-hidden, features: 3", "covers the model kinds linear and relu-output")]
    [TestCase("features: 9", "covers up to 8 features")]
    public void Models_that_the_exact_loss_does_not_cover_are_refused(string model, string expected) =>
        Assert.That(() => Parse("", Text.Replace("features: 3", model, StringComparison.Ordinal)), Throws.TypeOf<InvalidInputException>().With.Message.Contains(expected));

    [Test]
    public void Branches_need_the_exact_objective() =>
        Assert.That(() => Parse("branches: { axis: data.density }\n", Text.Replace("exact", "fused", StringComparison.Ordinal)),
            Throws.TypeOf<InvalidInputException>().With.Message.Contains("set training.objective to exact"));

    [Test]
    public void Small_models_on_the_exact_loss_come_in_large_packs_that_cover_the_grid_in_order()
    {
        var grid = new Grid(Parse("replicas: 10000\n"));
        Assert.That(grid.Packs().Select(pack => pack.Instances.Count), Is.EqualTo(new[] { 16384, 13616 }));
        Assert.That(grid.Packs().SelectMany(pack => pack.Instances).Select(instance => instance.Index), Is.EqualTo(Enumerable.Range(0, 30000)));
        Assert.That(grid.Packs()[1].Instances[^1], Is.EqualTo(grid.InstanceAt(29999)).Using<Instance>((a, b) => a.Index == b.Index && a.Seed == b.Seed && a.Cell.Index == b.Cell.Index));
    }

    [Test]
    public void Branches_that_are_saved_are_loaded_and_damaged_ones_refused()
    {
        string folder = Directory.CreateTempSubdirectory("toy-branches-").FullName;
        try
        {
            string path = Path.Combine(folder, "branches.safetensors");
            var file = new BranchFile
            {
                Model = new ModelSpec(ModelKind.ReluOutput, 2, 1),
                Axis = new Axis("data.density", ["0.1", "0.2", "0.3"]),
                Branches = [new Branch(0, [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [1, 2, 3], [1, 0, -1]), new Branch(1, [1, 2, 3, 4], [1, 2, 3, 4], [2, 1], [0, 0])],
                Crossings = [new BranchCrossing(0, 1, 0.25, 1.5, 0.1, 0.2)],
            };
            file.Save(path);
            var loaded = BranchFile.Load(path);
            Assert.Multiple(() =>
            {
                Assert.That((loaded.Model, loaded.Axis.Path), Is.EqualTo((file.Model, file.Axis.Path)));
                Assert.That(loaded.Axis.Values, Is.EqualTo(file.Axis.Values));
                Assert.That(loaded.Crossings, Is.EqualTo(file.Crossings));
                Assert.That(loaded.Branches[1].W, Is.EqualTo(file.Branches[1].W));
                Assert.That((loaded.Branches[1].First, loaded.Branches[1].Points), Is.EqualTo((1, 2)));
            });
            foreach (var wrong in new[]
            {
                file with { Branches = [file.Branches[0], file.Branches[1] with { First = 2 }] },
                file with { Crossings = [new BranchCrossing(0, 2, 0.25, 1.5, 0.1, 0.2)] },
            })
            {
                wrong.Save(path);
                Assert.That(() => BranchFile.Load(path), Throws.TypeOf<InvalidInputException>());
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
