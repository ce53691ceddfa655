using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Export.Onnx;

/// <summary>How a model lies in its file.</summary>
internal enum ModelLayout
{
    /// <summary>One instance: <c>x [batch, features]</c>.</summary>
    Instance,

    /// <summary>All instances of a pack: <c>x [batch, instances, features]</c>.</summary>
    Ensemble,
}

/// <summary>The operators that spell out each model kind. The writer writes them, and the reader knows its own by them.</summary>
internal static class ModelGraph
{
    public const string Input = "x";
    public const string Reconstruction = "reconstruction";
    public const string Hidden = "hidden";
    public const string Preactivation = "preactivation";
    public const string Bias = "b";

    /// <summary>Name of the encoder's initializer.</summary>
    public static string Encoder(ModelKind kind) => kind == ModelKind.AbsoluteValue ? "W1" : "W";

    /// <summary>Name of the decoder's initializer: the encoder's where they are tied.</summary>
    public static string Decoder(ModelKind kind) => kind == ModelKind.AbsoluteValue ? "W2" : "W";

    /// <summary>The kind as experiment files spell it.</summary>
    public static string Name(ModelKind kind) => kind switch
    {
        ModelKind.Linear => "linear",
        ModelKind.ReluOutput => "relu-output",
        ModelKind.ReluHidden => "relu-hidden",
        ModelKind.AbsoluteValue => "absolute-value",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "This is no model kind."),
    };

    /// <summary>The kind of that name; null where there is none.</summary>
    public static ModelKind? Kind(string name) => Enum.GetValues<ModelKind>().Cast<ModelKind?>().FirstOrDefault(kind => Name(kind!.Value) == name);

    /// <summary>The kind's forward pass as a formula.</summary>
    public static string Formula(ModelKind kind) => kind switch
    {
        ModelKind.Linear => "h = Wᵀx, x' = W h + b",
        ModelKind.ReluOutput => "h = Wᵀx, x' = ReLU(W h + b)",
        ModelKind.ReluHidden => "h = ReLU(Wᵀx), x' = ReLU(W h + b)",
        ModelKind.AbsoluteValue => "h = ReLU(W1ᵀx), y = ReLU(W2 h + b)",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "This is no model kind."),
    };

    /// <summary>The nodes in the order of the data flow.</summary>
    public static IReadOnlyList<NodeProto> Nodes(ModelKind kind, ModelLayout layout) =>
        layout == ModelLayout.Instance ? InstanceNodes(kind) : EnsembleNodes(kind);

    // Rows are samples: h = x·W, z = h·Wᵀ + b. Gemm reads W transposed, so that it is stored once.
    private static NodeProto[] InstanceNodes(ModelKind kind)
    {
        string encoded = HasHiddenRelu(kind) ? "encoded" : Hidden;
        return
        [
            Node("MatMul", "encode", [Input, Encoder(kind)], encoded),
            .. HasHiddenRelu(kind) ? [Node("Relu", "rectify_hidden", [encoded], Hidden)] : Array.Empty<NodeProto>(),
            Node("Gemm", "decode", [Hidden, Decoder(kind), Bias], Preactivation, Integer("transB", 1)),
            Activation(kind),
        ];
    }

    // MatMul wants the axis of the batch of matrices first: instances go to the front and back again. The transpose of W
    // is a constant to the runtime, which folds or fuses it when it loads the model. ONNX Runtime 1.31 runs this 1.2 to 2.3
    // times as fast as Einsum, and 1.7 to 9.5 times as fast as a MatMul that broadcasts over [batch, instances, 1, features].
    private static NodeProto[] EnsembleNodes(ModelKind kind)
    {
        string encoded = HasHiddenRelu(kind) ? "encoded_by_instance" : "hidden_by_instance";
        return
        [
            Node("Transpose", "instances_first", [Input], "x_by_instance", Integers("perm", 1, 0, 2)),
            Node("MatMul", "encode", ["x_by_instance", Encoder(kind)], encoded),
            .. HasHiddenRelu(kind) ? [Node("Relu", "rectify_hidden", [encoded], "hidden_by_instance")] : Array.Empty<NodeProto>(),
            Node("Transpose", "hidden_batch_first", ["hidden_by_instance"], Hidden, Integers("perm", 1, 0, 2)),
            Node("Transpose", "transpose_decoder", [Decoder(kind)], "decoder", Integers("perm", 0, 2, 1)),
            Node("MatMul", "decode", ["hidden_by_instance", "decoder"], "decoded_by_instance"),
            Node("Transpose", "decoded_batch_first", ["decoded_by_instance"], "decoded", Integers("perm", 1, 0, 2)),
            Node("Add", "add_bias", ["decoded", Bias], Preactivation),
            Activation(kind),
        ];
    }

    private static bool HasHiddenRelu(ModelKind kind) => kind is ModelKind.ReluHidden or ModelKind.AbsoluteValue;

    private static NodeProto Activation(ModelKind kind) => kind == ModelKind.Linear
        ? Node("Identity", "output", [Preactivation], Reconstruction)
        : Node("Relu", "output", [Preactivation], Reconstruction);

    private static NodeProto Node(string type, string name, string[] inputs, string output, params AttributeProto[] attributes) =>
        new() { OpType = type, Name = name, Input = { inputs }, Output = { output }, Attribute = { attributes } };

    private static AttributeProto Integer(string name, long value) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value };

    private static AttributeProto Integers(string name, params long[] values) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints, Ints = { values } };
}
