using System.Globalization;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Core.Tests;

/// <summary>Axes, cells, instances and packs.</summary>
public sealed class GridTests
{
    private static Experiment Parse(string axes, string rest = "") =>
        Experiment.Parse($"name: grid\nmodel: {{ features: 4, hidden: 2 }}\n{rest}axes:\n{axes}\n", "grid.yaml");

    private static IEnumerable<double> Numbers(Axis axis) => axis.Values.Select(value => double.Parse(value, CultureInfo.InvariantCulture));

    [Test]
    public void An_axis_takes_listed_values_as_they_are_written() =>
        Assert.That(Parse("  - { path: data.sparsity, values: [0.0, 0.80, 9e-1] }").Axes[0].Values, Is.EqualTo(new[] { "0.0", "0.80", "9e-1" }));

    [Test]
    public void A_log_axis_has_equal_ratios_and_round_numbers()
    {
        var axis = Parse("  - { path: data.density, log: [0.001, 1, 7] }").Axes[0];
        Assert.That(axis.Values[0], Is.EqualTo("0.001"));
        Assert.That(axis.Values[2], Is.EqualTo("0.01"));
        Assert.That(axis.Values[4], Is.EqualTo("0.1"));
        Assert.That(axis.Values[6], Is.EqualTo("1"));
        var numbers = Numbers(axis).ToList();
        Assert.That(numbers.Zip(numbers.Skip(1), (a, b) => b / a), Is.All.EqualTo(Math.Sqrt(10)).Within(1e-10));
    }

    [TestCase("[1, 20, 20]", 20)]
    [TestCase("[20, 1, 20]", 20)]
    [TestCase("[2, 1000, 500]", 500)]
    public void A_linear_axis_with_whole_steps_has_whole_numbers(string form, int count) =>
        Assert.That(Parse($"  - {{ path: model.hidden, linear: {form} }}").Axes[0].Values, Has.Count.EqualTo(count).And.All.Matches("^[0-9]+$"));

    [Test]
    public void A_log_axis_of_whole_powers_has_whole_numbers() =>
        Assert.That(Parse("  - { path: training.steps, log: [1, 1024, 11] }").Axes[0].Values,
            Is.EqualTo(Enumerable.Range(0, 11).Select(k => (1 << k).ToString(CultureInfo.InvariantCulture))));

    [Test]
    public void A_linear_axis_has_equal_steps() =>
        Assert.That(Parse("  - { path: data.sparsity, linear: [0, 0.9, 10] }").Axes[0].Values,
            Is.EqualTo(new[] { "0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9" }));

    [Test]
    public void The_last_axis_varies_fastest_and_replicas_faster_still()
    {
        var experiment = Parse("  - { path: data.sparsity, values: [0, 0.5] }\n  - { path: importance.decay, values: [1, 0.9, 0.8] }", "replicas: 2\n");
        var grid = new Grid(experiment);
        Assert.Multiple(() =>
        {
            Assert.That((grid.CellCount, grid.InstanceCount), Is.EqualTo((6, 12)));
            Assert.That(grid.Cells.Select(cell => cell.ToString()).Take(4), Is.EqualTo(new[]
            {
                "data.sparsity = 0, importance.decay = 1",
                "data.sparsity = 0, importance.decay = 0.9",
                "data.sparsity = 0, importance.decay = 0.8",
                "data.sparsity = 0.5, importance.decay = 1",
            }));
            var instance = grid.InstanceAt(9);
            Assert.That((instance.Index, instance.Cell.Index, instance.Replica), Is.EqualTo((9, 4, 1)));
            Assert.That(grid.Spec(grid.CellAt(4)).Importance[1], Is.EqualTo(0.9));
            Assert.That(grid.Spec(grid.CellAt(4)).Data.Density, Is.All.EqualTo(0.5));
        });
    }

    [Test]
    public void An_experiment_without_axes_is_a_grid_of_one()
    {
        var grid = new Grid(Experiment.Parse("name: one\nmodel: { features: 4, hidden: 2 }\n", "one.yaml"));
        Assert.That((grid.CellCount, grid.InstanceCount, grid.CellAt(0).ToString()), Is.EqualTo((1, 1, "the only cell")));
    }

