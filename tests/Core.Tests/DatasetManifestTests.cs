using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;

namespace ToyPipeline.Core.Tests;

/// <summary><c>dataset.json</c>: round trip, folder names, hostile content.</summary>
public sealed class DatasetManifestTests
{
    private static readonly DataSpec s_data = new(
        [1, 0.5, 0.25, 0.25], ValueRange.Signed, [new FeatureSet(SetKind.Anticorrelated, [2, 3], 0.25)], 100);

    private static readonly DatasetManifest s_manifest = new(
        4, 70, ulong.MaxValue, RandomStream.Training, s_data, [new("shard-00000.npz", 64, 99, "aa"), new("shard-00001.npz", 6, 5, "bb")]);

    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("toy-dataset-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void What_is_saved_is_loaded()
    {
        s_manifest.Save(_folder);
        string first = File.ReadAllText(Path.Combine(_folder, DatasetManifest.FileName));
        var loaded = DatasetManifest.Load(_folder);
        loaded.Save(_folder);
        Assert.Multiple(() =>
        {
            Assert.That(File.ReadAllText(Path.Combine(_folder, DatasetManifest.FileName)), Is.EqualTo(first));
            Assert.That((loaded.Features, loaded.Samples, loaded.Seed, loaded.Stream, loaded.Format), Is.EqualTo((4, 70L, ulong.MaxValue, RandomStream.Training, "toypipeline-dataset-1")));
            Assert.That(loaded.Shards, Is.EqualTo(s_manifest.Shards));
            Assert.That(loaded.Data.Density, Is.EqualTo(s_data.Density));
            Assert.That(loaded.Data.Sets[0].Members, Is.EqualTo(new[] { 2, 3 }));
        });
    }

    [Test]
    public void The_folder_name_is_a_digest_of_all_that_decides_the_samples()
    {
        string name = DatasetManifest.FolderName(s_data, RandomStream.Evaluation, 7, 100);
        Assert.Multiple(() =>
        {
            // Datasets on disk have these names: a change orphans them.
            Assert.That(name, Is.EqualTo("eval-b90c2492cc5d"));
            Assert.That(DatasetManifest.FolderName(s_data, RandomStream.Training, 7, 100), Is.EqualTo(name.Replace("eval", "train", StringComparison.Ordinal)));
            Assert.That(DatasetManifest.FolderName(s_data with { TrainSamples = null }, RandomStream.Evaluation, 7, 100), Is.EqualTo(name));
            Assert.That(new[]
            {
                DatasetManifest.FolderName(s_data, RandomStream.Evaluation, 8, 100),
                DatasetManifest.FolderName(s_data, RandomStream.Evaluation, 7, 101),
                DatasetManifest.FolderName(s_data with { Range = ValueRange.Unit }, RandomStream.Evaluation, 7, 100),
                DatasetManifest.FolderName(s_data with { Sets = [] }, RandomStream.Evaluation, 7, 100),
                DatasetManifest.FolderName(s_data with { Density = [1, 0.5, 0.25, 0.125] }, RandomStream.Evaluation, 7, 100),
                name,
            }.Distinct().Count(), Is.EqualTo(6));
        });
    }

    [TestCase("shard-00001.npz", "../secret.npz")]
    [TestCase("shard-00001.npz", "/etc/passwd")]
    [TestCase("shard-00001.npz", "..")]
    [TestCase("shard-00001.npz", "c:\\\\x.npz")]
    [TestCase("shard-00001.npz", "")]
    [TestCase("toypipeline-dataset-1", "toypipeline-dataset-2")]
    [TestCase("\"samples\": 70", "\"samples\": 71")]
    [TestCase("\"samples\": 6,", "\"samples\": 0,")]
    [TestCase("\"features\": 4", "\"features\": 5")]
    [TestCase("\"features\": 4", "\"features\": -4")]
    [TestCase("\"training\"", "\"rehearsal\"")]
    [TestCase("\"shards\": [", "\"shards\": [ null,")]
    [TestCase("\"shards\": [", "\"shards\": 5, \"other\": [")]
    [TestCase("{", "")]
    public void A_manifest_that_does_not_add_up_is_refused(string what, string by)
    {
        s_manifest.Save(_folder);
        string path = Path.Combine(_folder, DatasetManifest.FileName);
        string text = File.ReadAllText(path);
        int at = text.IndexOf(what, StringComparison.Ordinal);
        File.WriteAllText(path, string.Concat(text.AsSpan(0, at), by, text.AsSpan(at + what.Length)));
        Assert.That(() => DatasetManifest.Load(_folder), Throws.TypeOf<InvalidInputException>().With.Message.Contains(DatasetManifest.FileName));
    }

    [Test]
    public void A_folder_without_a_manifest_is_named() =>
        Assert.That(() => DatasetManifest.Load(Path.Combine(_folder, "absent")), Throws.TypeOf<InvalidInputException>().With.Message.Contains("absent").And.Message.Contains("run `toy generate` first"));

    [Test]
    public void A_shard_of_another_shape_is_refused()
    {
        var matrix = new Csr(4, new[] { 0, 1, 1 }, new[] { 3 }, new[] { 0.5f });
        AtomicFile.Write(Path.Combine(_folder, "shard-00000.npz"), stream => CsrNpz.Save(matrix, stream));
        var shard = new DatasetShard("shard-00000.npz", 2, 1, "");
        var manifest = s_manifest with { Samples = 2, Shards = [shard] };
        Assert.That(manifest.LoadShard(_folder, shard).Rows, Is.EqualTo(2));
        Assert.That(() => manifest.LoadShard(_folder, shard with { Samples = 3 }), Throws.TypeOf<InvalidInputException>().With.Message.Contains("has 2 samples of 4 features where dataset.json says 3 of 4"));
        Assert.That(() => manifest.LoadShard(_folder, shard with { File = "shard-00009.npz" }), Throws.TypeOf<InvalidInputException>().With.Message.Contains("does not exist"));
    }
}
