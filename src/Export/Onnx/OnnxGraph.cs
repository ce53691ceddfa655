using ToyPipeline.Core;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Export.Onnx;

/// <summary>A parsed model whose parts are checked as they are asked for. Every error names the file.</summary>
internal sealed class OnnxGraph
{
    private readonly Dictionary<string, TensorProto> _initializers = new(StringComparer.Ordinal);

    public OnnxGraph(ModelProto model, string file)
    {
        File = file;
        Nodes = model.Graph.Node;
        Inputs = model.Graph.Input;
        Outputs = model.Graph.Output;
        foreach (var import in model.OpsetImport.Where(import => import.Domain is "" or "ai.onnx"))
            Opset = Opset is null ? import.Version : throw Error("it states the version of its operators twice", "export it again");
        foreach (var tensor in model.Graph.Initializer)
        {
            if (!_initializers.TryAdd(tensor.Name, tensor))
                throw Error($"it has two initializers named {Shown.Name(tensor.Name)}", "export it again");
        }

        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var property in model.MetadataProps)
        {
            if (!metadata.TryAdd(property.Key, property.Value))
                throw Error($"it has two metadata properties named {Shown.Name(property.Key)}", "export it again");
        }

        Metadata = metadata;
    }

    /// <summary>The file as errors name it.</summary>
    public string File { get; }

    /// <summary>Version of the standard operators; null where none is stated.</summary>
    public long? Opset { get; }

    public IReadOnlyList<NodeProto> Nodes { get; }

    public IReadOnlyList<ValueInfoProto> Inputs { get; }

    public IReadOnlyList<ValueInfoProto> Outputs { get; }

    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The first operators and the opset, for messages.</summary>
    public string Description =>
        $"opset {Opset?.ToString() ?? "unknown"}, {Nodes.Count} nodes: "
        + string.Join(", ", Nodes.Take(8).Select(node => Shown.Name(node.OpType))) + (Nodes.Count > 8 ? ", ..." : "");

    public InvalidInputException Error(string what, string advice) => new($"{File} cannot be read as a toy model: {what}; {advice}.");

    /// <summary>Refuses initializers beyond <paramref name="names"/>.</summary>
    public void RequireOnly(ReadOnlySpan<string> names)
    {
        foreach (string name in _initializers.Keys)
        {
            if (!names.Contains(name))
                throw Error($"it has an initializer {Shown.Name(name)} that its graph does not use", "export it again");
        }
    }

    /// <summary>An initializer of exactly <paramref name="shape"/>.</summary>
    public Tensor Tensor(string name, ReadOnlySpan<int> shape)
    {
        var tensor = Tensor(name, shape.Length);
        return tensor.Shape.SequenceEqual(shape.ToArray())
            ? tensor
            : throw Error($"{name} has the shape [{string.Join(", ", tensor.Shape)}] where [{string.Join(", ", shape.ToArray())}] is expected", "export it again");
    }

    /// <summary>An initializer with <paramref name="rank"/> axes, all sizes at least 1, all values finite.</summary>
    public Tensor Tensor(string name, int rank)
    {
        if (!_initializers.TryGetValue(name, out var proto))
            throw Error($"it has no initializer {name}", "export it with its weights inside");
        var value = TensorReader.Read(proto, Error);
        if (value.Shape.Length != rank || value.Shape.Contains(0) || value.Integer)
            throw Error($"{name} has the shape [{Shown.Sizes(proto.Dims)}] where {rank} sizes of at least 1 are expected", "export it again");
        float[] values = Array.ConvertAll(value.Data, number => (float)number);
        return Array.TrueForAll(values, float.IsFinite)
            ? new Tensor(value.Shape, values)
            : throw Error($"{name} has values beyond float32", "train again, and check the learning rate");
    }

    public bool HasInitializer(string name) => _initializers.ContainsKey(name);

    /// <summary>All initializers by name.</summary>
    /// <exception cref="InvalidInputException">One is damaged.</exception>
    public Dictionary<string, Value> Constants() => _initializers.ToDictionary(pair => pair.Key, pair => TensorReader.Read(pair.Value, Error));

    /// <summary>Requires the values to be float tensors with these names and sizes after the batch dimension, in any order.</summary>
    public void RequireValues(string role, IReadOnlyList<ValueInfoProto> values, params ReadOnlySpan<(string Name, string[] Sizes)> expected)
    {
        if (values.Count != expected.Length)
            throw Error($"it has {values.Count} {role}s where {expected.Length} are expected", "export it again");
        foreach (var (name, sizes) in expected)
        {
            var tensor = values.FirstOrDefault(value => value.Name == name)?.Type?.TensorType
                ?? throw Error($"it has no {role} tensor {name}", "export it again");
            var dims = tensor.Shape?.Dim.Select(Size).ToArray() ?? [];
            if (tensor.ElemType != (int)TensorProto.Types.DataType.Float || dims.Length == 0 || !dims.Skip(1).SequenceEqual(sizes))
                throw Error($"its {role} {name} has the shape [{string.Join(", ", dims.Take(8))}] where float32 [batch, {string.Join(", ", sizes)}] is expected", "export it again");
        }
    }

    private static string Size(TensorShapeProto.Types.Dimension dim) => dim.ValueCase switch
    {
        TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue => $"{dim.DimValue}",
        TensorShapeProto.Types.Dimension.ValueOneofCase.DimParam => Shown.Name(dim.DimParam),
        _ => "?",
    };
}