    [Test]
    public void An_indexed_axis_changes_one_entry_only()
    {
        var experiment = Parse("  - { path: \"data.density[3]\", values: [0.5] }", "data: { density: 0.25 }\n");
        Assert.That(new Grid(experiment).Spec(new Grid(experiment).CellAt(0)).Data.Density, Is.EqualTo(new[] { 0.25, 0.25, 0.25, 0.5 }));
    }

    [Test]
    public void A_whole_setting_goes_in_before_an_entry_of_it_whatever_the_order_of_the_axes()
    {
        const string Entry = "  - { path: \"data.density[3]\", values: [0.5] }", Whole = "  - { path: data.density, values: [0.125] }";
        foreach (string axes in new[] { Entry + "\n" + Whole, Whole + "\n" + Entry })
        {
            var grid = new Grid(Parse(axes, "data: { density: 0.25 }\n"));
            Assert.That(grid.Spec(grid.CellAt(0)).Data.Density, Is.EqualTo(new[] { 0.125, 0.125, 0.125, 0.5 }));
        }
    }

    [Test]
    public void An_axis_takes_the_place_of_a_setting_that_says_the_same()
    {
        var grid = new Grid(Parse("  - { path: data.sparsity, values: [0.75] }\n  - { path: importance.decay, values: [0.5] }",
            "data: { density: 0.125 }\nimportance: { values: [1, 2, 3, 4] }\n"));
        var spec = grid.Spec(grid.CellAt(0));
        Assert.That(spec.Data.Density, Is.All.EqualTo(0.25));
        Assert.That(spec.Importance, Is.EqualTo(new[] { 1, 0.5, 0.25, 0.125 }));
    }

    [Test]
    public void The_seed_of_an_instance_does_not_depend_on_the_rest_of_the_grid()
    {
        var small = new Grid(Parse("  - { path: data.sparsity, values: [0.5] }", "seed: 3\nreplicas: 2\n"));
        var large = new Grid(Parse("  - { path: data.sparsity, values: [0, 0.5, 0.9] }", "seed: 3\nreplicas: 10\n"));
        Assert.Multiple(() =>
        {
            Assert.That(small.InstanceAt(1).Seed, Is.EqualTo(large.InstanceAt(11).Seed));
            Assert.That(Enumerable.Range(0, 30).Select(i => large.InstanceAt(i).Seed).Distinct().Count(), Is.EqualTo(30));
            Assert.That(new Grid(Parse("  - { path: data.sparsity, values: [0.5] }", "seed: 4\nreplicas: 2\n")).InstanceAt(1).Seed, Is.Not.EqualTo(small.InstanceAt(1).Seed));
            // Weights on disk carry these: a change is a change of every result. SHA-256 of "3/data.sparsity=0.5/1", first 8 bytes.
            Assert.That(small.InstanceAt(1).Seed, Is.EqualTo(13880063366925999628ul));
        });
    }

    [Test]
    public void Instances_of_one_shape_and_training_make_a_pack()
    {
        var experiment = Parse("  - { path: model.hidden, values: [1, 2, 3] }\n  - { path: data.sparsity, values: [0, 0.5] }", "replicas: 3\n");
        var packs = new Grid(experiment).Packs();
        Assert.Multiple(() =>
        {
            Assert.That(packs.Select(pack => (pack.Index, pack.Model.Hidden, pack.Instances.Count)), Is.EqualTo(new[] { (0, 1, 6), (1, 2, 6), (2, 3, 6) }));
            Assert.That(packs.SelectMany(pack => pack.Instances).Select(instance => instance.Index), Is.EqualTo(Enumerable.Range(0, 18)));
            Assert.That(packs.All(pack => pack.Specs.Count == pack.Instances.Count && pack.Specs.All(spec => spec.Model == pack.Model)), Is.True);
        });
    }

    [TestCase(1, 12)]
    [TestCase(5, 3)]
    [TestCase(6, 2)]
    [TestCase(12, 1)]
    public void Packs_are_at_most_of_the_size_asked_for(int size, int count)
    {
        var packs = new Grid(Parse("  - { path: data.sparsity, values: [0, 0.5] }", "replicas: 6\n")).Packs(size);
        Assert.That(packs, Has.Count.EqualTo(count));
        Assert.That(packs.Select(pack => pack.Instances.Count), Is.All.InRange(1, size));
        Assert.That(packs.SelectMany(pack => pack.Instances).Select(instance => instance.Index), Is.EqualTo(Enumerable.Range(0, 12)));
    }

