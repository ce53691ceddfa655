using System.Security.Cryptography;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export.Onnx;

namespace ToyPipeline.Export.Import;

/// <summary>A model that was trained elsewhere, read and checked: its weights, or a graph that is none of the four kinds.</summary>
public sealed class ImportedModel
{
    private ImportedModel(string path, EnsembleWeights? weights, EvaluableGraph? graph, ModelKind kind, string note)
    {
        FileName = Path.GetFileName(path);
        using var stream = File.OpenRead(path);
        Sha256 = Convert.ToHexStringLower(SHA256.HashData(stream));
        (Weights, Graph, Kind, Note) = (weights, graph, kind, note);
    }

    /// <summary>Name of its file, without folders.</summary>
    public string FileName { get; }

    /// <summary>SHA-256 of its file, lowercase hexadecimal.</summary>
    public string Sha256 { get; }

    /// <summary>Its weights; null where it is none of the four kinds.</summary>
    public EnsembleWeights? Weights { get; }

    /// <summary>The graph, where it is none of the four kinds; else null.</summary>
    public EvaluableGraph? Graph { get; }

    /// <summary>Architecture; of a graph that is none of the four kinds the one whose target it is measured against.</summary>
    public ModelKind Kind { get; }

    /// <summary>What a reader of the report should know of how it was read: sentences, or nothing.</summary>
    public string Note { get; }

    /// <summary>n.</summary>
    public int Features => Weights?.Features ?? Graph!.Features;

    /// <summary>m; of a graph that is none of the four kinds n, for want of anything better.</summary>
    public int Hidden => Weights?.Hidden ?? Graph!.Features;

    /// <summary>Number of instances.</summary>
    public int Instances => Weights?.Instances.Count ?? Graph!.Instances;

    /// <summary>Reads an ONNX file.</summary>
    /// <inheritdoc cref="ModelReader.Open(string)" path="/exception"/>
    public static ImportedModel FromOnnx(string path, ImportOptions options)
    {
        if (options.Map.Count > 0 || options.Layout is not null)
            throw new InvalidInputException($"--map and --layout are for tensors by name; what {path} computes is seen from its graph: leave them out.");
        var content = ModelReader.Open(path);
        if (content.Weights is not { } weights)
        {
            var graph = content.Graph!;
            if (graph.Instances > 1)
                throw new InvalidInputException($"{path} cannot be read as a toy model: {graph.Why}; only a single model is measured on its outputs, so export one instance.");
            return new ImportedModel(path, null, graph, options.Kind ?? ModelKind.ReluOutput, $"Its graph is measured on its outputs alone: {graph.Why}.");
        }

        if (options.Kind is { } kind && kind != weights.Kind)
            throw new InvalidInputException($"--kind is {ModelGraph.Name(kind)}, and the graph of {path} computes {ModelGraph.Name(weights.Kind)}: leave it out.");
        return new ImportedModel(path, weights, null, weights.Kind, content.Folded ? "The graph holds only G; W is one of those with W·Wᵀ = G, up to a rotation of the hidden dimensions." : "");
    }

    /// <summary>Reads a safetensors file.</summary>
    /// <exception cref="InvalidInputException">The file is missing or damaged, or its tensors make no toy model.</exception>
    public static ImportedModel FromSafetensors(string path, ImportOptions options)
    {
        var file = Safetensors.Load(path);
        return FromTensors(new NamedTensors(file.Tensors, file.Metadata, null), path, options);
    }

    /// <summary>Takes named tensors, of a file that was read elsewhere.</summary>
    /// <exception cref="InvalidInputException">They make no toy model.</exception>
    public static ImportedModel FromTensors(NamedTensors content, string path, ImportOptions options)
    {
        var model = TensorMapping.Map(content, options, path);
        var listed = content.Metadata.TryGetValue("instances", out string? json) ? InstancesJson.Read(json, path) : [];
        var weights = new EnsembleWeights
        {
            Kind = model.Kind,
            Features = model.Features,
            Hidden = model.Hidden,
            Instances = listed.Count == model.Instances ? listed : [.. Enumerable.Range(0, model.Instances).Select(i => new Instance(i, new Cell(0, []), i, 0))],
            W = model.W,
            W2 = model.W2,
            B = model.B,
            Experiment = content.Metadata.GetValueOrDefault("experiment", ""),
        };
        bool assumed = options.Kind is null && content.Forward is null && !content.Metadata.ContainsKey("kind");
        return new ImportedModel(path, weights, null, model.Kind, assumed ? $"The file does not say what its tensors compute: the kind {ModelGraph.Name(model.Kind)} is assumed (--kind)." : "");
    }
}
