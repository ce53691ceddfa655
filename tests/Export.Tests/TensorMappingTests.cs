using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export.Import;
using ToyPipeline.Export.Onnx;

namespace ToyPipeline.Export.Tests;

/// <summary>What named tensors are taken for.</summary>
public class TensorMappingTests
{
    private static readonly float[] s_w = [1, 2, 3, 4, 5, 6];       // [3, 2]
    private static readonly float[] s_turned = [1, 3, 5, 2, 4, 6];  // [2, 3]
    private static readonly float[] s_b = [7, 8, 9];

    [TestCase("W", "b")]
    [TestCase("weight", "bias")]
    [TestCase("model.W", "model.b_final")]
    [TestCase("encoder.weight", "decoder.bias")]
    public void One_matrix_is_read_in_either_layout(string w, string b)
    {
        foreach (var tensor in new[] { new Tensor([3, 2], s_w), new Tensor([2, 3], s_turned) })
        {
            var model = Map(new() { [w] = tensor, [b] = new([3], s_b) });
            Assert.That((model.Kind, model.Instances, model.Features, model.Hidden), Is.EqualTo((ModelKind.ReluOutput, 1, 3, 2)));
            Assert.That((model.W, model.B, model.W2), Is.EqualTo((s_w, s_b, (float[]?)null)));
        }
    }

    [Test]
    public void Instances_are_read_in_either_layout()
    {
        float[] b = [.. s_b, .. s_b];
        var straight = Map(new() { ["W"] = new([2, 3, 2], [.. s_w, .. s_w]), ["b_final"] = new([2, 3], b) });
        var turned = Map(new() { ["W"] = new([2, 2, 3], [.. s_turned, .. s_turned]), ["b_final"] = new([2, 3], b) });
        Assert.That((straight.Instances, turned.Instances), Is.EqualTo((2, 2)));
        Assert.That(straight.W, Is.EqualTo(turned.W).And.EqualTo(new[] { s_w, s_w }.SelectMany(values => values)));
    }

    [Test]
    public void Two_linear_layers_are_an_absolute_value_model_and_tied_ones_are_not()
    {
        float[] other = [6, 5, 4, 3, 2, 1];
        var free = Map(new() { ["decoder.weight"] = new([3, 2], other), ["decoder.bias"] = new([3], s_b), ["encoder.weight"] = new([2, 3], s_turned) });
        Assert.That((free.Kind, free.W, free.W2), Is.EqualTo((ModelKind.AbsoluteValue, s_w, other)));
        var tied = Map(new() { ["decoder.weight"] = new([3, 2], s_w), ["decoder.bias"] = new([3], s_b), ["encoder.weight"] = new([2, 3], s_turned) });
        Assert.That((tied.Kind, tied.W2), Is.EqualTo((ModelKind.ReluOutput, (float[]?)null)));
    }

    [Test]
    public void What_the_user_says_counts()
    {
        Dictionary<string, Tensor> tensors = new() { ["left"] = new([2, 3], s_turned), ["right"] = new([3, 2], s_w), ["shift"] = new([3], s_b) };
        var options = new ImportOptions { Name = "x", Map = ImportOptions.ParseMap("W=left,b=shift"), Kind = ModelKind.ReluHidden };
        var model = Map(tensors, options);
        Assert.That((model.Kind, model.W, model.B), Is.EqualTo((ModelKind.ReluHidden, s_w, s_b)));
    }

    [Test]
    public void A_square_matrix_needs_a_word_unless_the_file_is_ours()
    {
        Dictionary<string, Tensor> square = new() { ["W"] = new([2, 2], [1, 2, 3, 4]), ["b"] = new([2], [0, 0]) };
        Assert.That(() => Map(square), Throws.TypeOf<InvalidInputException>().With.Message.Contains("--layout"));
        Assert.That(Map(square, new ImportOptions { Name = "x", Layout = WeightLayout.HiddenFeatures }).W, Is.EqualTo(new float[] { 1, 3, 2, 4 }));
        Assert.That(Map(square, metadata: new() { ["format"] = "toypipeline-weights-1" }).W, Is.EqualTo(new float[] { 1, 2, 3, 4 }));
    }

    [Test]
    public void A_program_decides_layout_and_kind_by_what_it_computes([Values(ModelKind.Linear, ModelKind.ReluOutput, ModelKind.ReluHidden)] ModelKind kind, [Values] bool turned)
    {
        float[] w = turned ? [1, 3, 2, 4] : [1, 2, 3, 4];
        var truth = new RecoveredModel(kind, 1, 2, 2, w, null, [0.5f, -0.5f]);
        Tensor Forward(Tensor x) => new(x.Shape, [.. x.Values.Chunk(2).SelectMany(row => truth.Forward([row[0], row[1]])).Select(value => (float)value)]);
        var content = new NamedTensors(new Dictionary<string, Tensor> { ["W"] = new([2, 2], [1, 2, 3, 4]), ["b"] = new([2], [0.5f, -0.5f]) }, new Dictionary<string, string>(), Forward);
        var model = TensorMapping.Map(content, new ImportOptions { Name = "x" }, "test.pt");
        Assert.That((model.Kind, model.W), Is.EqualTo((kind, w)));
    }

    private static IEnumerable<TestCaseData> Refused()
    {
        static TestCaseData Case(string saying, Dictionary<string, Tensor> tensors) => new TestCaseData(tensors, saying).SetArgDisplayNames(saying);
        yield return Case("has no matrix", new() { ["b"] = new([3], s_b) });
        yield return Case("say what is what with --map and --layout", new() { ["W"] = new([4, 2], new float[8]), ["b"] = new([3], s_b) });
        yield return Case("has the matrices one, two, three", new() { ["one"] = new([3, 2], s_w), ["two"] = new([3, 2], s_w), ["three"] = new([3, 2], s_w) });
        yield return Case("has several tensors that may be the bias, x.b, y.b", new() { ["W"] = new([3, 2], s_w), ["x.b"] = new([3], s_b), ["y.b"] = new([3], s_b) });
        yield return Case("has encoder.bias beside its weights", new() { ["encoder.weight"] = new([2, 3], s_turned), ["encoder.bias"] = new([2], [1, 1]), ["decoder.bias"] = new([3], s_b) });
        yield return Case("which could be [features, hidden] or [hidden, features]", new() { ["W"] = new([3, 2], s_w) });
    }

    [TestCaseSource(nameof(Refused))]
    public void What_does_not_fit_is_refused(Dictionary<string, Tensor> tensors, string saying) =>
        Assert.That(() => Map(tensors), Throws.TypeOf<InvalidInputException>().With.Message.Contains(saying).And.Message.StartsWith("test.safetensors"));

    private static RecoveredModel Map(Dictionary<string, Tensor> tensors, ImportOptions? options = null, Dictionary<string, string>? metadata = null) =>
        TensorMapping.Map(new NamedTensors(tensors, metadata ?? [], null), options ?? new ImportOptions { Name = "x" }, "test.safetensors");
}
