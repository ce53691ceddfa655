using System.Globalization;
using System.Text.RegularExpressions;

namespace ToyPipeline.Core.Experiments;

/// <summary>A measure as a claim names it: <c>loss</c>, <c>norm[2]</c>, <c>angle[0,1]</c>, <c>count[digon]</c>, <c>dimensionality[*]</c>.</summary>
/// <param name="Name">The part before the index.</param>
/// <param name="Index">What stands in brackets; null where there are none.</param>
public sealed partial record MeasureName(string Name, string? Index)
{
    /// <summary>The index that means every feature, or every neuron.</summary>
    public const string All = "*";

    /// <summary>The index that means every represented feature.</summary>
    public const string Represented = "represented";

    /// <summary>Whether the measure has many values in each cell.</summary>
    public bool IsMany => Index is All or Represented;

    /// <summary>Whether the measure is a name or a list, which only <c>equals</c> can compare.</summary>
    public bool IsText => Index is null && Name is "geometry" or "represented";

    /// <summary>The index as numbers: one of <c>norm[2]</c>, two of <c>G[0,1]</c>; empty where it is none.</summary>
    public IReadOnlyList<int> Places { get; } =
        Index is not null && Numbers().IsMatch(Index) ? [.. Index.Split(',').Select(text => int.Parse(text, CultureInfo.InvariantCulture))] : [];

    /// <summary>Splits a measure into name and index. What is no measure comes back whole, as a name.</summary>
    public static MeasureName Parse(string measure)
    {
        int open = measure.IndexOf('[', StringComparison.Ordinal);
        return open > 0 && measure[^1] == ']' ? new MeasureName(measure[..open], measure[(open + 1)..^1]) : new MeasureName(measure, null);
    }

    /// <inheritdoc/>
    public override string ToString() => Index is null ? Name : $"{Name}[{Index}]";

