using ToyPipeline.Analysis.Claims;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Analysis.Stage;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Tests;

public sealed class ClaimTests
{
    private static readonly Dictionary<string, string> s_nowhere = [];
    private static readonly double[][] s_mixed = Shapes.Sum(Shapes.Digon, Shapes.Dedicated, Shapes.Dedicated);

    [TestCase("geometry", Comparison.EqualTo, "digon + 2 dedicated", true)]
    [TestCase("geometry", Comparison.EqualTo, "2 dedicated + digon", true)]
    [TestCase("geometry", Comparison.EqualTo, "digon", false)]
    [TestCase("represented_count", Comparison.EqualTo, "4", true)]
    [TestCase("represented_count", Comparison.EqualTo, "5", false)]
    [TestCase("represented_count", Comparison.AtLeast, "4", true)]
    [TestCase("represented_count", Comparison.AtLeast, "4.5", false)]
    [TestCase("represented_count", Comparison.AtMost, "4", true)]
    [TestCase("represented_count", Comparison.AtMost, "3", false)]
    [TestCase("dimensionality[0]", Comparison.EqualTo, "0.5", true)]
    [TestCase("dimensionality[2]", Comparison.EqualTo, "0.5", false)]
    [TestCase("norm[3]", Comparison.EqualTo, "1", true)]
    [TestCase("superposition[0]", Comparison.EqualTo, "1", true)]
    [TestCase("bias[0]", Comparison.EqualTo, "0", true)]
    [TestCase("max_superposition", Comparison.EqualTo, "1", true)]
    [TestCase("mean_superposition", Comparison.EqualTo, "0.5", true)]
    [TestCase("dimensions_per_feature", Comparison.EqualTo, "0.75", true)]
    [TestCase("features_per_dimension", Comparison.AtLeast, "1.3", true)]
    [TestCase("loss", Comparison.AtMost, "0.25", true)]
    public void A_claim_is_checked(string measure, Comparison comparison, string expected, bool holds)
    {
        var result = Result(new ClaimSpec(s_nowhere, measure, comparison, [expected], 1e-6), Cell(0, "0", 0.25, s_mixed));
        Assert.That(result.Holds, Is.EqualTo(holds), $"measured {result.Measured}");
        Assert.That(result.At, Is.EqualTo("all cells"));
    }

    [Test]
    public void A_tolerance_widens_equality_only()
    {
        var cell = Cell(0, "0", 0.25, s_mixed);
        Assert.Multiple(() =>
        {
            Assert.That(Result(new ClaimSpec(s_nowhere, "loss", Comparison.EqualTo, ["0.2"], 0.06), cell).Holds);
            Assert.That(Result(new ClaimSpec(s_nowhere, "loss", Comparison.EqualTo, ["0.2"], 0.04), cell).Holds, Is.False);
            Assert.That(Result(new ClaimSpec(s_nowhere, "loss", Comparison.Between, ["0.2", "0.25"], 0), cell).Holds);
            Assert.That(Result(new ClaimSpec(s_nowhere, "loss", Comparison.Between, ["0.26", "0.3"], 1), cell).Holds, Is.False);
        });
    }

    [Test]
    public void Lists_of_features_are_compared_as_sets()
    {
        var cell = Cell(0, "0", 0.25, [[1, 0], [0.1, 0], [0, 1]]);
        Assert.Multiple(() =>
        {
            var holds = Result(new ClaimSpec(s_nowhere, "represented", Comparison.EqualTo, ["2", "0"], 0), cell);
            Assert.That(holds.Holds);
            Assert.That((holds.Expected, holds.Measured), Is.EqualTo(("[2, 0]", "[0, 2]")));
            Assert.That(Result(new ClaimSpec(s_nowhere, "represented", Comparison.EqualTo, ["0"], 0), cell).Holds, Is.False);
        });
    }

