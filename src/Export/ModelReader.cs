using Google.Protobuf;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export.Onnx;

namespace ToyPipeline.Export;

/// <summary>Reads the weights of a toy model back from an ONNX file, of one instance or of a pack.</summary>
/// <remarks>
/// The file is treated as hostile: its length, nesting, shapes and values are checked, and no other file is ever opened
/// (external data is refused). What is not interpreted is ignored, never executed.
/// </remarks>
public static class ModelReader
{
    // The schema nests seven deep (model, graph, input, type, tensor, shape, dimension); unknown groups count too.
    private const int MaxNesting = 16;

    // Every spelling that is understood, tried in turn: a new one is a new function here.
    private static readonly Func<OnnxGraph, RecoveredModel?>[] s_spellings = [OwnSpelling.Recognise];

    /// <summary>Reads and checks a file.</summary>
    /// <returns>
    /// The weights; an instance's file gives one instance. Instances and experiment come from the file's metadata; where it has
    /// none, instances are numbered from 0 and the experiment is empty.
    /// </returns>
    /// <exception cref="InvalidInputException">The file is missing, damaged, or no toy model that can be read.</exception>
    public static EnsembleWeights Load(string path)
    {
        if (!File.Exists(path))
            throw new InvalidInputException($"{path} does not exist: check the path, or export the model again.");
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            return Load(stream, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message} Check the file and its permissions.", e);
        }
    }

    /// <summary>Reads and checks a file's bytes from a seekable stream; <paramref name="name"/> is what errors call it.</summary>
    /// <inheritdoc cref="Load(string)" path="/returns"/>
    /// <exception cref="InvalidInputException">The bytes are damaged, or no toy model that can be read.</exception>
    public static EnsembleWeights Load(Stream stream, string name)
    {
        var model = Parse(stream, name);
        if (model.Graph is null)
            throw new InvalidInputException($"{name} is no ONNX model: it has no graph; export it again.");
        var graph = new OnnxGraph(model, name);
        var recovered = s_spellings.Select(recognise => recognise(graph)).FirstOrDefault(found => found is not null)
            ?? throw graph.Error(
                $"its graph ({graph.Description}) is not the forward pass of a toy model as ToyPipeline writes it",
                "export it with `toy export`, or pass W and b as safetensors");
        return WithMetadata(recovered, graph);
    }

    private static ModelProto Parse(Stream stream, string name)
    {
        long length = stream.Length - stream.Position;
        if (length > int.MaxValue)
            throw new InvalidInputException($"{name} has {length} bytes, more than an ONNX file can have: check that it is one.");
        try
        {
            using var coded = CodedInputStream.CreateWithLimits(stream, int.MaxValue, MaxNesting);
            return ModelProto.Parser.ParseFrom(coded);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidInputException($"{name} is no usable ONNX file, it may be truncated: {e.Message} Export it again.", e);
        }
    }

    private static EnsembleWeights WithMetadata(RecoveredModel model, OnnxGraph graph)
    {
        string kind = ModelGraph.Name(model.Kind);
        if (graph.Metadata.TryGetValue("kind", out string? stated) && stated != kind)
            throw graph.Error($"its metadata says kind {stated} and its graph computes {kind}", "export it again");
        var instances = graph.Metadata.TryGetValue("instances", out string? json)
            ? InstancesJson.Read(json, graph.File)
            : [.. Enumerable.Range(0, model.Instances).Select(i => new Instance(i, new Cell(i, []), 0, 0))];
        if (instances.Count != model.Instances)
            throw graph.Error($"its metadata lists {instances.Count} instances and its weights hold {model.Instances}", "export it again");
        return new EnsembleWeights
        {
            Kind = model.Kind,
            Features = model.Features,
            Hidden = model.Hidden,
            Instances = instances,
            W = model.W,
            W2 = model.W2,
            B = model.B,
            Experiment = graph.Metadata.GetValueOrDefault("experiment", ""),
        };
    }
}
