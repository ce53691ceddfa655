using CsCheck;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export.Onnx;

namespace ToyPipeline.Export.Tests;

public class ModelWriterTests
{
    [Test]
    public void An_instance_has_the_documented_face()
    {
        var weights = TestWeights.Random(ModelKind.ReluOutput, 3, 5, 2);
        var model = ModelProto.Parser.ParseFrom(TestWeights.Instance(weights, 1));
        Assert.That(model.IrVersion, Is.EqualTo(8));
        Assert.That(model.OpsetImport.Select(import => (import.Domain, import.Version)), Is.EqualTo(new[] { ("", 17L) }));
        Assert.That(model.ProducerName, Is.EqualTo("ToyPipeline"));
        Assert.That(model.ProducerVersion, Is.EqualTo("0.1.0"));
        Assert.That(model.DocString, Does.Contain("relu-output").And.Contains("ReLU(W h + b)"));
        Assert.That(model.Graph.Name, Is.EqualTo("instance-00011"));
        Assert.That(model.Graph.Input.Select(Shape), Is.EqualTo(new[] { "x [batch, 5]" }));
        Assert.That(model.Graph.Output.Select(Shape), Is.EqualTo(new[] { "reconstruction [batch, 5]", "hidden [batch, 2]", "preactivation [batch, 5]" }));
        Assert.That(model.Graph.Initializer.Select(Shape), Is.EqualTo(new[] { "W [5, 2]", "b [5]" }));
        Assert.That(model.Graph.Node.Select(node => node.OpType), Is.EqualTo(new[] { "MatMul", "Gemm", "Relu" }));
        Assert.That(model.MetadataProps.Select(property => property.Key), Is.EqualTo(new[] { "kind", "instances", "experiment" }));
        Assert.That(model.MetadataProps[1].Value, Is.EqualTo(InstancesJson.Write([weights.Instances[1]])));
        Assert.That(model.MetadataProps[2].Value, Is.EqualTo(weights.Experiment));
    }

    [Test]
    public void An_ensemble_has_the_documented_face()
    {
        var model = ModelProto.Parser.ParseFrom(TestWeights.Ensemble(TestWeights.Random(ModelKind.AbsoluteValue, 3, 5, 2)));
        Assert.That(model.Graph.Input.Select(Shape), Is.EqualTo(new[] { "x [batch, 3, 5]" }));
        Assert.That(model.Graph.Output.Select(Shape), Is.EqualTo(new[] { "reconstruction [batch, 3, 5]", "hidden [batch, 3, 2]", "preactivation [batch, 3, 5]" }));
        Assert.That(model.Graph.Initializer.Select(Shape), Is.EqualTo(new[] { "W1 [3, 5, 2]", "W2 [3, 5, 2]", "b [3, 5]" }));
    }

    [Test]
    public void The_kind_is_spelt_as_in_the_weights_file([Values] ModelKind kind)
    {
        var weights = TestWeights.Random(kind, 1, 2, 1);
        using var folder = new TemporaryFolder();
        weights.Save(folder.Path("w.safetensors"));
        string inWeights = Safetensors.Load(folder.Path("w.safetensors")).Metadata["kind"];
        Assert.That(ModelProto.Parser.ParseFrom(TestWeights.Instance(weights)).MetadataProps[0].Value, Is.EqualTo(inWeights));
    }

    [Test]
    public void The_same_weights_give_the_same_bytes() => TestWeights.Any.Sample(
        weights =>
        {
            var again = weights with { W = [.. weights.W], B = [.. weights.B] };
            Assert.That(TestWeights.Ensemble(again), Is.EqualTo(TestWeights.Ensemble(weights)));
            Assert.That(TestWeights.Instance(again), Is.EqualTo(TestWeights.Instance(weights)));
        },
        iter: 20);

    [Test]
    public void An_instance_alone_has_the_bytes_of_the_instance_in_its_pack()
    {
        var pack = TestWeights.Random(ModelKind.ReluHidden, 3, 4, 2);
        var alone = pack with { Instances = [pack.Instances[2]], W = [.. pack.WOf(2)], B = [.. pack.BOf(2)] };
        Assert.That(TestWeights.Instance(alone), Is.EqualTo(TestWeights.Instance(pack, 2)));
    }

    [Test]
    public void What_protobuf_cannot_hold_is_refused()
    {
        Assert.That(() => ModelWriter.RequireFits(536_000_000, 1000, "a pack"), Throws.Nothing);
        Assert.That(
            () => ModelWriter.RequireFits(536_900_000, 0, "a pack"),
            Throws.TypeOf<InvalidInputException>().With.Message.Contains("smaller packs").And.Message.Contains("a pack"));
        Assert.That(() => ModelWriter.RequireFits(long.MaxValue, long.MaxValue, "a pack"), Throws.TypeOf<InvalidInputException>());
    }

    [Test]
    public void Weights_that_do_not_fill_their_shape_are_refused()
    {
        var weights = TestWeights.Random(ModelKind.Linear, 2, 3, 2);
        Assert.That(() => TestWeights.Ensemble(weights with { W = [1f] }), Throws.ArgumentException.With.Message.Contains("[2, 3, 2] wants 12"));
        Assert.That(() => TestWeights.Instance(weights with { W2 = weights.W }), Throws.ArgumentException);
        Assert.That(() => TestWeights.Instance(weights, 2), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    private static string Shape(ValueInfoProto value) =>
        $"{value.Name} [{string.Join(", ", value.Type.TensorType.Shape.Dim.Select(dim => dim.HasDimParam ? dim.DimParam : $"{dim.DimValue}"))}]";

    private static string Shape(TensorProto tensor) => $"{tensor.Name} [{string.Join(", ", tensor.Dims)}]";
}
