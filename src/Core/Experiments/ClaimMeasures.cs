using System.Globalization;

namespace ToyPipeline.Core.Experiments;

/// <summary>Names of the measures that a claim may speak of, each of the best instance of a cell.</summary>
public static class ClaimMeasures
{
    /// <summary>Measures of a whole instance.</summary>
    public static IReadOnlyList<string> OfInstance { get; } =
        ["geometry", "represented", "represented_count", "loss", "dimensions_per_feature", "features_per_dimension", "mean_superposition", "max_superposition"];

    /// <summary>Measures of one feature, written with an index: <c>norm[2]</c>.</summary>
    public static IReadOnlyList<string> OfFeature { get; } = ["norm", "superposition", "dimensionality", "bias"];

    /// <summary>Measures of the whole grid; a claim about one names no cells.</summary>
    public static IReadOnlyList<string> OfGrid { get; } = ["theory_agreement", "theory_accounted", "objective_agreement", "unconverged", "critical_value", "critical_eigenvalue"];

    /// <summary>Splits <c>norm[2]</c> into name and feature index.</summary>
    public static (string Name, int? Feature) Split(string measure)
    {
        int open = measure.IndexOf('[', StringComparison.Ordinal);
        return open > 0 && measure[^1] == ']' && int.TryParse(measure[(open + 1)..^1], NumberStyles.None, CultureInfo.InvariantCulture, out int feature)
            ? (measure[..open], feature)
            : (measure, null);
    }

    /// <summary>What is wrong with a measure's name, or null.</summary>
    public static string? Problem(string measure, int features)
    {
        var (name, feature) = Split(measure);
        if (!(feature is null ? OfInstance.Concat(OfGrid) : OfFeature).Contains(name))
        {
            string hint = ExperimentKeys.Closest(name, OfInstance.Concat(OfFeature).Concat(OfGrid)) is { } close ? $"did you mean {close}? " : "";
            return $"which is not a measure; {hint}Allowed: {string.Join(", ", OfInstance)}, and with a feature's index {string.Join(", ", OfFeature.Select(x => x + "[i]"))}, and of the whole grid {string.Join(", ", OfGrid)}";
        }

        return feature >= features ? $"but features are numbered 0 to {features - 1}" : null;
    }
}
