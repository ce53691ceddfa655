using Google.Protobuf;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export.Onnx;
using static ToyPipeline.Export.Tests.GraphBuilder;
using Types = ToyPipeline.Export.Onnx.TensorProto.Types.DataType;

namespace ToyPipeline.Export.Tests;

/// <summary>Models as others spell them: the weights are found by what the graph computes.</summary>
public class ForeignGraphTests
{
    private const int N = 5, M = 2;

    [Test]
    public void Linear_layers_are_read_in_every_number_type_raw_and_typed(
        [Values] ModelKind kind, [Values("Float", "Double", "Float16", "Bfloat16")] string typeName, [Values] bool raw, [Values(11, 13, 21)] int opset)
    {
        var type = Enum.Parse<Types>(typeName);
        var weights = Rounded(kind, type);
        var graph = new GraphBuilder(opset, 0, N);
        graph.Model.Graph.Input[0].Type.TensorType.ElemType = (int)type;
        string encoder = graph.Initializer("encoder.weight", [M, N], Turned(weights.W, N, M), type, raw);
        string decoder = graph.Initializer("decoder.weight", [N, M], Doubles(weights.W2 ?? weights.W), type, raw);
        string bias = graph.Initializer("decoder.bias", [N], Doubles(weights.B), type, raw);
        string h = graph.Node("MatMul", ["x", graph.Node("Transpose", [encoder], Integers("perm", 1, 0))]);
        if (kind is ModelKind.ReluHidden or ModelKind.AbsoluteValue)
            h = graph.Node("Relu", [h]);
        string z = graph.Node("Gemm", [h, decoder, bias], Integer("transB", 1));
        AssertSame(weights, Load(graph.Bytes(kind == ModelKind.Linear ? z : graph.Node("Relu", [z]))));
    }

    [Test]
    public void Constants_and_chains_that_change_nothing_are_seen_through()
    {
        var weights = Rounded(ModelKind.ReluOutput, Types.Float16);
        var graph = new GraphBuilder(18, 0, N);
        string half = graph.Constant([N, M], Doubles(weights.W), Types.Float16, raw: false);
        string w = graph.Node("Identity", [graph.Node("Cast", [half], Integer("to", (long)Types.Float))]);
        string b = graph.Node("Reshape", [graph.Constant([1, N, 1], Doubles(weights.B)), graph.Constant([1], [-1], Types.Int64, raw: false)]);
        // x [batch, n] -> [batch, 1, n] and back, with the batch size taken from x itself.
        string x = graph.Node("Unsqueeze", ["x", graph.Initializer("axes", [1], [1], Types.Int64)]);
        string h = graph.Node("MatMul", [x, w]);
        string z = graph.Node("Add", [graph.Node("MatMul", [h, graph.Node("Transpose", [w])]), b]);
        string size = graph.Node("Gather", [graph.Node("Shape", ["x"]), graph.Constant([1], [0], Types.Int64)], Integer("axis", 0));
        string shape = graph.Node("Concat", [size, graph.Constant([1], [N], Types.Int64)], Integer("axis", 0));
        string flat = graph.Node("Reshape", [z, shape]);
        string y = graph.Node("Max", [graph.Node("Dropout", [flat]), graph.Constant([], [0])]);
        AssertSame(weights, Load(graph.Bytes(y)));
    }

    [Test]
    public void Columns_instead_of_rows_and_a_fixed_batch_are_read([Values(2, 5, 7)] int batch)
    {
        var weights = Rounded(ModelKind.ReluHidden, Types.Float);
        var graph = new GraphBuilder(13, batch, N);
        string w = graph.Initializer("W", [N, M], Doubles(weights.W));
        string b = graph.Initializer("b", [N, 1], Doubles(weights.B));
        string h = graph.Node("Relu", [graph.Node("Gemm", [w, graph.Node("Transpose", ["x"])], Integer("transA", 1))]);
        string z = graph.Node("Add", [graph.Node("MatMul", [w, h]), b]);
        AssertSame(weights, Load(graph.Bytes(graph.Node("Transpose", [graph.Node("Relu", [z])]))));
    }

    [TestCase("...if,ifh->...ih", "...ih,ifh->...if")]
    [TestCase("bif,ifh->bih", "bih,ifh->bif")]
    [TestCase("bif,ifh->hbi", "hbi,ifh->bif")]
    public void Instances_side_by_side_are_read(string encode, string decode)
    {
        var weights = TestWeights.Random(ModelKind.ReluOutput, 3, N, M);
        var graph = new GraphBuilder(17, 0, 3, N);
        static AttributeProto Equation(string text) => new() { Name = "equation", Type = AttributeProto.Types.AttributeType.String, S = ByteString.CopyFromUtf8(text) };
        string w = graph.Initializer("W", [3, N, M], Doubles(weights.W));
        string b = graph.Initializer("b_final", [3, N], Doubles(weights.B));
        string h = graph.Node("Einsum", ["x", w], Equation(encode));
        string z = graph.Node("Add", [graph.Node("Einsum", [h, w], Equation(decode)), b]);
        AssertSame(weights, Load(graph.Bytes(graph.Node("Relu", [z]))));
    }

