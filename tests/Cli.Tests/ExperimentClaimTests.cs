using System.Text.RegularExpressions;
using ToyPipeline.Analysis.Claims;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Cli.Tests;

/// <summary>No claim of experiments/ holds whatever is measured: each comes out false where the setting is wrong on purpose.</summary>
[Category("Slow")]
public sealed partial class ExperimentClaimTests
{
    // Both cost next to nothing, and leave few claims true.
    private static readonly WrongSetting s_untrained = new("untrained", 1);
    private static readonly WrongSetting s_faded = new("weights that decay to nothing", 60, ("kind: adamw, lr: ", "kind: adamw, weight_decay: 100, lr: "));

    // Where the exact loss is solved there are no steps to leave out. Grids are coarser and starts fewer, for time.
    private static readonly WrongSetting s_coarse = new("as it is, on a coarse grid", null, (", 256] }", ", 8] }"), (", 64] }", ", 8] }"), ("replicas: 256", "replicas: 8"), ("replicas: 8", "replicas: 2"));

    // Without an exact loss there is nothing to converge; what stands in its place holds, and so shows nothing.
    private static readonly (string, string) s_noConvergence = ("measure: unconverged, equals: 0", "measure: theory_accounted, at_least: 0");

    private static readonly Dictionary<string, WrongSetting[]> s_exact = new()
    {
        ["intro-exact"] =
        [
            new("linear", null, ("relu-output", "linear")),
            new("sparse for dense", null, ("at: { data.sparsity: 0.0 }", "at: { data.sparsity: 0.9 }")),
        ],
        ["phase-2-1"] = [new("untrained", 1, ("objective: exact", "steps: 1, history: { loss_every: 1 }"), s_noConvergence)],
        ["phase-3-2"] = [new("untrained", 1, ("objective: exact, starts: 2", "steps: 1, history: { loss_every: 1 }"), s_noConvergence)],
        ["phase-2-1-trained"] = [new("untrained", 1)],
        ["non-uniform-sparsity"] =
        [
            new("linear", null, ("relu-output", "linear")),
            new("the others sparser by far", null, ("density: 0.2 }", "density: 0.002 }"), ("0.05", "0.0005"), ("0.25", "0.0025")),
        ],
        ["uniform-geometry-exact"] =
        [
            // Left out, a feature costs what a dedicated dimension saves.
            new("linear", null, ("relu-output", "linear")),
            new("other densities", null, ("[1, 0.9,", "[1, 0.05,"), ("data.density: 0.9 }", "data.density: 0.05 }"), ("0.1, 0.03]", "0.99, 0.03]"), ("data.density: 0.1 }", "data.density: 0.99 }")),
        ],
    };

    // What else it takes to make every claim of an experiment fail.
    private static readonly Dictionary<string, WrongSetting[]> s_settings = new()
    {
        ["intro"] = [],
        ["linear-vs-relu"] =
        [
            new("the models swapped", 800, ("linear, relu-output", "relu-output, linear"), ("kind: linear", "kind: swapped"), ("kind: relu-output", "kind: linear"), ("kind: swapped", "kind: relu-output")),
        ],
        ["larger"] = [],
        ["correlated-pairs"] = [new("anticorrelated", 1500, ("correlated:", "anticorrelated:"))],
        ["anticorrelated-pairs"] = [new("correlated", 1500, ("anticorrelated:", "correlated:"))],
        ["three-correlated-pairs"] = [new("anticorrelated", 1500, ("correlated:", "anticorrelated:"))],
        ["local-bases"] = [],
        ["uniform-geometry"] = [],
        ["adversarial"] = [new("a huge attack", 1, ("epsilon: 0.1", "epsilon: 5"))],
        ["privileged-basis"] = [new("the models swapped", 2000, ("relu-hidden", "swapped"), ("relu-output", "relu-hidden"), ("swapped", "relu-output"))],
        ["absolute-value-small"] = [],
        ["absolute-value"] =
        [
            new("dense and sparse swapped", 3000, ("[1, 0.3", "[0.01, 0.3"), ("0.01, 0.003]", "1, 0.003]"), ("density: 0.01 }", "density: swapped }"), ("density: 1 }", "density: 0.01 }"), ("density: swapped }", "density: 1 }")),
        ],
        ["absolute-value-large"] =
        [
            new("dense and sparse swapped", 1500, ("[1, 0.1", "[0.003, 0.1"), ("0.01, 0.003]", "0.01, 1]"), ("density: 0.003 }", "density: swapped }"), ("density: 1 }", "density: 0.003 }"), ("density: swapped }", "density: 1 }")),
        ],
        ["width"] = [],
        ["linear-representation"] = [new("a hidden ReLU", 1, ("relu-output", "relu-hidden"))],
    };

    private static IEnumerable<string> Covered => s_settings.Keys;

    private static IEnumerable<string> Solved => s_exact.Keys;

