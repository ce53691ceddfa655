using CsCheck;
using Google.Protobuf;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export.Onnx;

namespace ToyPipeline.Export.Tests;

public class ModelReaderTests
{
    [Test]
    public void An_ensemble_is_read_back_as_it_was_written() => TestWeights.Any.Sample(weights => AssertSame(weights, Load(TestWeights.Ensemble(weights))));

    [Test]
    public void An_instance_is_read_back_as_it_was_written() => TestWeights.Any.Sample(weights =>
    {
        int place = weights.Instances.Count - 1;
        var alone = weights with
        {
            Instances = [weights.Instances[place]],
            W = [.. weights.WOf(place)],
            W2 = weights.W2 is null ? null : [.. weights.DecoderOf(place)],
            B = [.. weights.BOf(place)],
        };
        AssertSame(alone, Load(TestWeights.Instance(weights, place)));
    });

    [Test]
    public void A_file_without_metadata_is_read_with_numbered_instances()
    {
        var read = Load(Changed(model => model.MetadataProps.Clear(), ensemble: true));
        Assert.That(read.Instances.Select(instance => instance.Index), Is.EqualTo(new[] { 0, 1 }));
        Assert.That(read.Experiment, Is.Empty);
    }

    [Test]
    public void Values_in_float_data_are_read()
    {
        var weights = Weights(ensemble: false);
        AssertSame(weights, Load(Changed(model =>
        {
            model.Graph.Initializer[0].ClearRawData();
            model.Graph.Initializer[0].FloatData.Add(weights.W);
        })));
    }

