using System.Globalization;
using System.Text.Json;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export.Onnx;

namespace ToyPipeline.Export.Import;

/// <summary>Makes the experiment of an imported model: its own where the file carries it, else one cell with what is known of it.</summary>
internal static class ImportedExperiment
{
    private const string File = "toy import";

    // Measures multiply weights with each other.
    private const float LargestWeight = 1e18f;

    // What the user gave of it, by key.
    private static readonly (string Key, string Option)[] s_options =
    [
        ("data.density", "--density"), ("importance.decay", "--importance"), ("importance.values", "--importance"), ("name", "--name"),
        ("evaluation.samples", "--samples"), ("model.features", "the number of features"), ("model.hidden", "the number of hidden dimensions"),
    ];

    /// <summary>The experiment of a model.</summary>
    /// <param name="model">What was read.</param>
    /// <param name="dataset">The dataset to evaluate on; null to draw one.</param>
    /// <param name="options">What the user says.</param>
    /// <exception cref="InvalidInputException">Options, model and dataset do not fit each other.</exception>
    public static Experiment Of(ImportedModel model, ImportedDataset? dataset, ImportOptions options)
    {
        if (options.Samples < 1)
            throw new InvalidInputException($"--samples is {options.Samples}; allowed: at least 1, for an imported model has no loss but that on samples.");
        if (model.Weights is { } all && ((float[]?[])[all.W, all.W2, all.B]).SelectMany(values => values ?? []).FirstOrDefault(value => Math.Abs(value) > LargestWeight) is not 0 and var large)
            throw new InvalidInputException($"{model.FileName} has a weight of {large}; allowed: up to {LargestWeight} in size, for measures multiply weights with each other.");
        if (dataset is not null && dataset.Data.Density.Count != model.Features)
            throw new InvalidInputException($"The dataset has {dataset.Data.Density.Count} features where {model.FileName} takes {model.Features}; give the dataset of this model with --data.");
        if (dataset is not null && options.Samples is not null)
            throw new InvalidInputException($"--samples stands beside --data, which has {dataset.Samples} samples; leave one out.");
        string title = $"Imported from {model.FileName}";
        string description = $"{model.FileName}, SHA-256 {model.Sha256}. {model.Note}".TrimEnd();
        var origin = model.Weights is { Experiment.Length: > 0 } weights ? Origin(weights) : null;
        bool plain = dataset is null && options.Density is null && options.Importance is null && options.Samples is null;
        if (plain && origin is not null && IsWhole(origin, model.Weights!))
            return origin.Renamed(options.Name, title, description);

        var spec = origin is null ? null : CellOf(origin, model.Weights!);
        int n = model.Features;
        var text = new Dictionary<string, object>
        {
            ["name"] = options.Name,
            ["title"] = title,
            ["description"] = description,
            ["seed"] = (dataset?.Seed ?? 0).ToString(CultureInfo.InvariantCulture),
            ["model"] = new Dictionary<string, object> { ["kind"] = ModelGraph.Name(model.Kind), ["features"] = n, ["hidden"] = model.Hidden },
            ["data"] = Data(dataset?.Data ?? spec?.Data, options, model),
            ["importance"] = Importance(spec?.Importance, options),
            ["replicas"] = model.Instances,
            ["evaluation"] = new Dictionary<string, object> { ["samples"] = dataset?.Samples ?? options.Samples ?? origin?.Evaluation.Samples ?? 100_000 },
        };
        // JSON is YAML, and quotes what must be quoted.
        return Parse(JsonSerializer.Serialize(text));
    }

    // The file is not the user's: errors name what the user gave.
    private static Experiment Parse(string text)
    {
        const string where = $"{File}:1: ";
        try
        {
            return Experiment.Parse(text, File);
        }
        catch (InvalidInputException e) when (e.Message.StartsWith(where, StringComparison.Ordinal))
        {
            string what = e.Message[where.Length..];
            var (key, option) = Array.Find(s_options, pair => what.StartsWith(pair.Key, StringComparison.Ordinal));
            throw new InvalidInputException(key is null ? what : option + what[key.Length..], e);
        }
    }

    // The experiment that a file of ours carries; a text that is none is no reason to refuse the weights.
    private static Experiment? Origin(EnsembleWeights weights)
    {
        try
        {
            return Experiment.Parse(weights.Experiment, File);
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }

    private static bool IsWhole(Experiment origin, EnsembleWeights weights)
    {
        var packs = new Grid(origin).Packs();
        return packs is [var pack] && pack.Model == new ModelSpec(weights.Kind, weights.Features, weights.Hidden)
            && pack.Instances.Select(instance => instance.Index).SequenceEqual(weights.Instances.Select(instance => instance.Index));
    }

    // The cell that all instances belong to; null where there are several.
    private static CellSpec? CellOf(Experiment origin, EnsembleWeights weights)
    {
        var coordinates = weights.Instances[0].Cell.Coordinates;
        if (!weights.Instances.All(instance => instance.Cell.Coordinates.SequenceEqual(coordinates)))
            return null;
        try
        {
            var spec = origin.Spec(coordinates);
            return spec.Model.Features == weights.Features ? spec : null;
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }

    private static Dictionary<string, object> Data(DataSpec? known, ImportOptions options, ImportedModel model)
    {
        var density = options.Density ?? known?.Density ?? [1.0];
        if (density.Count != 1 && density.Count != model.Features)
            throw new InvalidInputException($"--density has {density.Count} numbers for {model.Features} features; write one, or one a feature.");
        var range = known?.Range ?? (model.Kind == ModelKind.AbsoluteValue ? ValueRange.Signed : ValueRange.Unit);
        return new Dictionary<string, object>
        {
            ["density"] = density.Count == 1 ? density[0] : density,
            ["values"] = range == ValueRange.Signed ? "signed" : "unit",
            ["sets"] = (options.Density is null ? known?.Sets ?? [] : []).Select(set => new Dictionary<string, object>
            {
                [set.Kind == SetKind.Correlated ? "correlated" : "anticorrelated"] = set.Members,
                ["density"] = set.Density,
            }),
        };
    }

    private static Dictionary<string, object> Importance(IReadOnlyList<double>? known, ImportOptions options) => (options.Importance, known) switch
    {
        ([var decay], _) => new() { ["decay"] = decay },
        ({ } values, _) => new() { ["values"] = values },
        (null, { } values) => new() { ["values"] = values },
        _ => new() { ["decay"] = 1 },
    };
}
