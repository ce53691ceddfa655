using System.Globalization;
using System.Text.Json.Nodes;
using ToyPipeline.Cli.Tests;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export;

namespace ToyPipeline.Interop;

/// <summary>Models and datasets to PyTorch and back, through the <c>toy</c> command.</summary>
[Category("Interop")]
public class TorchInteropTests
{
    private const string Experiment = """
        name: travelling
        model: { kind: relu-output, features: 6, hidden: 2 }
        data: { train: { samples: 2000 } }
        importance: { decay: 0.9 }
        training: { steps: 200, batch: 256, optimizer: { lr: 1e-2 } }
        replicas: 2
        axes:
          - { path: data.sparsity, values: [0.5, 0.9] }
        evaluation: { samples: 3000 }

        """;

    [Test]
    public void What_PyTorch_exports_is_read_whatever_its_spelling()
    {
        Python.Require("torch", "onnx");
        using var folder = new TemporaryFolder();
        var expected = JsonNode.Parse(Python.Run("export_torch.py", folder.Path("")))!.AsObject();
        Assert.That(expected, Has.Count.GreaterThan(90));
        Assert.Multiple(() =>
        {
            foreach (var (file, weights) in expected)
            {
                var content = ModelReader.Open(folder.Path(file));
                var read = content.Weights!;
                Assert.That(read, Is.Not.Null, $"{file}: {content.Graph?.Why}");
                Assert.That(YamlName(read.Kind), Is.EqualTo((string?)weights!["kind"]), file);
                bool folded = (string?)weights["style"] == "folded";
                Assert.That(content.Folded, Is.EqualTo(folded), file);
                if (folded)
                    Assert.That(Gram(read.W, 6), Is.EqualTo(Gram(Floats(weights["W"]!), 6)).Within(1e-5), file);
                else
                    Assert.That(read.W, Is.EqualTo(Floats(weights["W"]!)), file);
                if (read.Kind == ModelKind.AbsoluteValue)
                    Assert.That(read.W2, Is.EqualTo(Floats(weights["W2"]!)).Within(1e-6f), file);
                Assert.That(read.B, Is.EqualTo(Floats(weights["b"]!)), file);
            }
        });
    }

    [Test]
    public void What_the_newer_exporter_writes_is_read_with_the_values_beside_it()
    {
        Python.Require("numpy", "onnx");
        using var folder = new TemporaryFolder();
        var expected = JsonNode.Parse(Python.Run("export_new.py", folder.Path("")))!.AsObject();
        Assert.Multiple(() =>
        {
            foreach (var (file, weights) in expected)
            {
                var read = ModelReader.Load(folder.Path(file));
                Assert.That(read.Kind, Is.EqualTo(ModelKind.ReluOutput), file);
                Assert.That(read.W, Is.EqualTo(Floats(weights!["W"]!)), file);
                Assert.That(read.B, Is.EqualTo(Floats(weights["b"]!)), file);
            }
        });
    }

    [Test]
    public void A_model_that_PyTorch_trained_is_measured_as_numpy_measures_it([Values("toy.onnx", "toy.pt", "toy.safetensors")] string file)
    {
        Python.Require("torch", "numpy", "scipy.sparse");
        using var folder = new TemporaryFolder();
        var expected = JsonNode.Parse(Python.Run("train_torch.py", folder.Path("")))!;
        Done(Toy.Run(folder.Path(""), "import", file, "--name", "back", "--data", "samples.npz", "--importance", "0.9"));
        var instance = Rows(folder.Path("artifacts/back/analysis/instances.csv")).Single();
        var features = Rows(folder.Path("artifacts/back/analysis/features.csv"));
        Assert.Multiple(() =>
        {
            Assert.That(Number(instance["loss"]), Is.EqualTo((double)expected["loss"]!).Within(1e-6));
            Assert.That(Number(instance["dimensions_per_feature"]), Is.EqualTo((double)expected["dimensions_per_feature"]!).Within(1e-6));
            foreach (string measure in new[] { "norm", "superposition", "dimensionality", "bias" })
                Assert.That(features.Select(row => Number(row[measure])), Is.EqualTo(expected[measure]!.AsArray().Select(value => (double)value!)).Within(1e-6), measure);
            Assert.That(File.ReadAllText(folder.Path("artifacts/back/report.html")), Does.Contain($"Imported from {file}"));
        });
    }

