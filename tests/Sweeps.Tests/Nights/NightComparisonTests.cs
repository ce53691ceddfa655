using CsCheck;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Sweeps.Nights;

namespace ToyPipeline.Sweeps.Tests.Nights;

/// <summary>What counts as a regression.</summary>
public sealed class NightComparisonTests
{
    private static readonly Experiment s_experiment = Experiment.Parse("name: one\nmodel: { features: 5, hidden: 2 }\naxes: [{ path: data.sparsity, values: [0.0, 0.9] }]\n", "one.yaml");

    [TestCase(Worse.Higher, 0.1, 0, 1.0, 1.1, null)]
    [TestCase(Worse.Higher, 0.1, 0, 1.0, 1.11, FindingKind.Regression)]
    [TestCase(Worse.Higher, 0.1, 0, 1.0, 0.9, null)]
    [TestCase(Worse.Higher, 0.1, 0, 1.0, 0.89, FindingKind.Improvement)]
    [TestCase(Worse.Lower, 0, 0.1, 1.0, 0.89, FindingKind.Regression)]
    [TestCase(Worse.Lower, 0, 0.1, 1.0, 1.11, FindingKind.Improvement)]
    [TestCase(Worse.Either, 0, 0.1, 1.0, 1.11, FindingKind.Regression)]
    [TestCase(Worse.Either, 0, 0.1, 1.0, 0.89, FindingKind.Regression)]
    [TestCase(Worse.Never, 0, 0, 1.0, 100, null)]
    [TestCase(Worse.Higher, 0.1, 0.5, 1.0, 1.4, null)]
    [TestCase(Worse.Higher, 0.5, 0.1, -1.0, -0.6, null)]
    [TestCase(Worse.Higher, 0.3, 0.1, -1.0, -0.6, FindingKind.Regression)]
    [TestCase(Worse.Either, 0, 0, 0.0, 0.0, null)]
    [TestCase(Worse.Either, 0.1, 0, 0.0, 1e-9, FindingKind.Regression)]
    public void A_number_may_move_by_its_tolerance(Worse worse, double relative, double absolute, double before, double now, FindingKind? expected)
    {
        var found = Compare([new MetricRule("m", [], new Tolerance(worse, relative, absolute))], Metric(before), Metric(now));
        Assert.That(found.Select(finding => (FindingKind?)finding.Kind).SingleOrDefault(), Is.EqualTo(expected));
    }

    // The rule once more, in one line: what moved by more than it may, in a direction that counts.
    [Test]
    public void Regressions_are_those_of_the_plain_rule() => Gen.Select(Gen.Enum<Worse>(), Gen.Double[0, 0.5], Gen.Double[0, 2], Gen.Double[-10, 10], Gen.Double[-10, 10]).Sample((worse, relative, absolute, before, now) =>
    {
        double over = Math.Abs(now - before) - Math.Max(absolute, relative * Math.Abs(before));
        bool counts = worse == Worse.Either || (worse == Worse.Higher && now > before) || (worse == Worse.Lower && now < before);
        var found = Compare([new MetricRule("m", [], new Tolerance(worse, relative, absolute))], Metric(before), Metric(now));
        return Math.Abs(over) < 1e-9 || found.Any(finding => finding.Kind == FindingKind.Regression) == (over > 0 && counts);
    });

    [Test]
    public void The_first_rule_that_fits_the_cell_holds()
    {
        MetricRule[] rules =
        [
            new("m", [new Coordinate("data.sparsity", "0.9")], new Tolerance(Worse.Higher, 0, 5)),
            new("m", [], new Tolerance(Worse.Higher, 0, 1)),
        ];
        Assert.Multiple(() =>
        {
            Assert.That(Compare(rules, Metric(1), Metric(4)), Is.Empty);
            Assert.That(Compare(rules, Metric(1, "data.sparsity = 0.0"), Metric(4, "data.sparsity = 0.0")).Single(),
                Is.EqualTo(new Finding(FindingKind.Regression, "one", "data.sparsity = 0.0", "m", "1", "4", "at most 2")));
        });
    }

