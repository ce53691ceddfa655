using System.Text.Json.Nodes;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export;

namespace ToyPipeline.Interop;

[Category("Interop")]
public class ModelInteropTests
{
    [Test]
    public void Models_pass_the_checker_of_onnx([Values] ModelKind kind, [Values] bool ensemble)
    {
        Python.Require("onnx");
        using var folder = new TemporaryFolder();
        var weights = Weights(kind);
        var face = JsonNode.Parse(Python.Run("check_model.py", Save(weights, ensemble, folder)))!;
        Assert.That((int)face["ir_version"]!, Is.EqualTo(8));
        Assert.That(face["opset"]!.ToJsonString(), Is.EqualTo("[[\"\",17]]"));
        string middle = ensemble ? "3," : "";
        Assert.That(face["inputs"]!.ToJsonString(), Is.EqualTo($$"""{"x":["batch",{{middle}}5]}"""));
        Assert.That(
            face["outputs"]!.ToJsonString(),
            Is.EqualTo($$"""{"reconstruction":["batch",{{middle}}5],"hidden":["batch",{{middle}}2],"preactivation":["batch",{{middle}}5]}"""));
        Assert.That((string?)face["metadata"]!["experiment"], Is.EqualTo(weights.Experiment));
        Assert.That(face["instances"]!.ToJsonString(), Is.EqualTo(ensemble ? "[4,5,6]" : "[5]"));
    }

    [Test]
    public void Evaluated_node_by_node_in_Python_a_model_gives_the_formulas([Values] ModelKind kind, [Values] bool ensemble)
    {
        Python.Require("numpy", "onnx");
        using var folder = new TemporaryFolder();
        string printed = Python.Run("evaluate_model.py", Save(Weights(kind), ensemble, folder));
        TestContext.Out.WriteLine(printed);
        Assert.That(double.Parse(printed.Split(' ')[^1]), Is.LessThan(1e-5));
    }

    [Test]
    public void A_model_that_onnx_saved_again_is_still_ours([Values] ModelKind kind, [Values] bool ensemble)
    {
        Python.Require("onnx");
        using var folder = new TemporaryFolder();
        string path = Save(Weights(kind), ensemble, folder);
        Python.Run("resave_model.py", path, folder.Path("again.onnx"));
        var (before, after) = (ModelReader.Load(path), ModelReader.Load(folder.Path("again.onnx")));
        Assert.That(after.W, Is.EqualTo(before.W));
        Assert.That(after.W2, Is.EqualTo(before.W2));
        Assert.That(after.B, Is.EqualTo(before.B));
        Assert.That(InstancesJson.Write(after.Instances), Is.EqualTo(InstancesJson.Write(before.Instances)));
    }

    private static string Save(EnsembleWeights weights, bool ensemble, TemporaryFolder folder)
    {
        string path = folder.Path("model.onnx");
        if (ensemble)
            ModelWriter.SaveEnsemble(weights, path);
        else
            ModelWriter.SaveInstance(weights, 1, path);
        return path;
    }

    internal static EnsembleWeights Weights(ModelKind kind)
    {
        var random = new Random(3);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
        return new EnsembleWeights
        {
            Kind = kind,
            Features = 5,
            Hidden = 2,
            Instances = [.. Enumerable.Range(4, 3).Select(i => new Instance(i, new Cell(i, [new("data.sparsity", "0.9")]), 0, ulong.MaxValue - (ulong)i))],
            W = Values(30),
            W2 = kind == ModelKind.AbsoluteValue ? Values(30) : null,
            B = Values(15),
            Experiment = "name: test\ntitle: Prüfung\n",
        };
    }
}
