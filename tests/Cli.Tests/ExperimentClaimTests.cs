using System.Text.RegularExpressions;
using ToyPipeline.Analysis.Claims;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Cli.Tests;

/// <summary>No claim of experiments/ holds whatever is measured: each comes out false where the setting is wrong on purpose.</summary>
public sealed partial class ExperimentClaimTests
{
    private static readonly Dictionary<string, WrongSetting[]> s_settings = new()
    {
        ["intro"] = [new("untrained", 1)],
        ["linear-vs-relu"] =
        [
            new("untrained", 1),
            new("the models swapped", 800, ("linear, relu-output", "relu-output, linear"), ("kind: linear", "kind: swapped"), ("kind: relu-output }", "kind: linear }"),
                ("kind: relu-output,", "kind: linear,"), ("kind: swapped", "kind: relu-output"), ("model:      { kind: linear", "model:      { kind: relu-output")),
        ],
        ["larger"] =
        [
            new("untrained", 1),
            new("too few features that matter", 300, ("decay: 0.9", "decay: 0.1")),
        ],
        ["correlated-pairs"] = [new("untrained", 1), new("anticorrelated", 1500, ("correlated:", "anticorrelated:"))],
        ["anticorrelated-pairs"] = [new("untrained", 1), new("correlated", 1500, ("anticorrelated:", "correlated:"))],
        ["three-correlated-pairs"] = [new("anticorrelated", 1500, ("correlated:", "anticorrelated:")), new("dense", 1500, ("density: 0.05", "density: 1"))],
        ["local-bases"] = [new("untrained", 1), new("dense", 500, ("0.02", "1"))],
        ["uniform-geometry"] = [new("untrained", 1)],
        ["adversarial"] = [new("untrained", 1)],
        ["privileged-basis"] =
        [
            new("untrained", 1),
            new("the models swapped", 2000, ("relu-hidden", "swapped"), ("relu-output", "relu-hidden"), ("swapped", "relu-output")),
        ],
        ["absolute-value-small"] = [new("untrained", 1)],
        ["absolute-value"] = [new("untrained", 1)],
        ["absolute-value-large"] = [new("untrained", 1)],
        ["width"] = [new("untrained", 1)],
        ["linear-representation"] = [new("a hidden ReLU", 1, ("relu-output", "relu-hidden"))],
    };

    private static IEnumerable<string> Covered => s_settings.Keys;

    [TestCaseSource(nameof(Covered))]
    public void Every_claim_fails_in_a_setting_that_is_wrong_on_purpose(string name)
    {
        string yaml = Repository.Read($"experiments/{name}.yaml");
        var results = s_settings[name].Select(setting => Run(name, setting, yaml)).ToList();
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

        public void Error(string sentence, string? details) => Assert.Fail(sentence);

        public void Dispose()
        {
        }
    }
}
