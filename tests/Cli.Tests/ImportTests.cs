using System.Buffers.Binary;
using System.Text;

namespace ToyPipeline.Cli.Tests;

/// <summary>Models that come in from elsewhere become runs; what cannot be read leaves nothing behind.</summary>
public sealed class ImportTests
{
    [Test]
    public void Weights_of_a_run_come_back_as_the_same_run()
    {
        using var workspace = Workspace.Finished();
        var (code, output, error) = workspace.Toy("import", "artifacts/tiny/weights/pack-00000.safetensors", "--name", "again");
        Assert.That((code, error), Is.EqualTo((0, "")));
        string again = Path.Combine(workspace.Folder, "artifacts", "again");
        Assert.Multiple(() =>
        {
            Assert.That(output, Does.Match(@"\nimport +done in").And.Match(@"\nreport: "));
            Assert.That(output, Does.Not.Contain("train"));
            foreach (string table in new[] { "instances.csv", "features.csv", "cells.csv", "claims.csv" })
                Assert.That(File.ReadAllText(Path.Combine(again, "analysis", table)), Is.EqualTo(File.ReadAllText(Path.Combine(workspace.Run, "analysis", table))), table);
            Assert.That(File.ReadAllText(Path.Combine(again, "report.html")), Does.Contain("Imported from pack-00000.safetensors").And.Contain("SHA-256"));
        });
    }

    [Test]
    public void An_exported_model_comes_back_with_the_setting_of_its_cell()
    {
        using var workspace = Workspace.Finished();
        Assert.That(workspace.Toy("import", "artifacts/tiny/models/instance-00002.onnx", "--name", "one").Code, Is.Zero);
        string[] whole = File.ReadAllLines(Path.Combine(workspace.Run, "analysis", "instances.csv"));
        string[] one = File.ReadAllLines(Path.Combine(workspace.Folder, "artifacts/one/analysis/instances.csv"));
        // The same dataset, so the same loss.
        Assert.That(Field(one, 1, "loss"), Is.EqualTo(Field(whole, 3, "loss")));
        Assert.That(Field(one, 1, "geometry"), Is.EqualTo(Field(whole, 3, "geometry")));
    }

    [Test]
    public void An_imported_run_is_analysed_again_and_never_trained()
    {
        using var workspace = Workspace.Finished();
        string[] import = ["import", "artifacts/tiny/weights/pack-00000.safetensors", "--name", "again"];
        Assert.That(workspace.Toy(import).Code, Is.Zero);
        var second = workspace.Toy(import);
        var run = workspace.Toy("run", "artifacts/again/experiment.yaml");
        var train = workspace.Toy("train", "artifacts/again/experiment.yaml");
        Assert.Multiple(() =>
        {
            Assert.That(second.Out, Does.Match(@"\nimport +unchanged").And.Not.Contain("done in"));
            Assert.That((run.Code, run.Error), Is.EqualTo((0, "")));
            Assert.That(run.Out, Does.Not.Contain("done in"));
            Assert.That(train.Code, Is.EqualTo(2));
            Assert.That(train.Error, Does.Contain("nothing to train"));
        });
    }

    [TestCase("--layout features-hidden", "linear", 0.2, 0.3, 0.4, 0.5)]
    [TestCase("--layout hidden-features", "linear", 0.2, 0.4, 0.3, 0.5)]
    public void A_square_matrix_is_read_as_it_is_told(string layout, string kind, params double[] expected)
    {
        using var workspace = new Workspace();
        workspace.Write("square.safetensors", "");
        WriteSquare(Path.Combine(workspace.Folder, "square.safetensors"), [0.2f, 0.3f, 0.4f, 0.5f]);
        var refused = workspace.Toy("import", "square.safetensors", "--name", "square");
        Assert.That((refused.Code, Runs(workspace)), Is.EqualTo((2, Array.Empty<string>())));
        Assert.That(refused.Error, Does.Contain("W [2, 2], which could be [features, hidden] or [hidden, features]; say which with --layout"));
        var told = workspace.Toy(["import", "square.safetensors", "--name", "square", "--kind", kind, "--samples", "100", .. layout.Split(' ')]);
        Assert.That((told.Code, told.Error), Is.EqualTo((0, "")));
        string[] features = File.ReadAllLines(Path.Combine(workspace.Folder, "artifacts/square/analysis/features.csv"));
        Assert.That(double.Parse(Field(features, 1, "norm")), Is.EqualTo(Math.Sqrt((expected[0] * expected[0]) + (expected[1] * expected[1]))).Within(1e-6));
        Assert.That(double.Parse(Field(features, 2, "norm")), Is.EqualTo(Math.Sqrt((expected[2] * expected[2]) + (expected[3] * expected[3]))).Within(1e-6));
    }