    [Test]
    public void A_claim_must_hold_in_every_cell_it_speaks_of_and_in_no_other()
    {
        CellAnalysis[] cells = [Cell(0, "0.1", 0.1, Shapes.Digon), Cell(1, "0.2", 0.2, Shapes.Dedicated), Cell(2, "0.3", 0.3, Shapes.Digon)];
        Assert.Multiple(() =>
        {
            var everywhere = Result(new ClaimSpec(s_nowhere, "geometry", Comparison.EqualTo, ["digon"], 0), cells);
            Assert.That(everywhere.Holds, Is.False);
            Assert.That(everywhere.Measured, Is.EqualTo("dedicated at data.sparsity = 0.2"));
            var there = Result(new ClaimSpec(new Dictionary<string, string> { ["data.sparsity"] = "0.3" }, "geometry", Comparison.EqualTo, ["digon"], 0), cells);
            Assert.That(there.Holds);
            Assert.That((there.At, there.Measured), Is.EqualTo(("data.sparsity = 0.3", "digon")));
            var range = Result(new ClaimSpec(s_nowhere, "loss", Comparison.AtMost, ["0.3"], 0), cells);
            Assert.That(range.Holds);
            Assert.That(range.Measured, Is.EqualTo("0.1 to 0.3"));
        });
    }

    [Test]
    public void The_best_instance_has_the_lowest_loss_and_a_number()
    {
        var cell = new CellAnalysis([Replica(0, double.NaN), Replica(1, 0.3), Replica(2, 0.1), Replica(3, 0.1)]);
        Assert.That(cell.Best.Instance.Index, Is.EqualTo(2));
        var spread = new CellAnalysis([Replica(0, 1), Replica(1, 3)]);
        Assert.That(spread.Spread("loss").Deviation, Is.EqualTo(Math.Sqrt(2)).Within(1e-12));
    }

    [Test]
    public void A_name_has_no_order()
    {
        var claim = new ClaimSpec(s_nowhere, "geometry", Comparison.AtLeast, ["3"], 0);
        var error = Assert.Throws<InvalidInputException>(() => Result(claim, Cell(0, "0", 0.1, Shapes.Digon)))!;
        Assert.That(error.Message, Does.Contain("geometry is a name").And.Contain("use equals"));
    }

    [TestCase("share_represented", "1")]
    [TestCase("count[digon]", "1")]
    [TestCase("count[dedicated]", "2")]
    [TestCase("count[pentagon]", "0")]
    [TestCase("monosemantic_count", "2")]
    [TestCase("polysemantic_count", "1")]
    [TestCase("basis_alignment", "1")]
    [TestCase("share_paired", "0")]
    [TestCase("asymmetric_pairs", "0")]
    [TestCase("participation_ratio[0]", "2")]
    [TestCase("participation_ratio[2]", "1")]
    [TestCase("G[0,1]", "-1")]
    [TestCase("cosine[0, 1]", "-1")]
    [TestCase("angle[0,1]", "180")]
    [TestCase("angle[2,3]", "90")]
    public void Every_measure_of_weights_can_be_claimed(string measure, string expected)
    {
        // The digon's neuron answers to two features.
        var cell = Cell(0, "0", 0.25, s_mixed);
        Assert.That(Result(new ClaimSpec(s_nowhere, measure, Comparison.EqualTo, [expected], 1e-6), cell).Holds);
        Assert.That(Result(new ClaimSpec(s_nowhere, measure, Comparison.EqualTo, ["7"], 1e-6), cell).Holds, Is.False);
    }

    [Test]
    public void Every_name_has_a_value()
    {
        var best = Cell(0, "0", 0.25, s_mixed).Best;
        Assert.Multiple(() =>
        {
            foreach (string name in InstanceMeasures.Names)
                Assert.That(InstanceMeasures.Of(best, name), Is.Not.NaN, name);
            foreach (string name in ClaimMeasures.OfFeature)
                Assert.That(MeasuredValue.Number(best, MeasureName.Parse($"{name}[1]")), Is.Not.NaN, name);
        });
    }

