using System.CommandLine;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core;
using ToyPipeline.Export.Import;

namespace ToyPipeline.Cli;

/// <summary>The verb <c>toy import</c> and its options.</summary>
internal static class ImportVerb
{
    private static readonly Argument<string> s_model = new("model") { Description = "Model file: .onnx, .safetensors, or .pt (TorchScript)." };
    private static readonly Option<string> s_name = new("--name") { Description = "Name of the run.", Required = true };
    private static readonly Option<string?> s_data = new("--data") { Description = "Dataset to evaluate on: a folder with dataset.json, or a .npz file of scipy. Drawn where left out." };
    private static readonly Option<string?> s_density = new("--density") { Description = "Probability that a feature is present: one number, or one a feature with commas between them." };
    private static readonly Option<string?> s_importance = new("--importance") { Description = "Importance of the features: d for I_i = d^i, or one number a feature with commas between them." };
    private static readonly Option<string?> s_kind = new("--kind") { Description = "linear, relu-output, relu-hidden or absolute-value, where the file does not say." };
    private static readonly Option<string?> s_map = new("--map") { Description = "Tensor names, for example W=encoder.weight,b=decoder.bias (roles: W or W1 and W2, and b)." };
    private static readonly Option<string?> s_layout = new("--layout") { Description = "How the matrices lie: features-hidden, hidden-features, or linear (torch.nn.Linear)." };
    private static readonly Option<int?> s_samples = new("--samples") { Description = "Number of samples to draw for the evaluation (100000)." };

    /// <summary>The verb.</summary>
    /// <param name="verb">Makes a command of a name, a description and what it does.</param>
    /// <param name="artifacts">Option with the folder of the runs.</param>
    /// <param name="force">Option to redo what did not change.</param>
    public static Command Create(
        Func<string, string, Func<ParseResult, IOutput, CancellationToken, ExitCode>, Command> verb, Option<string> artifacts, Option<bool> force)
    {
        var command = verb("import", "Takes a model that was trained elsewhere, measures it and reports on it.", (parsed, output, cancellation) =>
            ImportedRun.Run(parsed.GetRequiredValue(s_model), parsed.GetValue(s_data), Options(parsed), parsed.GetValue(artifacts)!, parsed.GetValue(force), output, cancellation));
        command.Add(s_model);
        foreach (var option in (Option[])[s_name, s_data, s_density, s_importance, s_kind, s_map, s_layout, s_samples, force])
            command.Add(option);
        return command;
    }

    private static ImportOptions Options(ParseResult parsed) => new()
    {
        Name = parsed.GetRequiredValue(s_name),
        Map = parsed.GetValue(s_map) is { } map ? ImportOptions.ParseMap(map) : new Dictionary<string, string>(),
        Layout = parsed.GetValue(s_layout) is { } layout ? ImportOptions.ParseLayout(layout) : null,
        Kind = parsed.GetValue(s_kind) is { } kind ? ImportOptions.ParseKind(kind) : null,
        Density = parsed.GetValue(s_density) is { } density ? ImportOptions.ParseNumbers(density, "--density") : null,
        Importance = parsed.GetValue(s_importance) is { } importance ? ImportOptions.ParseNumbers(importance, "--importance") : null,
        Samples = parsed.GetValue(s_samples),
    };
}