    [TestCase("  - { path: data.sparsity, values: [0, 0.5, 0.9] }\n  - { path: model.hidden, values: [1, 2] }\n  - { path: importance.decay, values: [1, 0.5] }")]
    [TestCase("  - { path: training.steps, values: [10, 5] }\n  - { path: data.sparsity, values: [0, 0.5] }\n  - { path: model.kind, values: [linear, relu-hidden] }")]
    [TestCase("  - { path: data.sparsity, values: [0] }")]
    public void Packs_are_the_cells_by_shape_and_training_cut_to_size(string axes)
    {
        var experiment = Parse(axes, "replicas: 3\n");
        var grid = new Grid(experiment);
        var plain = grid.Cells.GroupBy(cell => (grid.Spec(cell).Model, grid.Spec(cell).Training))
            .SelectMany(ensemble => ensemble.SelectMany(cell => Enumerable.Range(0, 3).Select(replica => grid.InstanceAt((cell.Index * 3) + replica))).Chunk(4)).ToList();
        var packs = grid.EnumeratePacks(4).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(packs.Select(pack => pack.Instances.Select(instance => (instance.Index, instance.Seed))), Is.EqualTo(plain.Select(chunk => chunk.Select(instance => (instance.Index, instance.Seed)))));
            Assert.That(packs.All(pack => pack.Instances.Zip(pack.Specs).All(pair => pair.Second.Data.Density[0] == grid.Spec(pair.First.Cell).Data.Density[0])));
            Assert.That(grid.PackCount(4), Is.EqualTo(plain.Count));
        });
    }

    [TestCase("  - { path: data.sparsity, linear: [0, 0.9, 700] }\n  - { path: model.hidden, values: [1, 2, 3] }", 4)]
    [TestCase("  - { path: training.steps, values: [10, 20] }\n  - { path: data.sparsity, linear: [0, 0.9, 1500] }", 1)]
    [TestCase("  - { path: data.sparsity, values: [0, 0.5] }", 1500)]
    public void Some_packs_of_a_grid_are_the_same_as_among_all(string axes, int replicas)
    {
        var grid = new Grid(Parse(axes, $"replicas: {replicas}\n"));
        var all = grid.Packs();
        var some = grid.PacksAt(new HashSet<int> { all.Count - 1, 1, 7_000 }).ToList();
        Assert.That(some.Select(pack => pack.Index), Is.EqualTo(new[] { 1, all.Count - 1 }));
        foreach (var pack in some)
        {
            Assert.That(pack.Instances.Select(Text), Is.EqualTo(all[pack.Index].Instances.Select(Text)));
            Assert.That(pack.Specs.Select(spec => spec.ToString()), Is.EqualTo(all[pack.Index].Specs.Select(spec => spec.ToString())));
        }

        static string Text(Instance instance) => $"{instance.Index} {instance.Cell.Index} {instance.Cell} {instance.Replica} {instance.Seed}";
    }

    [Test]
    public void Axes_of_the_training_setting_make_several_ensembles() =>
        Assert.That(new Grid(Parse("  - { path: training.optimizer.lr, values: [1e-3, 1e-2] }", "replicas: 2\n")).Packs().Select(pack => pack.Training.Optimizer.LearningRate),
            Is.EqualTo(new[] { 1e-3, 1e-2 }));

    [Test, CancelAfter(20_000)]
    public void A_grid_of_a_million_cells_loads_and_counts()
    {
        var grid = new Grid(Parse("  - { path: data.sparsity, linear: [0, 0.99, 1000] }\n  - { path: importance.decay, log: [0.1, 1, 1000] }"));
        Assert.That(grid.CellCount, Is.EqualTo(1_000_000));
        Assert.That(grid.InstanceAt(999_999).Cell.Coordinates.Select(coordinate => coordinate.Value), Is.EqualTo(new[] { "0.99", "1" }));
    }
}