    [Test]
    public void A_claim_over_many_values_holds_for_each()
    {
        var cell = Cell(0, "0", 0.25, [[1, 0], [-1, 0], [0, 0.2]]);
        Assert.Multiple(() =>
        {
            Assert.That(Result(new ClaimSpec(s_nowhere, "norm[represented]", Comparison.EqualTo, ["1"], 1e-6), cell).Holds);
            var all = Result(new ClaimSpec(s_nowhere, "norm[*]", Comparison.AtLeast, ["0.5"], 0), cell);
            Assert.That((all.Holds, all.Measured), Is.EqualTo((false, "0.20000000298023224 at data.sparsity = 0")));
            Assert.That(Result(new ClaimSpec(s_nowhere, "participation_ratio[*]", Comparison.Between, ["1", "2"], 0), cell).Holds);
            Assert.That(Result(new ClaimSpec(s_nowhere, "norm[represented]", Comparison.AtLeast, ["0"], 0), Cell(0, "0", 0.25, [[0, 0]])).Measured, Is.EqualTo("no value"));
        });
    }

    // Losses in the order of the file, along an axis that lists its values downwards.
    [TestCase("increasing", 0, new[] { 3.0, 2, 1 }, true, "1 to 3")]
    [TestCase("increasing", 0, new[] { 3.0, 2, 2 }, true, "2 to 3")]
    [TestCase("increasing", 0, new[] { 3.0, 1, 2 }, false, "1 after 2 at data.sparsity = 0.5")]
    [TestCase("increasing", 1, new[] { 3.0, 1, 2 }, true, "2 to 3")]
    [TestCase("increasing", 0.6, new[] { 1.0, 1.5, 2 }, false, "1 after 2 at data.sparsity = 0.9")] // each step is small, and they add up
    [TestCase("decreasing", 0, new[] { 1.0, 2, 3 }, true, "3 to 1")]
    [TestCase("decreasing", 0, new[] { 1.0, 2, 1.5 }, false, "2 after 1.5 at data.sparsity = 0.5")]
    [TestCase("decreasing", 0, new[] { 1.0, double.NaN, 3 }, false, "NaN after 3 at data.sparsity = 0.5")]
    public void Monotone_follows_the_numbers_of_an_axis(string direction, double tolerance, double[] losses, bool holds, string measured)
    {
        string[] values = ["0.9", "0.5", "0.0"];
        var claim = new ClaimSpec(s_nowhere, "loss", Comparison.Monotone, [direction], tolerance, "data.sparsity");
        var result = Result(claim, [new Axis("data.sparsity", values)], [.. losses.Select((loss, i) => Cell(i, values[i], loss, Shapes.Digon))]);
        Assert.That((result.Holds, result.Measured, result.Expected), Is.EqualTo((holds, measured, $"{direction} along data.sparsity{(tolerance > 0 ? $", back by at most {tolerance}" : "")}")));
    }

    [Test]
    public void Monotone_holds_on_every_line_of_the_other_axes()
    {
        Axis[] axes = [new("data.sparsity", ["0.0", "0.5"]), new("importance.decay", ["a", "b"])];
        CellAnalysis[] Grid(params double[] losses) => [.. losses.Select((loss, i) =>
            Cell(new Cell(i, [new("data.sparsity", axes[0].Values[i / 2]), new("importance.decay", axes[1].Values[i % 2])]), loss, Shapes.Digon))];
        var claim = new ClaimSpec(s_nowhere, "loss", Comparison.Monotone, ["increasing"], 0, "data.sparsity");
        Assert.Multiple(() =>
        {
            Assert.That(Result(claim, axes, Grid(1, 5, 2, 6)).Measured, Is.EqualTo("1 to 2; on all 2 lines"));
            var broken = Result(claim, axes, Grid(1, 5, 2, 4));
            Assert.That((broken.Holds, broken.Measured), Is.EqualTo((false, "4 after 5 at data.sparsity = 0.5, importance.decay = b")));
            var fixedOther = claim with { At = new Dictionary<string, string> { ["importance.decay"] = "a" } };
            Assert.That(Result(fixedOther, axes, Grid(1, 5, 2, 4)).Holds);
            // Values that are no numbers follow the file.
            var other = claim with { Along = "importance.decay" };
            Assert.That(Result(other, axes, Grid(1, 5, 2, 4)).Holds);
            Assert.That(Result(other, axes, Grid(1, 5, 4, 2)).Holds, Is.False);
        });
    }