    [Test]
    public void Functions_of_the_file_are_written_out()
    {
        var weights = Rounded(ModelKind.ReluOutput, Types.Float);
        var graph = new GraphBuilder(18, 0, N);
        NodeProto Call(string type, string[] inputs, string output) => new() { OpType = type, Domain = "pkg.torch", Input = { inputs }, Output = { output } };
        graph.Model.Functions.Add(new FunctionProto
        {
            Name = "aten_t",
            Domain = "pkg.torch",
            Input = { "self" },
            Output = { "result" },
            Node = { new NodeProto { OpType = "Transpose", Input = { "self" }, Output = { "result" }, Attribute = { Integers("perm", 1, 0) } } },
        });
        graph.Model.Functions.Add(new FunctionProto
        {
            Name = "layer",
            Domain = "pkg.torch",
            Input = { "x", "w", "b" },
            Output = { "y" },
            Node =
            {
                Call("aten_t", ["w"], "turned"),
                new NodeProto { OpType = "MatMul", Input = { "x", "turned" }, Output = { "product" } },
                new NodeProto { OpType = "Add", Input = { "product", "b" }, Output = { "y" } },
            },
        });
        string w = graph.Initializer("W", [N, M], Doubles(weights.W));
        string b = graph.Initializer("b", [N], Doubles(weights.B));
        string h = graph.Node("MatMul", ["x", w]);
        graph.Model.Graph.Node.Add(Call("layer", [h, w, b], "z"));
        AssertSame(weights, Load(graph.Bytes(graph.Node("Relu", ["z"]))));
    }

    [Test]
    public void Weights_multiplied_into_G_give_a_W_with_the_same_G()
    {
        var weights = Rounded(ModelKind.ReluOutput, Types.Float);
        double[] g = Gram(weights);
        var graph = new GraphBuilder(13, 0, N);
        string z = graph.Node("Gemm", ["x", graph.Initializer("G", [N, N], g), graph.Initializer("b", [N], Doubles(weights.B))]);
        var content = ModelReader.Open(new MemoryStream(graph.Bytes(graph.Node("Relu", [z]))), "test.onnx");
        Assert.That(content.Folded, Is.True);
        Assert.That((content.Weights!.Kind, content.Weights.Hidden), Is.EqualTo((ModelKind.ReluOutput, M)));
        Assert.That(content.Weights.B, Is.EqualTo(weights.B));
        Assert.That(Gram(content.Weights), Is.EqualTo(g).Within(1e-6));
    }

    [Test]
    public void Another_graph_is_told_apart_and_can_still_be_evaluated([Values("Sigmoid", "Tanh", "LeakyRelu")] string activation)
    {
        var weights = Rounded(ModelKind.ReluOutput, Types.Float);
        var graph = new GraphBuilder(13, 0, N);
        string w = graph.Initializer("W", [N, M], Doubles(weights.W));
        string h = graph.Node(activation, [graph.Node("MatMul", ["x", w])]);
        byte[] bytes = graph.Bytes(graph.Node("Relu", [graph.Node("MatMul", [h, graph.Node("Transpose", [w])])]));
        var other = ModelReader.Open(new MemoryStream(bytes), "test.onnx").Graph!;
        Assert.That((other.Features, other.Instances, other.Output), Is.EqualTo((N, 1, "v4")));
        Assert.That(other.Why, Does.Contain("none of the four kinds"));
        Assert.That(() => Load(bytes), Throws.TypeOf<InvalidInputException>().With.Message.Contains("on its outputs"));
    }

    [Test]
    public void A_bias_of_the_hidden_values_and_a_decoder_of_its_own_are_named([Values] bool bias)
    {
        var weights = TestWeights.Random(ModelKind.AbsoluteValue, 1, N, M);
        var graph = new GraphBuilder(13, 0, N);
        string h = graph.Node("MatMul", ["x", graph.Initializer("W1", [N, M], Doubles(weights.W))]);
        if (bias)
            h = graph.Node("Relu", [graph.Node("Add", [h, graph.Initializer("c", [M], [0.5, 0])])]);
        string z = graph.Node("Gemm", [h, graph.Initializer("W2", [N, M], Doubles(weights.W2!))], Integer("transB", 1));
        var other = ModelReader.Open(new MemoryStream(graph.Bytes(graph.Node("Relu", [z]))), "test.onnx").Graph!;
        Assert.That(other.Why, Does.Contain(bias ? "its hidden values have a bias" : "its decoder is not its encoder transposed"));
    }

    internal static double[] Gram(EnsembleWeights weights) =>
        [.. from i in Enumerable.Range(0, weights.Features)
            from j in Enumerable.Range(0, weights.Features)
            select Enumerable.Range(0, weights.Hidden).Sum(k => (double)weights.W[(i * weights.Hidden) + k] * weights.W[(j * weights.Hidden) + k])];

    // Values that the number type holds exactly.
    private static EnsembleWeights Rounded(ModelKind kind, Types type)
    {
        var weights = TestWeights.Random(kind, 1, N, M);
        float Round(float value) => type switch
        {
            Types.Float16 => (float)(Half)value,
            Types.Bfloat16 => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(value) & ~0xffff),
            _ => value,
        };
        return weights with { W = Array.ConvertAll(weights.W, Round), W2 = weights.W2 is null ? null : Array.ConvertAll(weights.W2, Round), B = Array.ConvertAll(weights.B, Round) };
    }

    private static IEnumerable<double> Doubles(float[] values) => values.Select(value => (double)value);

    private static void AssertSame(EnsembleWeights expected, EnsembleWeights actual)
    {
        Assert.That((actual.Kind, actual.Features, actual.Hidden, actual.Instances.Count), Is.EqualTo((expected.Kind, expected.Features, expected.Hidden, expected.Instances.Count)));
        Assert.That(actual.W, Is.EqualTo(expected.W));
        if (expected.W2 is not null)
            Assert.That(actual.W2, Is.EqualTo(expected.W2).Within(1e-6f));
        Assert.That(actual.B, Is.EqualTo(expected.B));
    }
}
