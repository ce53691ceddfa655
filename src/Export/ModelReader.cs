using System.Globalization;
using Google.Protobuf;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export.Onnx;

namespace ToyPipeline.Export;

/// <summary>What an ONNX file turned out to be.</summary>
/// <param name="Weights">Its weights, where its graph computes one of the four kinds of toy model; else null.</param>
/// <param name="Folded">Whether the graph held only <c>G = W·Wᵀ</c>, and W is one of those that give it.</param>
/// <param name="Graph">The graph, where it computes none of the four kinds, and can be evaluated all the same; else null.</param>
public sealed record OnnxContent(EnsembleWeights? Weights, bool Folded, EvaluableGraph? Graph);

/// <summary>A graph that is no toy model, and that a runtime can be given: it was followed, in bounded time and memory.</summary>
/// <param name="Why">Why it is none of the four kinds, as a clause.</param>
/// <param name="Features">n, the number of values of a sample and of an output.</param>
/// <param name="Instances">Models side by side; 1 of a single model.</param>
/// <param name="Output">Name of the output that is taken for the reconstruction.</param>
/// <param name="Model">
/// The file's bytes with all values inside. Metadata: <c>reconstruction</c> (that output) and <c>sample_values</c> (values of the largest
/// tensor that a sample makes on its way, by which a runtime's batch is bounded).
/// </param>
public sealed record EvaluableGraph(string Why, int Features, int Instances, string Output, ReadOnlyMemory<byte> Model);

/// <summary>Reads the weights of a toy model from an ONNX file of one instance or of a pack, whoever wrote it.</summary>
/// <remarks>
/// The file is treated as hostile: its length, nesting, shapes and values are checked, following its graph has a budget of arithmetic and
/// memory, and no file is opened but those in its own folder that its weights name. What is not interpreted is ignored, never executed.
/// </remarks>
public static class ModelReader
{
    // The schema nests seven deep (model, graph, input, type, tensor, shape, dimension); unknown groups count too.
    private const int MaxNesting = 16;

    /// <summary>Reads and checks the weights of a file.</summary>
    /// <returns>
    /// The weights; an instance's file gives one instance. Instances and experiment come from the file's metadata; where it has
    /// none, instances are numbered from 0 and the experiment is empty.
    /// </returns>
    /// <exception cref="InvalidInputException">The file is missing, damaged, or no toy model that can be read.</exception>
    public static EnsembleWeights Load(string path) => RequireWeights(Open(path), path);

    /// <summary>Reads and checks a file's bytes from a seekable stream; <paramref name="name"/> is what errors call it. No other file is opened.</summary>
    /// <inheritdoc cref="Load(string)" path="/returns"/>
    /// <exception cref="InvalidInputException">The bytes are damaged, or no toy model that can be read.</exception>
    public static EnsembleWeights Load(Stream stream, string name) => RequireWeights(Open(stream, name), name);

    /// <summary>Reads and checks a file, whether it is a toy model or another graph that can be evaluated.</summary>
    /// <exception cref="InvalidInputException">The file is missing, damaged, or a graph that cannot be followed.</exception>
    public static OnnxContent Open(string path)
    {
        if (!File.Exists(path))
            throw new InvalidInputException($"{path} does not exist: check the path, or export the model again.");
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            var model = Parse(stream, path);
            ExternalData.BringIn(model, path);
            return Read(model, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message} Check the file and its permissions.", e);
        }
    }

    /// <summary>Reads and checks a file's bytes, as <see cref="Open(string)"/> does. No other file is opened.</summary>
    /// <exception cref="InvalidInputException">The bytes are damaged, or a graph that cannot be followed.</exception>
    public static OnnxContent Open(Stream stream, string name) => Read(Parse(stream, name), name);

    private static OnnxContent Read(ModelProto model, string name)
    {
        if (model.Graph is null)
            throw new InvalidInputException($"{name} is no ONNX model: it has no graph; export it again.");
        var graph = new OnnxGraph(model, name);
        if (OwnSpelling.Recognise(graph) is { } own)
            return new OnnxContent(WithMetadata(own, graph), false, null);
        if (ExternalData.Remains(model))
            throw graph.Error("it has values in another file or in a sparse form, which are not read", "save it with the weights inside (onnx.save(..., save_as_external_data=False))");
        GraphRecogniser recogniser;
        string output;
        try
        {
            recogniser = GraphRecogniser.Follow(model, graph);
            output = recogniser.Reconstruction(graph.Outputs);
        }
        catch (NotFollowedException e)
        {
            throw graph.Error($"{e.Message} ({graph.Description})", "pass its weights as safetensors");
        }

        try
        {
            var found = recogniser.Recognise(output);
            return new OnnxContent(WithMetadata(found, graph), found.Folded, null);
        }
        catch (NotFollowedException e)
        {
            var face = recogniser.Face;
            State(model, "reconstruction", output);
            State(model, "sample_values", recogniser.Largest.ToString(CultureInfo.InvariantCulture));
            return new OnnxContent(null, false, new EvaluableGraph(e.Message, face.Features, face.Instances, output, model.ToByteArray()));
        }
    }

    private static void State(ModelProto model, string key, string value)
    {
        if (model.MetadataProps.FirstOrDefault(property => property.Key == key) is { } old)
            model.MetadataProps.Remove(old);
        model.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
    }

    private static EnsembleWeights RequireWeights(OnnxContent content, string name) =>
        content.Weights ?? throw new InvalidInputException(
            $"{name} cannot be read as a toy model: {content.Graph!.Why}; `toy import` measures it on its outputs, or pass W and b as safetensors.");

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