    [TestCase(new[] { 0.1, 0.5, 0.51, 0.49, 0.9 }, 3, true, "3 cells up to data.sparsity = 0.3")]
    [TestCase(new[] { 0.1, 0.5, 0.51, 0.49, 0.9 }, 4, false, "3 cells up to data.sparsity = 0.3")]
    [TestCase(new[] { 0.5, 0.5, 0.1, 0.5, 0.5 }, 3, false, "2 cells up to data.sparsity = 0.1")]
    [TestCase(new[] { 0.1, 0.1, 0.1, 0.1, 0.1 }, 2, false, "no cell of the line of data.sparsity = 0.0")]
    public void A_plateau_of_cells_is_a_run_of_neighbours(double[] losses, int cells, bool holds, string measured)
    {
        var axis = new Axis("data.sparsity", ["0.0", "0.1", "0.2", "0.3", "0.4"]);
        var claim = new ClaimSpec(s_nowhere, "loss", Comparison.Plateau, [], 0, "data.sparsity", new PlateauSpec(0.5, 0.02, null, cells));
        var result = Result(claim, [axis], [.. losses.Select((loss, i) => Cell(i, axis.Values[i], loss, Shapes.Digon))]);
        Assert.That((result.Holds, result.Measured), Is.EqualTo((holds, measured)));
        Assert.That(result.Expected, Is.EqualTo($"0.5 ± 0.02 over {cells} cells along data.sparsity"));
    }

    [Test]
    public void A_plateau_of_a_share_counts_all_values()
    {
        // D_i: 1/2 and 1/2 of the digon, 1 and 1 of the dedicated; then 2/5 five times.
        CellAnalysis[] cells = [Cell(0, "0", 0.1, s_mixed), Cell(1, "0.5", 0.1, Shapes.Pentagon)];
        ClaimResult At(double value, double share) =>
            Result(new ClaimSpec(s_nowhere, "dimensionality[*]", Comparison.Plateau, [], 0, Plateau: new PlateauSpec(value, 0.03, share, null)), cells);
        Assert.Multiple(() =>
        {
            Assert.That((At(0.5, 0.22).Holds, At(0.5, 0.23).Holds), Is.EqualTo((true, false)));
            Assert.That((At(0.4, 0.5).Holds, At(0.4, 0.5).Measured), Is.EqualTo((true, "5 of 9 values (0.5556)")));
            Assert.That(At(0.75, 0.01).Holds, Is.False);
            Assert.That(At(0.5, 0.22).Expected, Is.EqualTo("0.5 ± 0.03 for 0.22 of the values"));
        });
    }

    [Test]
    public void Measures_correlate_over_cells_and_over_features()
    {
        // Pentagons of growing size: the loss rises with features per dimension, in order but not in a line.
        CellAnalysis[] cells = [.. Enumerable.Range(0, 5).Select(i => Cell(i, $"0.{i}", Math.Exp(2 * i), [.. Shapes.Pentagon.Select(row => row.Select(x => x * (1 + (0.1 * i))).ToArray())]))];
        ClaimResult Correlates(string measure, CorrelationSpec with) => Result(new ClaimSpec(s_nowhere, measure, Comparison.Correlates, [], 0, Correlation: with), cells);
        Assert.Multiple(() =>
        {
            Assert.That(Correlates("loss", new("features_per_dimension", 0.99, null, Rank: true)).Holds);
            Assert.That(Correlates("loss", new("features_per_dimension", 0.99, null, Rank: false)).Holds, Is.False);
            Assert.That(Correlates("loss", new("dimensions_per_feature", null, -0.99, Rank: true)).Holds);
            Assert.That(Correlates("loss", new("dimensions_per_feature", null, -0.99, Rank: false)).Holds, Is.False);
            Assert.That(Correlates("norm[*]", new("superposition[*]", 0.9, null, Rank: false)).Measured, Does.EndWith("over 25 values"));
            var constant = Correlates("loss", new("represented_count", 0, null, Rank: true));
            Assert.That((constant.Holds, constant.Measured), Is.EqualTo((false, "NaN over 5 values")), "what does not vary correlates with nothing");
            Assert.That(constant.Expected, Is.EqualTo("with represented_count by rank at least 0"));
        });
    }

