using System.Text.RegularExpressions;
using ToyPipeline.Analysis.Claims;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Cli.Tests;

/// <summary>No claim of experiments/ holds whatever is measured: each comes out false where the setting is wrong on purpose.</summary>
[Category("Slow")]
public sealed partial class ExperimentClaimTests
{
    // Both cost next to nothing, and leave few claims true.
    private static readonly WrongSetting s_untrained = new("untrained", 1);
    private static readonly WrongSetting s_faded = new("weights that decay to nothing", 60, ("kind: adamw, lr: ", "kind: adamw, weight_decay: 100, lr: "));

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

    [TestCaseSource(nameof(Covered))]
    public void Every_claim_fails_in_a_setting_that_is_wrong_on_purpose(string name)
    {
        string yaml = Repository.Read($"experiments/{name}.yaml");
        var results = s_settings[name].Prepend(s_faded).Prepend(s_untrained).Select(setting => Run(name, setting, yaml)).ToList();
        for (int i = 0; i < results[0].Count; i++)
        {
            var claim = results[0][i];
            Assert.That(results.Any(claims => !claims[i].Holds), $"{name}: claim {i}, {claim.At} {claim.Measure} {claim.Comparison} {claim.Expected}, holds in every wrong setting: {claim.Measured}");
        }
    }

    private static IReadOnlyList<ClaimResult> Run(string name, WrongSetting setting, string yaml)
    {
        foreach (var (right, wrong) in setting.Changes)
        {
            Assert.That(yaml, Does.Contain(right), $"{name}, {setting.Name}");
            yaml = yaml.Replace(right, wrong, StringComparison.Ordinal);
        }

        yaml = Replicas().Replace(Samples().Replace(Steps().Replace(yaml, $"steps: {setting.Steps}"), "evaluation: { samples: 2000"), "replicas: 1");
        using var workspace = new Workspace();
        workspace.Write($"{name}.yaml", yaml);
        using var output = new ClaimsOnly();
        var options = new PipelineOptions(Path.Combine(workspace.Folder, "artifacts"), Force: false, AcceptChanges: false, Csv: false);
        Pipeline.Run(Path.Combine(workspace.Folder, $"{name}.yaml"), ["generate", "train", "export", "analyze"], options, output, CancellationToken.None);
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
    /// <param name="Steps">Steps of training; 1 leaves the models untrained.</param>
    /// <param name="Changes">Replacements in the text of its file, in order.</param>
    private sealed record WrongSetting(string Name, int Steps, params (string Right, string Wrong)[] Changes);

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
