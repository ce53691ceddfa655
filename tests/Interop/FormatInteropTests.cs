using System.Text.Json.Nodes;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Interop;

[Category("Interop")]
public class FormatInteropTests
{
    [Test]
    public void Six_lines_of_numpy_read_the_weights([Values(ModelKind.ReluOutput, ModelKind.AbsoluteValue)] ModelKind kind)
    {
        Python.Require("numpy");
        using var folder = new TemporaryFolder();
        var weights = ModelInteropTests.Weights(kind);
        weights.Save(folder.Path("pack-00000.safetensors"));
        var read = JsonNode.Parse(Python.Run("read_safetensors.py", folder.Path("pack-00000.safetensors")))!;
        bool two = kind == ModelKind.AbsoluteValue;
        Assert.That(read["shapes"]!.ToJsonString(), Is.EqualTo(two ? """{"W1":[3,5,2],"W2":[3,5,2],"b":[3,5]}""" : """{"W":[3,5,2],"b":[3,5]}"""));
        Assert.That(Floats(read["values"]![two ? "W1" : "W"]!), Is.EqualTo(weights.W));
        Assert.That(Floats(read["values"]!["b"]!), Is.EqualTo(weights.B));
        Assert.That((string?)read["kind"], Is.EqualTo(two ? "absolute-value" : "relu-output"));
        Assert.That(read["seeds"]!.AsArray().Select(seed => (string?)seed), Is.EqualTo(weights.Instances.Select(instance => $"{instance.Seed}")));
        Assert.That((string?)read["coordinates"]![0]!["data.sparsity"], Is.EqualTo("0.9"));
    }

    [Test]
    public void The_reader_in_the_documentation_is_the_one_that_is_tested()
    {
        string script = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "scripts", "read_safetensors.py"));
        string reader = script[script.IndexOf("def read_safetensors", StringComparison.Ordinal)..script.IndexOf("\n\n\ntensors", StringComparison.Ordinal)];
        Assert.That(File.ReadAllText(Repository.Path("docs/formats.md")), Does.Contain(reader));
        Assert.That(File.ReadAllText(Repository.Path("docs/python.md")), Does.Contain(reader));
    }

    [Test]
    public void Python_reads_the_same_numbers_from_every_table()
    {
        Python.Require("csv");
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.Path("small.yaml"), """
            name: small
            title: A small run
            model: { kind: relu-output, features: 5, hidden: 2 }
            training: { steps: 200, batch: 128 }
            replicas: 3
            axes:
              - { path: data.density, values: [0.3, 0.1] }
            evaluation: { samples: 2000 }
            """);
        var run = Cli.Tests.Toy.Run(folder.Path(""), "run", "small.yaml");
        Assert.That(run.Code, Is.Zero, run.Error);
        string[] tables = Directory.GetFiles(folder.Path("artifacts/small/analysis"), "*.csv");
        var read = JsonNode.Parse(Python.Run("read_csv.py", tables))!.AsObject();
        int numbers = 0;
        foreach (var (table, fields) in read)
        {
            foreach (var field in fields!.AsArray().Select(field => field!.AsArray().Select(part => (string)part!).ToArray()))
            {
                Assert.That(field[2], Is.EqualTo(Python.Hex(double.Parse(field[1], System.Globalization.CultureInfo.InvariantCulture))), $"{table}: {field[0]} {field[1]}");
                numbers++;
            }
        }

        Assert.That(numbers, Is.GreaterThan(500));
    }

    [Test]
    public void Scipy_reads_a_shard()
    {
        Python.Require("scipy.sparse");
        using var folder = new TemporaryFolder();
        var matrix = new Csr(4, new[] { 0, 2, 2, 3 }, new[] { 1, 3, 0 }, new[] { 0.1f, 1f, -2f });
        AtomicFile.Write(folder.Path("shard.npz"), stream => CsrNpz.Save(matrix, stream));
        var read = JsonNode.Parse(Python.Run("read_npz.py", folder.Path("shard.npz")))!;
        Assert.That(read["shape"]!.ToJsonString(), Is.EqualTo("[3,4]"));
        AssertSame(matrix, read);
        Assert.That(Floats(read["dense"]![0]!), Is.EqualTo(new[] { 0f, 0.1f, 0f, 1f }));
    }

    [Test]
    public void Scipy_reads_a_shard_without_entries()
    {
        Python.Require("scipy.sparse");
        using var folder = new TemporaryFolder();
        var matrix = new Csr(4, new int[3], Array.Empty<int>(), Array.Empty<float>());
        AtomicFile.Write(folder.Path("shard.npz"), stream => CsrNpz.Save(matrix, stream));
        Assert.That(JsonNode.Parse(Python.Run("read_npz.py", folder.Path("shard.npz")))!["shape"]!.ToJsonString(), Is.EqualTo("[2,4]"));
    }

    [Test]
    public void What_scipy_saves_is_read(
        [Values("float32", "float64")] string dtype, [Values("compressed", "stored")] string compression, [Values("int32", "int64")] string indices)
    {
        Python.Require("scipy.sparse");
        using var folder = new TemporaryFolder();
        var written = JsonNode.Parse(Python.Run("write_npz.py", folder.Path("x.npz"), dtype, compression, indices))!;
        var matrix = CsrNpz.Load(folder.Path("x.npz"));
        Assert.That((matrix.Rows, matrix.Columns), Is.EqualTo((50, 9)));
        AssertSame(matrix, written);
    }

    [Test]
    public void A_matrix_whose_columns_are_not_sorted_is_refused_with_the_remedy()
    {
        Python.Require("scipy.sparse");
        using var folder = new TemporaryFolder();
        Python.Run("write_npz.py", folder.Path("x.npz"), "float32", "stored", "unsorted");
        Assert.That(() => CsrNpz.Load(folder.Path("x.npz")), Throws.TypeOf<InvalidInputException>().With.Message.Contains("sum_duplicates"));
    }

    private static void AssertSame(Csr matrix, JsonNode json)
    {
        Assert.That(json["indptr"]!.AsArray().Select(value => (int)value!), Is.EqualTo(matrix.RowStart.ToArray()));
        Assert.That(json["indices"]!.AsArray().Select(value => (int)value!), Is.EqualTo(matrix.ColumnIndices.ToArray()));
        Assert.That(Floats(json["data"]!), Is.EqualTo(matrix.Values.ToArray()));
    }

    private static float[] Floats(JsonNode array) => [.. array.AsArray().Select(value => (float)(double)value!)];
}