    [Test]
    public void Words_may_not_change_and_a_value_may_not_vanish()
    {
        MetricRule[] rules = [new("m", [], new Tolerance(Worse.Either, 1, 100))];
        MetricValue digon = new("data.sparsity = 0.9", "m", null, "digon"), pentagon = digon with { Text = "pentagon" };
        Assert.Multiple(() =>
        {
            Assert.That(Compare(rules, digon, digon), Is.Empty);
            Assert.That(Compare(rules, digon, pentagon).Single(), Is.EqualTo(new Finding(FindingKind.Regression, "one", "data.sparsity = 0.9", "m", "digon", "pentagon", "no change")));
            Assert.That(Compare(rules, Metric(1), digon with { Text = "" }).Single().Now, Is.EqualTo("empty"));
            Assert.That(Compare(rules, Metric(1), digon with { Name = "other" }).Single().Now, Is.EqualTo("not measured"));
            Assert.That(Compare(rules, Metric(1), Metric(1, "mean of 400 cells")), Is.Empty, "another detail of the plan");
        });
    }

    [Test]
    public void Durations_are_compared_on_one_machine_only()
    {
        MetricRule[] rules = [new("seconds", [], new Tolerance(Worse.Higher, 0, 1))];
        MetricValue fast = new("whole run", "seconds", 1, null), slow = fast with { Number = 9 };
        Assert.Multiple(() =>
        {
            Assert.That(Compare(rules, fast, slow).Single().Kind, Is.EqualTo(FindingKind.Regression));
            Assert.That(Compare(rules, fast, slow, sameMachine: false), Is.Empty);
        });
    }

    [TestCase("at_most", "0.5", "0.6", FindingKind.Regression)]
    [TestCase("at_most", "0.5", "0.4", FindingKind.Improvement)]
    [TestCase("at_least", "0.5", "0.4", FindingKind.Regression)]
    [TestCase("at_least", "0.5", "0.6", FindingKind.Improvement)]
    [TestCase("equals", "0.5", "0.6", FindingKind.Regression)]
    [TestCase("between", "0.5", "0.505", null)]
    [TestCase("at_most", "0.1 to 0.5", "0.2 to 0.5", null)]
    [TestCase("at_least", "0.1 to 0.5", "0.1 to 0.9", null)]
    [TestCase("between", "0.1 to 0.5", "0.1 to 0.9", FindingKind.Regression)]
    [TestCase("equals", "digon", "digon", null)]
    [TestCase("monotone", "rises", "0.3 at x", null)]
    public void What_a_claim_measured_may_move_towards_its_failing_by_its_tolerance(string comparison, string before, string now, FindingKind? expected)
    {
        ClaimValue old = new("all cells", "loss", comparison, "1", before, true);
        var found = NightComparison.Compare(Planned([]), Run([], [old with { Measured = now }]), Run([], [old]), true);
        Assert.That(found.Select(finding => (FindingKind?)finding.Kind).SingleOrDefault(), Is.EqualTo(expected));
    }

    [Test]
    public void A_claim_that_fails_is_told_whether_or_not_it_held()
    {
        ClaimValue held = new("all cells", "loss", "at_most", "1", "0.5", true), fails = held with { Measured = "1.5", Holds = false };
        var expected = new Finding(FindingKind.FailedClaim, "one", "all cells", "loss at most 1", "0.5", "1.5", "");
        Assert.Multiple(() =>
        {
            Assert.That(NightComparison.Compare(Planned([]), Run([], [fails]), Run([], [held]), true).Single(), Is.EqualTo(expected));
            Assert.That(NightComparison.Compare(Planned([]), Run([], [fails]), Run([], [fails]), true).Single(), Is.EqualTo(expected with { Before = "1.5" }));
            Assert.That(NightComparison.Compare(Planned([]), Run([], [fails]), null, true).Single(), Is.EqualTo(expected with { Before = "" }));
        });
    }

    private static IReadOnlyList<Finding> Compare(IReadOnlyList<MetricRule> rules, MetricValue before, MetricValue now, bool sameMachine = true) =>
        NightComparison.Compare(Planned(rules), Run([now], []), Run([before], []), sameMachine);

    private static PlannedExperiment Planned(IReadOnlyList<MetricRule> rules) => new("one.yaml", s_experiment, rules, [new ClaimRule("loss", 0, 0.01), NightPlan.DefaultClaim], 32);

    private static RunRecord Run(IReadOnlyList<MetricValue> metrics, IReadOnlyList<ClaimValue> claims) => new("one", "one.yaml", 0, 1, null, "spec", metrics, claims);

    private static MetricValue Metric(double value, string at = "data.sparsity = 0.9") => new(at, "m", value, null);
}