    private static IEnumerable<TestCaseData> Damaged()
    {
        static TestCaseData Case(string name, string saying, Action<ModelProto> change) => new TestCaseData(change, saying).SetArgDisplayNames(name);
        yield return Case("no graph", "has no graph", model => model.Graph = null);
        yield return Case("no W", "no initializer W", model => model.Graph.Initializer.RemoveAt(0));
        yield return Case("W twice", "two initializers named W", model => model.Graph.Initializer.Add(model.Graph.Initializer[0]));
        yield return Case("an initializer too many", "does not use", model => model.Graph.Initializer.Add(new TensorProto { Name = "more" }));
        yield return Case("a type that is no number", "data type 8, which is not read", model => W(model).DataType = 8);
        yield return Case("a wider type", "wants 80 bytes and has 40", model => W(model).DataType = 11);
        yield return Case("one axis", "wants 20 bytes and has 40", model => W(model).Dims.RemoveAt(1));
        yield return Case("no axis", "wants 4 bytes and has 40", model => W(model).Dims.Clear());
        yield return Case("a size of 0", "wants 0 bytes and has 40", model => W(model).Dims[0] = 0);
        yield return Case("a negative size", "claims the shape", model => W(model).Dims[0] = -5);
        yield return Case("a size beyond 32 bits", "claims the shape", model => W(model).Dims[0] = 1L << 40);
        yield return Case("a product beyond memory", "claims the shape", model => { W(model).Dims[0] = int.MaxValue; W(model).Dims[1] = int.MaxValue; });
        yield return Case("fewer bytes than the shape wants", "wants 40 bytes and has 36", model => W(model).RawData = ByteString.CopyFrom(W(model).RawData.Span[..36]));
        yield return Case("more bytes than the shape wants", "wants 40 bytes and has 44", model => W(model).RawData = ByteString.CopyFrom([.. W(model).RawData.Span, 0, 0, 0, 0]));
        yield return Case("no values", "wants 10 values and has 0", model => W(model).ClearRawData());
        yield return Case("values twice", "twice", model => W(model).FloatData.Add(1f));
        yield return Case("not finite", "not finite", model => W(model).RawData = ByteString.CopyFrom([0, 0, 192, 127, .. W(model).RawData.Span[4..]]));
        yield return Case("another shape of b", "where [5] is expected", model => { model.Graph.Initializer[1].Dims[0] = 4; model.Graph.Initializer[1].RawData = ByteString.CopyFrom(new byte[16]); });
        yield return Case("W turned", "where [2] is expected", model => { W(model).Dims[0] = 2; W(model).Dims[1] = 5; });
        yield return Case("external location", "external data is not opened", model => W(model).DataLocation = TensorProto.Types.DataLocation.External);
        yield return Case("external path", "external data is not opened", model => W(model).ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "../../etc/passwd" }));
        yield return Case("another operator", "none of the four kinds", model => model.Graph.Node[2].OpType = "Sigmoid");
        yield return Case("another domain", "Relu of com.example, which is not known", model => model.Graph.Node[2].Domain = "com.example");
        yield return Case("another attribute", "multiplies the shapes [1, 2] and [5, 2]", model => model.Graph.Node[1].Attribute[0].I = 0);
        yield return Case("another wire", "multiplies the shapes [1, 5] and [2, 5]", model => model.Graph.Node[1].Input[0] = "x");
        yield return Case("a node too many", "4 nodes", model => model.Graph.Node.Add(new NodeProto { OpType = "Relu" }));
        yield return Case("no opset", "opset unknown", model => model.OpsetImport.Clear());
        yield return Case("two opsets", "twice", model => model.OpsetImport.Add(new OperatorSetIdProto { Domain = "ai.onnx", Version = 17 }));
        yield return Case("no input", "0 inputs", model => model.Graph.Input.Clear());
        yield return Case("an input of another size", "input x has the shape [batch, 6]", model => model.Graph.Input[0].Type.TensorType.Shape.Dim[1].DimValue = 6);
        yield return Case("an input without a shape", "input x has the shape []", model => model.Graph.Input[0].Type.TensorType.Shape = null);
        yield return Case("an input without a type", "no input tensor x", model => model.Graph.Input[0].Type = null);
        yield return Case("an output of another name", "no output tensor hidden", model => model.Graph.Output[1].Name = "h");
        yield return Case("another kind", "says kind linear", model => model.MetadataProps[0].Value = "linear");
        yield return Case("no instances", "lists 0 instances", model => model.MetadataProps[1].Value = "[]");
        yield return Case("instances that are null", "list of instances", model => model.MetadataProps[1].Value = "[null]");
        yield return Case("instances without coordinates", "list of instances", model => model.MetadataProps[1].Value = """[{"index":0,"cell":0,"replica":0,"seed":1}]""");
        yield return Case("instances that are no JSON", "list of instances", model => model.MetadataProps[1].Value = "{");
        yield return Case("a property twice", "two metadata properties named kind", model => model.MetadataProps.Add(model.MetadataProps[0]));
    }

    [TestCaseSource(nameof(Damaged))]
    public void Damage_is_refused(Delegate change, string saying) =>
        Assert.That(
            () => Load(Changed((Action<ModelProto>)change)),
            Throws.TypeOf<InvalidInputException>().With.Message.Contains(saying).And.Message.StartsWith("test.onnx").And.Message.EndsWith("."));

    [Test]
    public void A_file_cut_short_gives_an_error_or_its_whole_weights()
    {
        byte[] bytes = TestWeights.Instance(TestWeights.Random(ModelKind.AbsoluteValue, 1, 3, 2));
        // The last field is the metadata: cut exactly there, it is a shorter, whole message.
        for (int length = 0; length < bytes.Length; length++)
        {
            try
            {
                var read = Load(bytes[..length]);
                Assert.That(read.W, Has.Length.EqualTo(6), $"{length} bytes");
            }
            catch (InvalidInputException e)
            {
                Assert.That(e.Message, Does.StartWith("test.onnx"));
            }
        }
    }

    [Test]
    public void Changed_bytes_give_a_model_or_an_error_and_nothing_else()
    {
        byte[] bytes = TestWeights.Instance(Weights(ensemble: false));
        Gen.Select(Gen.Int[0, bytes.Length - 1], Gen.Byte).Array[1, 4].Sample(
            changes =>
            {
                byte[] changed = [.. bytes];
                foreach (var (place, value) in changes)
                    changed[place] = value;
                Try(changed);
            },
            iter: 20_000);
    }

    [Test]
    public void Garbage_gives_an_error_and_nothing_else() => Gen.Byte.Array[0, 200].Sample(Try, iter: 20_000);

    [Test]
    public void A_graph_of_something_else_is_described_in_the_error() =>
        Assert.That(
            () => Load(Changed(model => model.Graph.Node[0].OpType = "Conv\n\u001b[31m" + new string('x', 1000))),
            Throws.TypeOf<InvalidInputException>().With.Message.Contains("opset 17, 3 nodes: Conv??[31mxxx").And.Message.Length.LessThan(500));

    [Test]
    public void Deep_nesting_is_refused()
    {
        // Field 99 as a group in a group in a group ...: start tags only.
        byte[] start = [0x9b, 0x06];
        Assert.That(() => Load([.. Enumerable.Repeat(start, 100_000).SelectMany(tag => tag)]), Throws.TypeOf<InvalidInputException>());
    }

    [Test]
    public void Subgraphs_are_never_descended_into()
    {
        // An attribute holds a graph, which holds a node with an attribute ...: 1,000 deep.
        byte[] inner = [];
        for (int depth = 0; depth < 1000; depth++)
            inner = Field(6, Field(1, Field(5, inner)));
        byte[] model = [.. Changed(_ => { }), .. Field(7, Field(1, Field(5, inner)))];
        Assert.That(() => Load(model), Throws.TypeOf<InvalidInputException>().With.Message.Contains("nesting"));
    }

    [Test]
    public void A_length_that_is_only_claimed_takes_no_memory()
    {
        // Graph of 2 GB, in it an initializer of 2 GB, in it raw_data of 2 GB; nothing follows.
        byte[] model = [0x3a, 0xff, 0xff, 0xff, 0xff, 0x07, 0x2a, 0xf0, 0xff, 0xff, 0xff, 0x07, 0x4a, 0xe0, 0xff, 0xff, 0xff, 0x07];
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => Load(model), Throws.TypeOf<InvalidInputException>());
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(10_000_000));
    }

    [Test]
    public void A_missing_file_is_named() =>
        Assert.That(() => ModelReader.Load("nowhere.onnx"), Throws.TypeOf<InvalidInputException>().With.Message.Contains("nowhere.onnx does not exist"));

    private static void Try(byte[] bytes)
    {
        try
        {
            Load(bytes);
        }
        catch (InvalidInputException)
        {
            // A sentence is what the user is owed.
        }
    }

    private static byte[] Field(int number, byte[] content)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            output.WriteTag(number, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(content));
        }

        return stream.ToArray();
    }

    private static TensorProto W(ModelProto model) => model.Graph.Initializer[0];

    private static EnsembleWeights Weights(bool ensemble) => TestWeights.Random(ModelKind.ReluOutput, ensemble ? 2 : 1, 5, 2);

    private static byte[] Changed(Action<ModelProto> change, bool ensemble = false)
    {
        var model = ModelProto.Parser.ParseFrom(ensemble ? TestWeights.Ensemble(Weights(ensemble)) : TestWeights.Instance(Weights(ensemble)));
        change(model);
        return model.ToByteArray();
    }

    private static EnsembleWeights Load(byte[] bytes) => ModelReader.Load(new MemoryStream(bytes), "test.onnx");

    private static void AssertSame(EnsembleWeights expected, EnsembleWeights actual)
    {
        Assert.That((actual.Kind, actual.Features, actual.Hidden), Is.EqualTo((expected.Kind, expected.Features, expected.Hidden)));
        Assert.That(actual.W, Is.EqualTo(expected.W));
        Assert.That(actual.W2, Is.EqualTo(expected.W2));
        Assert.That(actual.B, Is.EqualTo(expected.B));
        Assert.That(InstancesJson.Write(actual.Instances), Is.EqualTo(InstancesJson.Write(expected.Instances)));
        Assert.That(actual.Experiment, Is.EqualTo(expected.Experiment));
    }
}