    [Test]
    public void Coefficients_match_known_ones()
    {
        double[] x = [1, 2, 3, 4, 5], y = [2, 1, 4, 3, 5], ties = [1, 1, 2, 2, 3];
        Assert.Multiple(() =>
        {
            Assert.That(Correlation.Pearson(x, y), Is.EqualTo(0.8).Within(1e-12));
            Assert.That(Correlation.Spearman(x, y), Is.EqualTo(0.8).Within(1e-12), "1 − 6 Σd² / (n (n² − 1)) = 1 − 24/120");
            Assert.That(Correlation.Spearman(x, ties), Is.EqualTo(9 / Math.Sqrt(90)).Within(1e-12), "ranks 1.5, 1.5, 3.5, 3.5, 5");
            Assert.That(Correlation.Pearson(x, [0.1, 0.1, 0.1, 0.1, 0.1]), Is.NaN);
            Assert.That(Correlation.Spearman(x, [1, 2, double.NaN, 4, 5]), Is.NaN);
        });
    }

    [Test]
    public void The_spread_over_replicas_is_told()
    {
        InstanceAnalysis[] replicas = [Replica(0, 1), Replica(1, 3)];
        Assert.Multiple(() =>
        {
            Assert.That(Result(new ClaimSpec(s_nowhere, "loss", Comparison.AtMost, ["2"], 0), new CellAnalysis(replicas)).Deviation, Is.EqualTo(Math.Sqrt(2)).Within(1e-12));
            Assert.That(Result(new ClaimSpec(s_nowhere, "geometry", Comparison.EqualTo, ["digon"], 0), new CellAnalysis(replicas)).Deviation, Is.Null);
            Assert.That(Result(new ClaimSpec(s_nowhere, "loss", Comparison.AtMost, ["2"], 0), new CellAnalysis(replicas[..1])).Deviation, Is.Null);
        });
    }

    [TestCase("norm[5]", "names feature 5")]
    [TestCase("angle[0,5]", "names feature 5")]
    [TestCase("participation_ratio[3]", "names neuron 3")]
    public void A_cell_with_a_smaller_model_is_told(string measure, string expected) =>
        Assert.That(() => Result(new ClaimSpec(s_nowhere, measure, Comparison.AtMost, ["1"], 0), Cell(0, "0.25", 0.1, Shapes.Pentagon)),
            Throws.InstanceOf<InvalidInputException>().With.Message.Contains(expected).And.Message.Contains("data.sparsity = 0.25"));

    private static ClaimResult Result(ClaimSpec claim, params CellAnalysis[] cells) => Result(claim, [], cells);

    private static ClaimResult Result(ClaimSpec claim, Axis[] axes, CellAnalysis[] cells)
    {
        var check = new ClaimCheck(claim, axes);
        foreach (var cell in cells)
            check.Add(cell);
        return check.Result();
    }

    private static CellAnalysis Cell(int index, string sparsity, double loss, double[][] rows) => Cell(new Cell(index, [new("data.sparsity", sparsity)]), loss, rows);

    private static CellAnalysis Cell(Cell cell, double loss, double[][] rows)
    {
        var weights = Shapes.Pack(rows, Math.Max(rows[0].Length, 2));
        var instance = new Instance(cell.Index, cell, 0, 0);
        // 0.75 dimensions per feature: three dimensions, four features of norm 1.
        if (rows == s_mixed)
            weights = Shapes.Pack(rows, 3);
        return new CellAnalysis([new InstanceAnalysis(instance, Spec, weights, 0, WeightAnalysis.Of(weights, 0), new LossEstimate(loss, 0, 1))]);
    }

    private static InstanceAnalysis Replica(int index, double loss)
    {
        var weights = Shapes.Pack(Shapes.Digon, 1);
        return new InstanceAnalysis(new Instance(index, new Cell(0, []), index, 0), Spec, weights, 0, WeightAnalysis.Of(weights, 0), new LossEstimate(loss, 0, 1));
    }

    private static CellSpec Spec { get; } = Experiment.Parse("name: t\nmodel: { features: 2, hidden: 1 }\n", "t.yaml").Spec([]);
}
