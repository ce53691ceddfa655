using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Cli.Tests;

/// <summary>Claims about dynamics and principal components fail where the setting is wrong: none of them passes by itself.</summary>
[Category("Slow")]
public sealed class DynamicsClaimTests
{
    // Each setting is a list of replacements in the experiment's file; short training keeps the tests quick.
    private static IEnumerable<TestCaseData> WrongSettings =>
    [
        Case("energy-levels", ["kind: relu-output=>kind: linear", "steps: 20000=>steps: 1500"]),
        Case("geometric-transformation", ["kind: relu-output=>kind: linear", "steps: 30000=>steps: 1500"]),
        Case(
            "correlated-collapse",
            // Independent features: nothing to collapse onto.
            ["sets: [{ correlated: [0, 1] }, { correlated: [2, 3] }]=>values: unit", "replicas: 8=>replicas: 2\ntraining: { steps: 1500 }"],
            // No superposition however sparse.
            ["kind: relu-output=>kind: linear", "replicas: 8=>replicas: 2\ntraining: { steps: 3000 }"],
            // Components that stand out by their importance.
            ["replicas: 8=>replicas: 2\ntraining: { steps: 100 }\nimportance: { values: [1, 1, 0.1, 0.1] }"]),
    ];

    [TestCaseSource(nameof(WrongSettings))]
    public void Every_claim_fails_in_a_wrong_setting(string name, string[][] settings)
    {
        string text = Repository.Read($"experiments/{name}.yaml");
        var failed = new HashSet<int>();
        foreach (string[] setting in settings)
        {
            using var workspace = new Workspace();
            string wrong = text;
            foreach (string[] pair in setting.Select(change => change.Split("=>")))
            {
                Assert.That(wrong, Does.Contain(pair[0]));
                wrong = wrong.Replace(pair[0], pair[1], StringComparison.Ordinal);
            }

            workspace.Write("wrong.yaml", wrong);
            foreach (string stage in (string[])["generate", "train", "export"])
                Assert.That(workspace.Toy(stage, "wrong.yaml").Code, Is.Zero, stage);
            Assert.That(workspace.Toy("analyze", "wrong.yaml").Code, Is.EqualTo(1));
            string[] rows = File.ReadAllLines(Path.Combine(workspace.Folder, "artifacts", name, "analysis", "claims.csv"));
            failed.UnionWith(Enumerable.Range(0, rows.Length - 1).Where(claim => rows[claim + 1].EndsWith(",false", StringComparison.Ordinal)));
        }

        int claims = Experiment.Parse(text, name).Claims.Count;
        Assert.That(Enumerable.Range(0, claims).Except(failed), Is.Empty, "claims that no wrong setting fails");
    }

    private static TestCaseData Case(string name, params string[][] settings) => new TestCaseData(name, settings).SetArgDisplayNames(name);
}
