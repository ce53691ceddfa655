using ToyPipeline.Report.Figures;
using Axis = ToyPipeline.Core.Experiments.Axis;

namespace ToyPipeline.Report.Tests;

/// <summary>Axes of a grid as axes of a matrix.</summary>
internal sealed class GridAxisTests
{
    [Test]
    public void A_logarithmic_axis_names_powers_of_ten_where_they_are()
    {
        var axis = GridAxis.Of(new Axis("importance.values[1]", Axis.Log(0.1, 10, 21)), reversed: false);
        Assert.Multiple(() =>
        {
            Assert.That(axis.Label, Is.EqualTo("I₁"));
            Assert.That((axis.From, axis.To, axis.Reversed), Is.EqualTo((-0.5, 20.5, false)));
            Assert.That(Text(axis), Is.EqualTo(new[] { "0.1", "1", "10" }));
            Assert.That(Places(axis), Is.EqualTo(new[] { 0.0, 10, 20 }).Within(1e-9));
        });
    }

    [Test]
    public void A_round_number_between_two_values_stands_between_their_cells() =>
        Assert.That(Places(GridAxis.Of(new Axis("data.density", Axis.Log(0.01, 1, 64)), reversed: false)), Is.EqualTo(new[] { 0, 31.5, 63 }).Within(1e-9));

    [Test]
    public void An_axis_that_goes_up_has_its_last_value_on_top()
    {
        var axis = GridAxis.Of(new Axis("data.density", Axis.Log(0.01, 1, 21)), reversed: true);
        Assert.Multiple(() =>
        {
            Assert.That(axis.Reversed, Is.True);
            Assert.That(axis.Names!.ToDictionary(tick => tick.Text, tick => Math.Round(tick.At, 9)), Is.EquivalentTo(new Dictionary<string, double> { ["0.01"] = 20, ["0.1"] = 10, ["1"] = 0 }));
        });
    }

    [Test]
    public void A_linear_axis_names_round_numbers()
    {
        var axis = GridAxis.Of(new Axis("data.sparsity", Axis.Linear(0, 1, 101)), reversed: false);
        Assert.Multiple(() =>
        {
            Assert.That(Text(axis), Is.EqualTo(new[] { "0", "0.2", "0.4", "0.6", "0.8", "1" }));
            Assert.That(Places(axis), Is.EqualTo(new[] { 0.0, 20, 40, 60, 80, 100 }).Within(1e-9));
        });
    }

    [Test]
    public void Values_at_unequal_distances_place_a_number_between_its_neighbours()
    {
        // 4 lies two thirds of the way from 2 to 5, the third and fourth value.
        var axis = GridAxis.Of(new Axis("model.hidden", ["0", "1", "2", "5", "6", "7", "7.2", "7.4", "7.6"]), reversed: false);
        Assert.That(axis.Names!.Single(tick => tick.Text == "4").At, Is.EqualTo(2 + (2 / 3.0)).Within(1e-9));
    }

    [Test]
    public void A_few_values_are_all_named()
    {
        var axis = GridAxis.Of(new Axis("data.density", ["1", "0.3", "0.1", "0.03"]), reversed: false);
        Assert.Multiple(() =>
        {
            Assert.That(Text(axis), Is.EqualTo(new[] { "1", "0.3", "0.1", "0.03" }));
            Assert.That(Places(axis), Is.EqualTo(new[] { 0.0, 1, 2, 3 }));
        });
    }

    [Test]
    public void Of_many_categories_every_few_are_named()
    {
        string[] kinds = [.. Enumerable.Range(0, 20).Select(i => $"kind {i}")];
        var axis = GridAxis.Of(new Axis("model.kind", kinds), reversed: false);
        Assert.Multiple(() =>
        {
            Assert.That(Text(axis), Is.EqualTo(new[] { "kind 0", "kind 3", "kind 6", "kind 9", "kind 12", "kind 15", "kind 18" }));
            Assert.That(Places(axis), Is.EqualTo(new[] { 0.0, 3, 6, 9, 12, 15, 18 }));
        });
    }

    [Test]
    public void Numbers_that_do_not_rise_are_named_as_they_are() =>
        Assert.That(Text(GridAxis.Of(new Axis("data.density", ["9", "8", "7", "6", "5", "4", "3", "2", "1"]), reversed: false)), Is.EqualTo(new[] { "9", "7", "5", "3", "1" }));

    [Test]
    public void Values_are_numbers_or_none() => Assert.Multiple(() =>
    {
        Assert.That(GridAxis.Values(new Axis("data.density", ["1", "0.25", "1e-3"])), Is.EqualTo(new[] { 1, 0.25, 0.001 }));
        Assert.That(GridAxis.Values(new Axis("training.objective", ["1", "exact"])), Is.Null);
    });

    [TestCase(true, 0.01, 0.1, 1)]
    [TestCase(true, 1, 8)]
    [TestCase(false, 1, 7.9)]
    [TestCase(false, 0, 1, 1000)]
    [TestCase(false, -1, 1, 1000)]
    public void Positive_values_over_almost_a_decade_are_logarithmic(bool log, params double[] values) => Assert.That(GridAxis.IsLog(values), Is.EqualTo(log));

    private static string[] Text(Charts.Axis axis) => [.. axis.Names!.Select(tick => tick.Text)];

    private static double[] Places(Charts.Axis axis) => [.. axis.Names!.Select(tick => tick.At)];
}