    private static IEnumerable<TestCaseData> Hostile()
    {
        static TestCaseData Case(string file, string saying, byte[] bytes, params string[] more) => new TestCaseData(file, saying, bytes, more).SetArgDisplayNames(file, saying);
        byte[] square = Square([0.2f, 0.3f, 0.4f, 0.5f]);
        yield return Case("garbage.onnx", "no usable ONNX file", [1, 2, 3, 4, 5]);
        yield return Case("claims.onnx", "no usable ONNX file", [0x3a, 0xff, 0xff, 0xff, 0xff, 0x07, 0x2a]);
        yield return Case("empty.onnx", "it has no graph", []);
        yield return Case("deep.onnx", "no usable ONNX file", [.. Enumerable.Repeat<byte[]>([0x9b, 0x06], 10_000).SelectMany(tag => tag)]);
        yield return Case("short.safetensors", "header length", [1]);
        yield return Case("beyond.safetensors", "lies at bytes", Header("""{"W":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"""));
        yield return Case("nothing.safetensors", "has no matrix", Header("{}"));
        yield return Case("nan.safetensors", "not finite", Square([0.2f, float.NaN, 0.4f, 0.5f]), "--layout", "linear");
        yield return Case("infinite.safetensors", "not finite", Square([0.2f, float.PositiveInfinity, 0.4f, 0.5f]), "--layout", "linear");
        yield return Case("map.safetensors", "no tensor V", square, "--map", "W=V");
        yield return Case("role.safetensors", "--map has Q=W", square, "--map", "Q=W");
        yield return Case("layout.safetensors", "--layout is sideways", square, "--layout", "sideways");
        yield return Case("kind.safetensors", "--kind is relu", square, "--kind", "relu");
        yield return Case("density.safetensors", "--density has 3 numbers for 2 features", square, "--layout", "linear", "--density", "0.1,0.1,0.1");
        yield return Case("samples.safetensors", "--samples is 0; allowed: at least 1", square, "--layout", "linear", "--samples", "0");
        yield return Case("count.safetensors", "--samples is 1e5; allowed: a whole number", square, "--layout", "linear", "--samples", "1e5");
        yield return Case("large.safetensors", "has a weight of 1E+30; allowed: up to 1E+18", Square([0.2f, 1e30f, 0.4f, 0.5f]), "--layout", "features-hidden", "--kind", "linear");
        yield return Case("low.safetensors", "error: --density is 2; allowed: ", square, "--layout", "linear", "--density", "2");
        yield return Case("number.safetensors", "--importance has high", square, "--importance", "high");
        yield return Case("data.safetensors", "does not exist", square, "--layout", "linear", "--data", "none.npz");
        yield return Case("script.pt", "no TorchScript", [0x80, 0x02, 0x63, 0x6f, 0x73]);
        yield return Case("model.h5", "allowed: .onnx, .safetensors, and .pt", [1]);
    }

    [TestCaseSource(nameof(Hostile))]
    public void What_cannot_be_read_is_refused_in_a_sentence_and_leaves_nothing(string file, string saying, byte[] bytes, string[] more)
    {
        using var workspace = new Workspace();
        File.WriteAllBytes(Path.Combine(workspace.Folder, file), bytes);
        var (code, _, error) = workspace.Toy(["import", file, "--name", "bad", .. more]);
        Assert.Multiple(() =>
        {
            Assert.That(code, Is.EqualTo(2));
            Assert.That(error, Does.StartWith("error: ").And.Contains(saying).And.EndsWith(".\n"));
            Assert.That(error.TrimEnd('\n'), Does.Not.Contain("\n"), "one line");
            Assert.That(Runs(workspace), Is.Empty);
        });
    }

    [Test]
    public void A_run_that_was_not_imported_is_not_replaced()
    {
        using var workspace = Workspace.Finished();
        var before = workspace.Files();
        var (code, _, error) = workspace.Toy("import", "artifacts/tiny/weights/pack-00000.safetensors", "--name", "tiny");
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain("not imported: choose another --name"));
        Assert.That(workspace.Files(), Is.EqualTo(before));
    }

    private static string[] Runs(Workspace workspace) =>
        Directory.Exists(Path.Combine(workspace.Folder, "artifacts")) ? Directory.GetDirectories(Path.Combine(workspace.Folder, "artifacts")) : [];

    private static string Field(string[] lines, int row, string column) => lines[row].Split(',')[Array.IndexOf(lines[0].Split(','), column)];

    private static void WriteSquare(string path, float[] values) => File.WriteAllBytes(path, Square(values));

    private static byte[] Square(float[] values) =>
        [.. Header("""{"W":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"""), .. values.SelectMany(BitConverter.GetBytes)];

    private static byte[] Header(string json)
    {
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, Encoding.UTF8.GetByteCount(json));
        return [.. length, .. Encoding.UTF8.GetBytes(json)];
    }
}
