using System.Globalization;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Export.Onnx;

namespace ToyPipeline.Export.Import;

/// <summary>How the two matrices of a model lie in its file.</summary>
public enum WeightLayout
{
    /// <summary><c>[instances, features, hidden]</c>, as here.</summary>
    FeaturesHidden,

    /// <summary><c>[instances, hidden, features]</c>.</summary>
    HiddenFeatures,

    /// <summary>As two <c>torch.nn.Linear</c> hold them: the encoder [hidden, features], the decoder [features, hidden].</summary>
    Linear,
}

/// <summary>What the user says about a model that its file may not say.</summary>
public sealed record ImportOptions
{
    private static readonly string[] s_roles = ["W", "W1", "W2", "b"];

    /// <summary>Name of the run.</summary>
    public required string Name { get; init; }

    /// <summary>Tensor names by role (W, W1, W2, b).</summary>
    public IReadOnlyDictionary<string, string> Map { get; init; } = new Dictionary<string, string>();

    /// <summary>How the matrices lie; null leaves it to their shapes.</summary>
    public WeightLayout? Layout { get; init; }

    /// <summary>Architecture; null leaves it to the file.</summary>
    public ModelKind? Kind { get; init; }

    /// <summary>Density of every feature, or one for all; null leaves it to the file or the dataset, else 1.</summary>
    public IReadOnlyList<double>? Density { get; init; }

    /// <summary>Importance of every feature, or one number d for <c>I_i = d^i</c>; null leaves it to the file, else 1.</summary>
    public IReadOnlyList<double>? Importance { get; init; }

    /// <summary>Number of samples to evaluate on; null for the default.</summary>
    public int? Samples { get; init; }

    /// <summary>Reads <c>W=encoder.weight,b=decoder.bias</c>.</summary>
    /// <exception cref="InvalidInputException">A part is no pair, or names no role.</exception>
    public static IReadOnlyDictionary<string, string> ParseMap(string text)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            string[] pair = part.Split('=', 2, StringSplitOptions.TrimEntries);
            if (pair is not [var role, { Length: > 0 } tensor] || !s_roles.Contains(role) || !map.TryAdd(role, tensor))
                throw new InvalidInputException($"--map has {part}; write ROLE=TENSOR pairs with the roles {string.Join(", ", s_roles)}, each once, for example W=encoder.weight,b=decoder.bias.");
        }

        return map.ContainsKey("W") && (map.ContainsKey("W1") || map.ContainsKey("W2"))
            ? throw new InvalidInputException("--map has W beside W1 or W2: a model has one matrix, W, or two, W1 and W2.")
            : map;
    }

    /// <summary>Reads one of the names of <see cref="WeightLayout"/>.</summary>
    /// <exception cref="InvalidInputException">It is none.</exception>
    public static WeightLayout ParseLayout(string text) => text switch
    {
        "features-hidden" => WeightLayout.FeaturesHidden,
        "hidden-features" => WeightLayout.HiddenFeatures,
        "linear" => WeightLayout.Linear,
        _ => throw new InvalidInputException($"--layout is {text}; allowed: features-hidden, hidden-features, linear (as torch.nn.Linear holds them)."),
    };

    /// <summary>Reads a model kind as experiment files spell it.</summary>
    /// <exception cref="InvalidInputException">It is none.</exception>
    public static ModelKind ParseKind(string text) =>
        ModelGraph.Kind(text) ?? throw new InvalidInputException($"--kind is {text}; allowed: {string.Join(", ", Enum.GetValues<ModelKind>().Select(ModelGraph.Name))}.");

    /// <summary>Reads numbers that commas part; <paramref name="option"/> is what errors call them.</summary>
    /// <exception cref="InvalidInputException">A part is no number.</exception>
    public static IReadOnlyList<double> ParseNumbers(string text, string option) =>
        [.. text.Split(',', StringSplitOptions.TrimEntries).Select(part =>
            double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
                ? number
                : throw new InvalidInputException($"{option} has {part}, which is no number; write one, or one a feature with commas between them."))];
}
