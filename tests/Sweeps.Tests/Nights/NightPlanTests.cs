using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Sweeps.Nights;

namespace ToyPipeline.Sweeps.Tests.Nights;

/// <summary>Plans are read as strictly as experiments.</summary>
public sealed class NightPlanTests
{
    [Test]
    public void A_plan_has_its_experiments_with_their_own_rules_first()
    {
        using var workspace = new NightWorkspace();
        var plan = NightPlanFile.Load(Path.GetDirectoryName(workspace.PlanFile)!);
        var (one, two) = (plan.Experiments[0], plan.Experiments[1]);
        Assert.Multiple(() =>
        {
            Assert.That(plan.Experiments.Select(planned => planned.Experiment.Name), Is.EqualTo(new[] { "one", "two" }));
            Assert.That(one.Metrics[0].At, Is.EqualTo(new[] { new Coordinate("data.sparsity", "0.9") }));
            Assert.That(one.Metrics[0].Tolerance, Is.EqualTo(new Tolerance(Worse.Higher, 0, 0.5)));
            Assert.That(one.Metrics.Skip(1), Is.EqualTo(two.Metrics));
            Assert.That(two.Metrics.Select(rule => rule.Name), Is.EqualTo(new[] { "loss_best", "share_represented", "geometry" }));
            Assert.That(two.Metrics[2].Tolerance, Is.EqualTo(new Tolerance(Worse.Either, 0, 0)));
            Assert.That((one.Claims[0], one.Detail, plan.Retention), Is.EqualTo((NightPlan.DefaultClaim, 32, new Retention(2, 0, 0, 0))));
        });
    }

    [Test]
    public void What_a_plan_leaves_out_has_a_default()
    {
        using var workspace = new NightWorkspace();
        workspace.Write("experiments/nightly/plan.yaml", "experiments: [{ file: ../one.yaml, detail: 5 }]\nclaims: [{ measure: loss, relative: 0.3 }]\n");
        var plan = NightPlanFile.Load(workspace.PlanFile);
        Assert.Multiple(() =>
        {
            Assert.That(plan.Experiments[0].Metrics, Is.EqualTo(NightPlan.DefaultMetrics));
            Assert.That(plan.Experiments[0].Claims, Is.EqualTo(new[] { new ClaimRule("loss", 0.3, 0), NightPlan.DefaultClaim }));
            Assert.That((plan.Experiments[0].Detail, plan.Retention), Is.EqualTo((5, Retention.Default)));
        });
    }

    [TestCase("file: ../two.yaml", "file: ../twoo.yaml", 5, "experiments[1].file is ../twoo.yaml, and there is no experiment ", "twoo.yaml; did you mean two.yaml?.")]
    [TestCase("file: ../two.yaml", "file: ../one.yaml", 5, "an experiment named one as is ", "keep one, or rename it.")]
    [TestCase("file: ../two.yaml", "fil: ../two.yaml", 5, "unknown key experiments[1].fil; did you mean file? Allowed here: file, metrics, claims, detail.", "")]
    [TestCase("worse: lower", "worse: down", 8, "metrics[1].worse is down; allowed: one of higher, lower, either, never.", "")]
    [TestCase("relative: 0.1", "relative: -1", 7, "metrics[0].relative is -1; allowed: a number of at least 0.", "")]
    [TestCase("relative: 0.1", "relative: lots", 7, "metrics[0].relative is lots; allowed: a number of at least 0.", "")]
    [TestCase("  - { name: geometry }", "  - { worse: higher }", 9, "metrics[2].name is missing.", "")]
    [TestCase("  - { name: geometry }", "  - { name: geometry, at: { data.sparsity: 0.9 } }", 9, "unknown key metrics[2].at;", "Allowed here: name, worse, relative, absolute.")]
    [TestCase("data.sparsity: 0.9", "data.density: 0.9", 4, "names data.density, which is no axis of one; allowed: data.sparsity.", "")]
    [TestCase("data.sparsity: 0.9", "data.sparsity: 0.5", 4, "names a value that data.sparsity does not take; allowed: 0.0, 0.9.", "")]
    [TestCase("last: 2", "last: 0", 10, "retention.last is 0; allowed: a whole number from 1", "")]
    [TestCase("daily: 0", "daily: none", 10, "retention.daily is none; allowed: a whole number from 0", "")]
    [TestCase("retention: {", "retain: {", 10, "unknown key retain;", "Allowed here: experiments, metrics, claims, detail, retention.")]
    public void What_is_wrong_is_named_with_file_line_and_what_is_allowed(string right, string wrong, int line, string expected, string end)
    {
        using var workspace = new NightWorkspace();
        string plan = NightWorkspace.Plan;
        Assert.That(plan, Does.Contain(right));
        workspace.Write("experiments/nightly/plan.yaml", plan.Replace(right, wrong, StringComparison.Ordinal));
        Assert.That(Refused(workspace.PlanFile), Does.StartWith($"{workspace.PlanFile}:{line}: ").And.Contain(expected).And.Contain(end));
    }

    [TestCase("experiments: []", "experiments is empty")]
    [TestCase("metrics: []", "experiments is missing")]
    [TestCase("[1, 2]", "a nightly plan file is one YAML mapping; start from experiments/nightly/guard.yaml.")]
    [TestCase("experiments: [", "this is not YAML")]
    public void A_plan_without_experiments_is_refused(string text, string expected)
    {
        using var workspace = new NightWorkspace();
        workspace.Write("experiments/nightly/plan.yaml", text);
        Assert.That(Refused(workspace.PlanFile), Does.Contain(expected));
    }

    [Test]
    public void Two_rules_of_retention_are_refused_and_so_is_a_folder_without_plans()
    {
        using var workspace = new NightWorkspace();
        workspace.Write("experiments/nightly/second.yaml", "experiments: [{ file: ../one.yaml }]\n");
        Assert.That(Refused(Path.GetDirectoryName(workspace.PlanFile)!), Does.Contain("second.yaml:1: experiments[0].file is ").And.Contain("their runs would share a folder"));
        workspace.Write("experiments/three.yaml", File.ReadAllText(Path.Combine(workspace.Folder, "experiments/one.yaml")).Replace("name: one", "name: three", StringComparison.Ordinal));
        workspace.Write("experiments/nightly/second.yaml", "experiments: [{ file: ../three.yaml }]\nretention: { last: 3 }\n");
        Assert.That(Refused(Path.GetDirectoryName(workspace.PlanFile)!), Does.Contain("second.yaml:2: retention stands in ").And.Contain("keep one of the two"));
        Assert.That(Refused(Path.Combine(workspace.Folder, "experiments", "none")), Does.StartWith("There is no nightly plan: ").And.Contain("matches no file"));
    }

    [Test]
    public void An_experiment_that_is_wrong_is_told_before_anything_runs()
    {
        using var workspace = new NightWorkspace();
        workspace.Write("experiments/two.yaml", "name: two\nmodel: { features: 5 }\n");
        Assert.That(Refused(workspace.PlanFile), Does.EndWith("two.yaml:2: model.hidden is missing."));
    }

    private static string Refused(string path) => Assert.Throws<InvalidInputException>(() => NightPlanFile.Load(path))!.Message;
}
