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

    private static ClaimResult Result(ClaimSpec claim, params CellAnalysis[] cells)
    {
        var check = new ClaimCheck(claim, []);
        foreach (var cell in cells)
            check.Add(cell);
        return check.Result();
    }

    private static CellAnalysis Cell(int index, string sparsity, double loss, double[][] rows)
    {
        var weights = Shapes.Pack(rows, Math.Max(rows[0].Length, 2));
        var instance = new Instance(index, new Cell(index, [new("data.sparsity", sparsity)]), 0, 0);
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