    [Test]
    public void A_graph_that_is_none_of_the_kinds_is_measured_on_its_outputs_as_numpy_measures_them([Values("free", "fixed")] string batch)
    {
        Python.Require("torch", "numpy", "scipy.sparse");
        using var folder = new TemporaryFolder();
        var expected = JsonNode.Parse(Python.Run("export_other.py", folder.Path(""), batch))!;
        Done(Toy.Run(folder.Path(""), "import", "other.onnx", "--name", "other", "--data", "samples.npz", "--importance", "0.9"));
        var features = Rows(folder.Path("artifacts/other/analysis/outputs.csv"));
        Assert.Multiple(() =>
        {
            Assert.That(Number(Rows(folder.Path("artifacts/other/analysis/model.csv")).Single()["loss"]), Is.EqualTo((double)expected["loss"]!).Within(1e-6));
            foreach (string measure in new[] { "error", "explained", "response", "interference" })
                Assert.That(features.Select(row => Number(row[measure])), Is.EqualTo(expected[measure]!.AsArray().Select(value => (double)value!)).Within(1e-6), measure);
            Assert.That(File.ReadAllText(folder.Path("artifacts/other/report.html")), Does.Contain("These measures need weights").And.Contain("none of the four kinds"));
            Assert.That(Directory.Exists(folder.Path("artifacts/other/weights")), Is.False);
        });
        Done(Toy.Run(folder.Path(""), "analyze", "artifacts/other/experiment.yaml"));
    }

    [Test]
    public void Weights_trained_here_have_the_same_loss_in_PyTorch_and_come_back_trained_further()
    {
        Python.Require("torch", "numpy", "scipy.sparse");
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.Path("travelling.yaml"), Experiment);
        Done(Toy.Run(folder.Path(""), "run", "travelling.yaml"));
        var losses = JsonNode.Parse(Python.Run("continue_torch.py", folder.Path("artifacts/travelling"), folder.Path("further.safetensors")))!;
        Done(Toy.Run(folder.Path(""), "import", "further.safetensors", "--name", "further"));
        Assert.Multiple(() =>
        {
            Assert.That(Losses("travelling"), Is.EqualTo(Expected("before")).Within(1e-6));
            Assert.That(Losses("further"), Is.EqualTo(Expected("after")).Within(1e-6));
            Assert.That(Expected("after"), Is.Not.EqualTo(Expected("before")).Within(1e-6), "training went on");
        });

        IEnumerable<double> Losses(string run) => Rows(folder.Path($"artifacts/{run}/analysis/instances.csv")).Select(row => Number(row["loss"]));
        IEnumerable<double> Expected(string when) => losses[when]!.AsArray().Select(value => (double)value!);
    }

    [Test]
    public void A_dataset_that_Python_wrote_trains_the_same_weights()
    {
        Python.Require("numpy", "scipy.sparse");
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.Path("travelling.yaml"), Experiment);
        Done(Toy.Run(folder.Path(""), "generate", "travelling.yaml", "--csv"));
        Done(Toy.Run(folder.Path(""), "train", "travelling.yaml"));
        var weights = EnsembleWeights.Load(folder.Path("artifacts/travelling/weights/pack-00000.safetensors"));
        foreach (string dataset in Directory.GetDirectories(folder.Path("artifacts/travelling/data")))
            Python.Run("rewrite_dataset.py", dataset);
        var refused = Toy.Run(folder.Path(""), "train", "travelling.yaml");
        Done(Toy.Run(folder.Path(""), "train", "travelling.yaml", "--accept-changes", "--force"));
        Assert.Multiple(() =>
        {
            Assert.That(refused.Code, Is.EqualTo(2));
            Assert.That(refused.Error, Does.Contain("--accept-changes"));
            // The metadata differ: they say which files the samples came from.
            var again = EnsembleWeights.Load(folder.Path("artifacts/travelling/weights/pack-00000.safetensors"));
            Assert.That(again.W, Is.EqualTo(weights.W));
            Assert.That(again.B, Is.EqualTo(weights.B));
        });
    }

    private static void Done(ToyResult result) => Assert.That((result.Code, result.Error), Is.EqualTo((0, "")));

    private static List<Dictionary<string, string>> Rows(string path)
    {
        string[] lines = File.ReadAllLines(path), header = lines[0].Split(',');
        return [.. lines.Skip(1).Select(line => header.Zip(line.Split(',')).ToDictionary(pair => pair.First, pair => pair.Second))];
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static float[] Floats(JsonNode array) => [.. array.AsArray().Select(value => (float)(double)value!)];

    private static string YamlName(ModelKind kind) => System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(kind.ToString());

    private static double[] Gram(float[] w, int n)
    {
        int m = w.Length / n;
        return [.. from i in Enumerable.Range(0, n) from j in Enumerable.Range(0, n) select Enumerable.Range(0, m).Sum(k => (double)w[(i * m) + k] * w[(j * m) + k])];
    }
}