    [GeneratedRegex(@"^\d{1,9}(, ?\d{1,9})?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Numbers();
}

/// <summary>Names of the measures that a claim may speak of, each of the best instance of a cell. docs/measures.md defines them.</summary>
public static partial class ClaimMeasures
{
    /// <summary>Measures of a whole instance.</summary>
    public static IReadOnlyList<string> OfInstance { get; } =
    [
        "geometry", "represented", "represented_count", "share_represented", "loss", "dimensions_per_feature", "features_per_dimension",
        "mean_superposition", "max_superposition", "basis_alignment", "basis_alignment_random", "monosemantic_count", "polysemantic_count",
        "share_paired", "asymmetric_pairs", "identity_error", "superposition_within_sets", "superposition_between_sets",
    ];

    /// <summary>Measures of a whole instance that only the best one of each cell has.</summary>
    public static IReadOnlyList<string> OfBest { get; } =
    [
        "benefit_term", "interference_term", "mean_probe_r2", "linearity_error", "adversarial_loss", "vulnerability", "attack_amplification",
        "jump_count", "loss_drop_count", "matched_jump_share", "chance_match_share", "matched_drop_share", "time_in_jumps", "loss_fall_in_jumps",
        "plateau_share", "arrangement_count", "pca_alignment", "pca_gap",
    ];

    /// <summary>Measures of one feature, written with an index, <c>norm[2]</c>, or of many: <c>norm[*]</c>, <c>norm[represented]</c>.</summary>
    public static IReadOnlyList<string> OfFeature { get; } = ["norm", "superposition", "dimensionality", "bias"];

    /// <summary>Measures of the whole grid; a claim about one names no cells.</summary>
    public static IReadOnlyList<string> OfGrid { get; } =
        ["theory_agreement", "theory_accounted", "objective_agreement", "unconverged", "critical_value", "critical_eigenvalue"];

    /// <summary>Measures of one feature, likewise, that only the best instance of each cell has.</summary>
    public static IReadOnlyList<string> OfFeatureOfBest { get; } =
    [
        "loss", "weighted_loss", "benefit_term", "interference_term", "interference_mean", "interference_rms", "interference_worst", "probe_r2",
    ];

    /// <summary>Whether only the best instance of each cell has a measure.</summary>
    public static bool IsOfBest(MeasureName measure) => (measure.Index is null ? OfBest : OfFeatureOfBest).Contains(measure.Name);

    /// <summary>The key of <c>evaluation</c> that has a measure taken, or null where it always is.</summary>
    public static string? Needs(string measure) => MeasureName.Parse(measure).Name switch
    {
        "interference_mean" or "interference_rms" or "interference_worst" => "interference",
        "probe_r2" or "mean_probe_r2" or "linearity_error" => "probes",
        "adversarial_loss" or "vulnerability" or "attack_amplification" => "adversarial",
        "jump_count" or "loss_drop_count" or "matched_jump_share" or "chance_match_share" or "matched_drop_share"
            or "time_in_jumps" or "loss_fall_in_jumps" or "plateau_share" or "arrangement_count" => "dynamics",
        "pca_alignment" or "pca_gap" => "pca",
        _ => null,
    };

    /// <summary>Measures of one neuron, <c>participation_ratio[0]</c>, or of all: <c>participation_ratio[*]</c>.</summary>
    public static IReadOnlyList<string> OfNeuron { get; } = ["participation_ratio"];

    /// <summary>Measures of two features: <c>angle[0,1]</c>.</summary>
    public static IReadOnlyList<string> OfPair { get; } = ["G", "cosine", "angle"];

    /// <summary>The geometry of a model that represents no feature.</summary>
    public const string NoGeometry = "none";

    /// <summary>Kinds of components that <c>count[kind]</c> counts.</summary>
    public static IReadOnlyList<string> Kinds { get; } =
        ["square antiprism", "pentagon", "4/9 cluster", "tetrahedron", "triangle", "digon", "dedicated", "other"];

    /// <summary>What is wrong with a geometry, <c>digon + 3 dedicated</c>, or null.</summary>
    public static string? GeometryProblem(string geometry) =>
        geometry == NoGeometry ? null
        : geometry.Split('+', StringSplitOptions.TrimEntries).Select(part => Count().Replace(part, "")).FirstOrDefault(part => !Kinds.Contains(part)) is { } wrong
            ? $"names {wrong}; allowed: {string.Join(", ", Kinds)}, with a number before and + between them, or {NoGeometry}"
            : null;

    /// <summary>What is wrong with a measure's name, or null.</summary>
    /// <param name="measure">As a claim has it.</param>
    /// <param name="model">The model of the file, which bounds the indices.</param>
    public static string? Problem(string measure, ModelSpec model)
    {
        var name = MeasureName.Parse(measure);
        return name.Index is null && (OfInstance.Contains(name.Name) || OfBest.Contains(name.Name) || OfGrid.Contains(name.Name)) ? null
            : name.Index is not null && (OfFeature.Contains(name.Name) || OfFeatureOfBest.Contains(name.Name)) ? name.IsMany ? null : Outside(name, 1, "features", model.Features)
            : name.Index is not null && OfNeuron.Contains(name.Name) ? name.Index == MeasureName.All ? null : Outside(name, 1, "neurons", model.Hidden)
            : name.Index is not null && OfPair.Contains(name.Name) ? Outside(name, 2, "features", model.Features)
            : name is { Name: "count", Index: not null } ? Kinds.Contains(name.Index) ? null : $"but the kinds are {string.Join(", ", Kinds)}"
            : Unknown(name.Name);
    }

    private static string? Outside(MeasureName name, int places, string what, int count) =>
        name.Places.Count != places ? $"but {name.Name} takes {(places == 1 ? "one index" : "two indices")}, from 0 to {count - 1}{(places == 1 ? ", or *" : "")}"
        : name.Places.Any(place => place >= count) ? $"but {what} are numbered 0 to {count - 1}"
        : null;

    private static string Unknown(string name)
    {
        string hint = ExperimentKeys.Closest(name, [.. OfInstance, .. OfBest, .. OfFeature, .. OfFeatureOfBest, .. OfNeuron, .. OfPair, .. OfGrid, "count"]) is { } close ? $"did you mean {close}? " : "";
        return $"which is not a measure; {hint}Allowed: {string.Join(", ", OfInstance.Concat(OfBest))}, with the index of a feature, * or represented {Listed(OfFeature.Concat(OfFeatureOfBest), "i")}, "
            + $"of a neuron {Listed(OfNeuron, "k")}, of two features {Listed(OfPair, "i,j")}, count[kind], and of the whole grid {string.Join(", ", OfGrid)}";
    }

    [GeneratedRegex(@"^[1-9]\d{0,8} ", RegexOptions.CultureInvariant)]
    private static partial Regex Count();

    private static string Listed(IEnumerable<string> names, string index) => string.Join(", ", names.Select(name => $"{name}[{index}]"));
}
