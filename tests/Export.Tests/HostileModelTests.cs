using System.Diagnostics;
using Google.Protobuf;
using ToyPipeline.Core;
using ToyPipeline.Export.Onnx;
using static ToyPipeline.Export.Tests.GraphBuilder;
using Types = ToyPipeline.Export.Onnx.TensorProto.Types.DataType;

namespace ToyPipeline.Export.Tests;

/// <summary>Files made to do harm: refused in one sentence, in bounded time and memory.</summary>
public class HostileModelTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);
    private const long Memory = 4L << 30;

    private static IEnumerable<TestCaseData> Hostile()
    {
        static TestCaseData Case(string name, string saying, Action<GraphBuilder> build) => new TestCaseData(build, saying).SetArgDisplayNames(name);
        yield return Case("a cycle", "a cycle", graph =>
        {
            graph.Model.Graph.Node.Add(new NodeProto { OpType = "Add", Input = { "x", "b" }, Output = { "a" } });
            graph.Model.Graph.Node.Add(new NodeProto { OpType = "Relu", Input = { "a" }, Output = { "b" } });
        });
        yield return Case("a node that feeds itself", "a cycle", graph => graph.Model.Graph.Node.Add(new NodeProto { OpType = "Relu", Input = { "y" }, Output = { "y" } }));
        yield return Case("a tensor of two billion values made of one number", "far larger than its weights", graph =>
            graph.Node("Add", ["x", graph.Node("ConstantOfShape", [graph.Constant([2], [1 << 20, 2000], Types.Int64)])]));
        yield return Case("an expansion", "far larger than its weights", graph =>
            graph.Node("Expand", ["x", graph.Constant([3], [1 << 20, 1, 4], Types.Int64)]));
        yield return Case("sizes that overflow", "far larger than its weights", graph =>
            graph.Node("Expand", ["x", graph.Constant([4], [int.MaxValue, int.MaxValue, int.MaxValue, 4], Types.Int64)]));
        yield return Case("a size of 0 before sizes that overflow", "far larger than its weights", graph =>
            graph.Node("ConstantOfShape", [graph.Constant([4], [0, int.MaxValue, int.MaxValue, int.MaxValue], Types.Int64)]));
        yield return Case("a negative size", "a size that is none", graph => graph.Node("Expand", ["x", graph.Constant([2], [-7, 4], Types.Int64)]));
        yield return Case("doublings", "far larger than its weights", graph =>
        {
            string wide = "x";
            for (int i = 0; i < 64; i++)
                wide = graph.Node("Concat", [wide, wide], Integer("axis", 1));
        });
        yield return Case("outer products", "far larger than its weights", graph =>
        {
            string wide = graph.Constant([2000, 1], new double[2000]);
            graph.Node("Add", ["x", graph.Node("MatMul", [wide, graph.Node("Transpose", [wide])])]);
        });
        yield return Case("a product without end", "more arithmetic", graph =>
        {
            string square = graph.Constant([1000, 1000], Enumerable.Repeat(1.0, 1_000_000));
            for (int i = 0; i < 50; i++)
                square = graph.Node("MatMul", [square, square]);
            graph.Node("Add", ["x", square]);
        });
        yield return Case("a sum over everything", "more arithmetic", graph =>
        {
            string wide = graph.Constant([300, 300], new double[90_000]);
            graph.Node("Einsum", [wide, wide], new AttributeProto { Name = "equation", S = ByteString.CopyFromUtf8("ab,cd->a") });
        });
        yield return Case("many tensors that stay", "together are far larger", graph =>
        {
            string held = graph.Constant([500, 1000], Enumerable.Repeat(1.0, 500_000));
            for (int i = 0; i < 2000; i++)
                held = graph.Node("Neg", [held]);
        });
        yield return Case("a graph within the graph", "a graph within its graph", graph =>
            graph.Node("If", ["x"], new AttributeProto { Name = "then_branch", G = new GraphProto() }));
        yield return Case("values in a file, in a constant", "another file", graph =>
        {
            graph.Constant([1], [1]);
            graph.Model.Graph.Node[^1].Attribute[0].T.DataLocation = TensorProto.Types.DataLocation.External;
            graph.Model.Graph.Node[^1].Attribute[0].T.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "/etc/passwd" });
        });
        yield return Case("functions that call themselves", "too deeply", graph =>
        {
            graph.Model.Functions.Add(new FunctionProto { Name = "f", Domain = "d", Input = { "x" }, Output = { "y" }, Node = { Call("f", "x", "y") } });
            graph.Model.Graph.Node.Add(Call("f", "x", "y"));
        });
        yield return Case("functions that call each other a great many times", "nodes", graph =>
        {
            for (int level = 0; level < 12; level++)
            {
                var function = new FunctionProto { Name = $"f{level}", Domain = "d", Input = { "x" }, Output = { "y" } };
                for (int i = 0; i < 10; i++)
                    function.Node.Add(Call($"f{level + 1}", i == 0 ? "x" : $"v{i}", $"v{i + 1}"));
                graph.Model.Functions.Add(function);
            }

            graph.Model.Graph.Node.Add(Call("f0", "x", "y"));
        });
        yield return Case("a batch of two billion", "its input has the shape", graph => graph.Model.Graph.Input[0] = Face("x", [int.MaxValue, 4]));
        yield return Case("a feature count beyond memory", "its input has the shape", graph => graph.Model.Graph.Input[0] = Face("x", [0, 1L << 40]));
        yield return Case("a billion values in the input", "far larger than its weights", graph =>
        {
            graph.Model.Graph.Input[0] = Face("x", [0, 32767, 32767]);
            graph.Node("Relu", ["x"]);
        });
        yield return Case("a batch that makes many of few", "far larger than its weights", graph =>
        {
            graph.Model.Graph.Input[0] = Face("x", [4096, 60_000]);
            graph.Node("Relu", ["x"]);
        });
        yield return Case("an operator that is not known", "Loop, which is not known", graph => graph.Node("Loop", ["x"]));
        yield return Case("a division by 0", "divides by 0", graph => graph.Node("Div", [graph.Constant([1], [1], Types.Int64), graph.Constant([1], [0], Types.Int64)]));
        yield return Case("an axis that is not there", "has the axis 9", graph => graph.Node("Squeeze", ["x", graph.Constant([1], [9], Types.Int64)]));
        yield return Case("an axis beyond 32 bits", "has the axis", graph => graph.Node("Gather", ["x", graph.Constant([1], [1L << 60], Types.Int64)]));
    }

    [TestCaseSource(nameof(Hostile))]
    public void It_is_refused_in_bounded_time_and_memory(Delegate build, string saying)
    {
        var graph = new GraphBuilder(17, 0, 4);
        ((Action<GraphBuilder>)build)(graph);
        byte[] bytes = graph.Bytes(graph.Model.Graph.Node.LastOrDefault()?.Output[0] ?? "x");
        var clock = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => Load(bytes), Throws.TypeOf<InvalidInputException>().With.Message.Contains(saying).And.Message.StartsWith("test.onnx").And.Message.Length.LessThan(700));
        Assert.Multiple(() =>
        {
            Assert.That(clock.Elapsed, Is.LessThan(s_patience));
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(Memory));
        });
    }

    [TestCase("../secret.bin", "only a file of the same folder")]
    [TestCase("/etc/passwd", "only a file of the same folder")]
    [TestCase("..", "only a file of the same folder")]
    [TestCase("C:\\secret.bin", "only a file of the same folder")]
    [TestCase("", "only a file of the same folder")]
    [TestCase("link.bin", "a link")]
    [TestCase("missing.bin", "not there")]
    [TestCase("short.bin", "want 40 bytes and have 40 from byte 0 of the 8")]
    public void Values_outside_the_models_folder_are_not_opened(string location, string saying)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.Path("models"));
        File.WriteAllBytes(folder.Path("secret.bin"), new byte[40]);
        File.WriteAllBytes(folder.Path("models/short.bin"), new byte[8]);
        File.CreateSymbolicLink(folder.Path("models/link.bin"), folder.Path("secret.bin"));
        File.WriteAllBytes(folder.Path("models/model.onnx"), External(location, []));
        Assert.That(() => ModelReader.Load(folder.Path("models/model.onnx")), Throws.TypeOf<InvalidInputException>().With.Message.Contains(saying));
    }

    [TestCase("offset", "-1")]
    [TestCase("offset", "9223372036854775807")]
    [TestCase("offset", "x")]
    [TestCase("length", "44")]
    [TestCase("length", "2000000000")]
    public void A_part_of_a_file_that_is_not_there_is_refused(string key, string value)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.Path("model.onnx.data"), new byte[48]);
        File.WriteAllBytes(folder.Path("model.onnx"), External("model.onnx.data", [new StringStringEntryProto { Key = key, Value = value }]));
        Assert.That(() => ModelReader.Load(folder.Path("model.onnx")), Throws.TypeOf<InvalidInputException>().With.Message.Contains("model.onnx"));
    }

    // Our own model of five features, with W in a file beside it.
    private static byte[] External(string location, IEnumerable<StringStringEntryProto> more)
    {
        var model = ModelProto.Parser.ParseFrom(TestWeights.Instance(TestWeights.Random(Core.Experiments.ModelKind.ReluOutput, 1, 5, 2)));
        var w = model.Graph.Initializer[0];
        w.ClearRawData();
        w.DataLocation = TensorProto.Types.DataLocation.External;
        w.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = location });
        w.ExternalData.Add(more);
        return model.ToByteArray();
    }

    private static NodeProto Call(string function, string input, string output) => new() { OpType = function, Domain = "d", Input = { input }, Output = { output } };
}
