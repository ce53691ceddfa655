using System.Globalization;
using System.Security.Cryptography;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;

namespace ToyPipeline.DataGen.Tests;

/// <summary>Datasets on disk: the same bytes whatever the threads, CSV that says the same as the .npz, nothing half-written.</summary>
public sealed class DatasetGeneratorTests
{
    private static readonly DataSpec s_data = new(
        [0.2, 0.5, 0.1, 0.1, 1], ValueRange.Signed, [new FeatureSet(SetKind.Correlated, [2, 3], 0.1)], null);

    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("toy-data-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    private string In(string name) => Path.Combine(_folder, name);

    private static string Digest(string path) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));

    [Test]
    public void The_bytes_do_not_depend_on_the_number_of_threads()
    {
        var digests = new List<string>();
        foreach (int threads in new[] { 1, 2, 7 })
        {
            var files = DatasetGenerator.Generate(In($"{threads}"), s_data, 5, RandomStream.Evaluation, 200_001, threads: threads);
            Assert.That(files, Is.EqualTo(new[] { "shard-00000.npz", "shard-00001.npz", "shard-00002.npz", "shard-00003.npz", "dataset.json" }));
            digests.Add(string.Join(' ', files.Select(file => Digest(Path.Combine(In($"{threads}"), file)))));
        }

        Assert.That(digests.Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public void The_manifest_says_what_the_shards_hold()
    {
        int told = 0;
        DatasetGenerator.Generate(_folder, s_data, 5, RandomStream.Training, 70_000, progress: count => Interlocked.Add(ref told, count));
        var manifest = DatasetManifest.Load(_folder);
        Assert.Multiple(() =>
        {
            Assert.That((manifest.Features, manifest.Samples, manifest.Seed, manifest.Stream), Is.EqualTo((5, 70_000L, 5ul, RandomStream.Training)));
            Assert.That(manifest.Shards.Select(shard => shard.Samples), Is.EqualTo(new[] { 65_536, 4_464 }));
            Assert.That(told, Is.EqualTo(70_000));
            foreach (var shard in manifest.Shards)
            {
                Assert.That(Digest(In(shard.File)), Is.EqualTo(shard.Sha256));
                Assert.That(manifest.LoadShard(_folder, shard).Entries, Is.EqualTo(shard.Entries));
            }
        });
    }

    [Test]
    public void The_rows_are_the_samples()
    {
        DatasetGenerator.Generate(_folder, s_data, 5, RandomStream.Evaluation, 65_536 + 100);
        var manifest = DatasetManifest.Load(_folder);
        float[] expected = new float[5 * (65_536 + 100)];
        new FeatureSampler(s_data).FillRows(5, RandomStream.Evaluation, 0, expected);
        float[] actual = new float[expected.Length];
        int row = 0;
        foreach (var shard in manifest.Shards)
        {
            var matrix = manifest.LoadShard(_folder, shard);
            for (int i = 0; i < matrix.Rows; i++)
                matrix.CopyRow(i, actual.AsSpan(5 * row++, 5));
        }

        Assert.That(actual.AsSpan().SequenceEqual(expected), Is.True);
    }

    [Test]
    public void The_bytes_are_the_ones_they_always_were()
    {
        DatasetGenerator.Generate(_folder, s_data, 5, RandomStream.Evaluation, 1000);
        Assert.That(Digest(In("shard-00000.npz")), Is.EqualTo("2ba4f6a03857ca43a45aabbde0c30203e9a657d86985caa8b3cc38a860a6265d"));
    }

    [Test]
    public void Csv_says_the_same_as_npz_and_reads_back_exactly()
    {
        var files = DatasetGenerator.Generate(_folder, s_data, 5, RandomStream.Evaluation, 65_600, csv: true);
        Assert.That(files, Is.EqualTo(new[] { "shard-00000.npz", "shard-00001.npz", "shard-00000.csv", "shard-00001.csv", "dataset.json" }));
        var manifest = DatasetManifest.Load(_folder);
        foreach (var shard in manifest.Shards)
        {
            var matrix = manifest.LoadShard(_folder, shard);
            string text = File.ReadAllText(In(Path.ChangeExtension(shard.File, ".csv")));
            Assert.That(text, Does.EndWith("\n").And.Not.Contain("\r"));
            string[] lines = text.TrimEnd('\n').Split('\n');
            Assert.That(lines[0], Is.EqualTo("f0,f1,f2,f3,f4"));
            Assert.That(lines, Has.Length.EqualTo(matrix.Rows + 1));
            float[] row = new float[5];
            for (int i = 0; i < matrix.Rows; i++)
            {
                matrix.CopyRow(i, row);
                float[] read = [.. lines[i + 1].Split(',').Select(field => float.Parse(field, CultureInfo.InvariantCulture))];
                if (!read.AsSpan().SequenceEqual(row))
                    Assert.Fail($"Row {i} is {lines[i + 1]}, not {string.Join(", ", row)}.");
            }
        }
    }

    [Test]
    public void Shards_of_wide_dense_data_hold_fewer_samples()
    {
        // 2,048 dense features: 2²⁴ entries are 8,192 samples.
        var wide = new DataSpec([.. Enumerable.Repeat(1.0, 2048)], ValueRange.Unit, [], null);
        DatasetGenerator.Generate(_folder, wide, 1, RandomStream.Evaluation, 8_200, threads: 1);
        Assert.That(DatasetManifest.Load(_folder).Shards.Select(shard => (shard.Samples, shard.Entries)), Is.EqualTo(new[] { (8192, 8192L * 2048), (8, 8L * 2048) }));
    }

    [Test]
    public void Cancelling_leaves_neither_a_manifest_nor_half_a_file()
    {
        using var stop = new CancellationTokenSource();
        Assert.That(() => DatasetGenerator.Generate(_folder, s_data, 5, RandomStream.Evaluation, 2_000_000, threads: 2, progress: _ => stop.Cancel(), cancellation: stop.Token),
            Throws.InstanceOf<OperationCanceledException>());
        string[] left = [.. Directory.GetFiles(_folder).Select(path => Path.GetFileName(path))];
        Assert.That(left, Is.Not.Empty.And.All.Match(@"^shard-\d{5}\.npz\z"));
        Assert.That(left, Has.Length.LessThan(31));
        foreach (string file in left)
            Assert.That(CsrNpz.Load(In(file)).Rows, Is.InRange(1, 65_536));
    }

    [Test]
    public void A_folder_that_cannot_be_written_is_a_fault_of_the_environment_whatever_the_thread()
    {
        File.WriteAllText(In("file"), "");
        Assert.That(() => DatasetGenerator.Generate(In("file/data"), s_data, 5, RandomStream.Evaluation, 300_000, threads: 2), Throws.TypeOf<EnvironmentFaultException>());
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(200)]
    public void A_truncated_shard_is_found(int missing)
    {
        DatasetGenerator.Generate(_folder, s_data, 5, RandomStream.Evaluation, 1000);
        var manifest = DatasetManifest.Load(_folder);
        byte[] bytes = File.ReadAllBytes(In("shard-00000.npz"));
        File.WriteAllBytes(In("shard-00000.npz"), missing == 0 ? [] : bytes[..^missing]);
        Assert.That(() => manifest.LoadShard(_folder, manifest.Shards[0]), Throws.TypeOf<InvalidInputException>().With.Message.Contains("shard-00000.npz"));
    }
}