    [TestCaseSource(nameof(Covered))]
    public void Every_claim_fails_in_a_setting_that_is_wrong_on_purpose(string name)
    {
        string yaml = Repository.Read($"experiments/{name}.yaml");
        var results = s_settings[name].Prepend(s_faded).Prepend(s_untrained).Select(setting => Run(name, setting, yaml)).ToList();
        AssertEachFails(name, results);
    }

    [TestCaseSource(nameof(Solved))]
    public void Every_claim_about_exact_losses_fails_in_a_setting_that_is_wrong_on_purpose(string name)
    {
        string yaml = Repository.Read($"experiments/{name}.yaml");
        foreach (var (right, wrong) in s_coarse.Changes)
            yaml = yaml.Replace(right, wrong, StringComparison.Ordinal);
        var results = s_exact[name].Select(setting => Run(name, setting, yaml)).Append(Run(name, s_coarse with { Changes = [] }, yaml, unconverged: true)).ToList();
        AssertEachFails(name, results);
    }

    [Test]
    public void Every_experiment_has_its_wrong_settings() => Assert.That(
        Covered.Concat(Solved).Concat(["correlated-collapse", "energy-levels", "geometric-transformation"]), // these in DynamicsClaimTests
        Is.EquivalentTo(Directory.EnumerateFiles(Path.Combine(Repository.Root, "experiments"), "*.yaml").Select(Path.GetFileNameWithoutExtension)));

    private static void AssertEachFails(string name, List<IReadOnlyList<ClaimResult>> results)
    {
        for (int i = 0; i < results[0].Count; i++)
        {
            var claim = results[0][i];
            Assert.That(results.Any(claims => !claims[i].Holds), $"{name}: claim {i}, {claim.At} {claim.Measure} {claim.Comparison} {claim.Expected}, holds in every wrong setting: {claim.Measured}");
        }
    }

    // Solutions whose gradients do not vanish are of no use.
    private static void Unsettle(string artifacts, string name)
    {
        foreach (string path in Directory.EnumerateFiles(Path.Combine(artifacts, name, "weights"), "pack-*.safetensors").Where(path => !path.Contains("history", StringComparison.Ordinal)))
        {
            var weights = EnsembleWeights.Load(path);
            if (weights.Exact is { } exact)
                (weights with { Exact = exact with { GradientNorm = [.. exact.GradientNorm.Select(_ => 1f)] } }).Save(path);
        }
    }

    private static IReadOnlyList<ClaimResult> Run(string name, WrongSetting setting, string yaml, bool unconverged = false)
    {
        foreach (var (right, wrong) in setting.Changes)
        {
            Assert.That(yaml, Does.Contain(right), $"{name}, {setting.Name}");
            yaml = yaml.Replace(right, wrong, StringComparison.Ordinal);
        }

        if (setting.Steps is { } steps)
            yaml = Replicas().Replace(Samples().Replace(Steps().Replace(yaml, $"steps: {steps}"), "evaluation: { samples: 2000"), "replicas: 1");
        using var workspace = new Workspace();
        workspace.Write($"{name}.yaml", yaml);
        using var output = new ClaimsOnly();
        string file = Path.Combine(workspace.Folder, $"{name}.yaml");
        var options = new PipelineOptions(Path.Combine(workspace.Folder, "artifacts"), Force: false, AcceptChanges: unconverged, Csv: false);
        Pipeline.Run(file, ["generate", "train", "export"], options, output, CancellationToken.None);
        if (unconverged)
            Unsettle(options.Artifacts, name);
        Pipeline.Run(file, ["analyze"], options, output, CancellationToken.None);
        return output.Results;
    }

    [GeneratedRegex(@"steps: \d+")]
    private static partial Regex Steps();

    [GeneratedRegex(@"evaluation: \{ samples: \d+")]
    private static partial Regex Samples();

    [GeneratedRegex(@"replicas: \d+")]
    private static partial Regex Replicas();

    /// <summary>An experiment changed so that its claims should be false.</summary>
    /// <param name="Name">What is wrong.</param>
    /// <param name="Steps">Steps of training; 1 leaves the models untrained; null changes nothing.</param>
    /// <param name="Changes">Replacements in the text of its file, in order.</param>
    private sealed record WrongSetting(string Name, int? Steps, params (string Right, string Wrong)[] Changes);

    private sealed class ClaimsOnly : IOutput
    {
        public IReadOnlyList<ClaimResult> Results { get; private set; } = [];

        public void Start(Experiment experiment, string folder)
        {
        }

        public void Stage(string name, Func<Action<StageProgress>, StageOutcome> work) => work(_ => { });

        public void Claims(IReadOnlyList<ClaimResult> claims) => Results = claims;

        public void Report(string path)
        {
        }

        public void Table(string name, IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows)
        {
        }

        public void Note(string sentence)
        {
        }

        public void Error(string sentence, string? details) => Assert.Fail(sentence);

        public void Dispose()
        {
        }
    }
}
