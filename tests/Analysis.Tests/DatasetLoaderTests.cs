using CsCheck;
using Microsoft.ML;
using Microsoft.ML.Data;
using ToyPipeline.Analysis.Data;
using ToyPipeline.Core;

namespace ToyPipeline.Analysis.Tests;

public sealed class DatasetLoaderTests
{
    private readonly MLContext _ml = new(1);

    [Test]
    public void Rows_are_those_of_the_shards()
    {
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 6], Gen.Int[1, 15], Gen.Double[0, 1]).Sample(
            (samples, features, shardSize, density) =>
            {
                using var folder = new TemporaryFolder();
                float[] x = TestData.Samples(samples, features, density);
                TestData.WriteDataset(folder.Root, x, features, shardSize);
                var view = _ml.Data.LoadFromDataset(folder.Root);
                return view.GetRowCount() == samples && Rows(view).SelectMany(row => row.DenseValues()).SequenceEqual(x);
            },
            iter: 30);
    }

    [Test]
    public void Rows_are_sparse_and_of_known_size()
    {
        using var folder = new TemporaryFolder();
        TestData.WriteDataset(folder.Root, [0, 0.5f, 0, 0, 0, 0, 1, 2, 3], 3, 2);
        var view = _ml.Data.LoadFromDataset(folder.Root);
        var rows = Rows(view);
        Assert.Multiple(() =>
        {
            Assert.That(((VectorDataViewType)view.Schema["Features"].Type).Size, Is.EqualTo(3));
            Assert.That(rows.Select(row => row.IsDense), Is.EqualTo(new[] { false, false, true }));
            Assert.That(rows[0].GetIndices().ToArray(), Is.EqualTo(new[] { 1 }));
            Assert.That(rows[1].GetValues().Length, Is.Zero);
        });
    }

    [Test]
    public void Cursors_do_not_disturb_each_other()
    {
        using var folder = new TemporaryFolder();
        TestData.WriteDataset(folder.Root, [1, 2, 3, 4], 1, 1);
        var view = _ml.Data.LoadFromDataset(folder.Root);
        using var first = view.GetRowCursor(view.Schema);
        using var second = view.GetRowCursor(view.Schema);
        var get = first.GetGetter<VBuffer<float>>(view.Schema["Features"]);
        var value = default(VBuffer<float>);
        first.MoveNext();
        while (second.MoveNext())
        {
        }

        get(ref value);
        Assert.Multiple(() =>
        {
            Assert.That(value.DenseValues(), Is.EqualTo(new[] { 1f }));
            Assert.That(first.Position, Is.Zero);
            Assert.That(second.Position, Is.EqualTo(-1));
            Assert.That(second.MoveNext(), Is.False);
        });
    }

    [Test]
    public void A_column_that_was_not_asked_for_cannot_be_read()
    {
        using var folder = new TemporaryFolder();
        TestData.WriteDataset(folder.Root, [1, 2], 1, 2);
        var view = _ml.Data.LoadFromDataset(folder.Root);
        using var cursor = view.GetRowCursor([]);
        Assert.Multiple(() =>
        {
            Assert.That(cursor.IsColumnActive(view.Schema["Features"]), Is.False);
            Assert.That(() => cursor.GetGetter<VBuffer<float>>(view.Schema["Features"]), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }

    [Test]
    public void A_truncated_shard_is_told_in_one_sentence()
    {
        using var folder = new TemporaryFolder();
        TestData.WriteDataset(folder.Root, TestData.Samples(100, 4, 0.5), 4, 50);
        string shard = folder.File("shard-00001.npz");
        byte[] bytes = File.ReadAllBytes(shard);
        File.WriteAllBytes(shard, bytes[..(bytes.Length / 2)]);
        var view = _ml.Data.LoadFromDataset(folder.Root);
        var error = Assert.Throws<InvalidInputException>(() => Rows(view))!;
        Assert.That(error.Message, Does.Contain("shard-00001.npz").And.Contain("SHA-256").And.EndWith(".").And.Not.Contain("\n"));
    }

    [Test]
    public void A_missing_folder_is_an_input_error() =>
        Assert.That(() => _ml.Data.LoadFromDataset("no-such-folder"), Throws.InstanceOf<InvalidInputException>());

    [Test]
    public void Csv_gives_the_same_rows()
    {
        using var folder = new TemporaryFolder();
        float[] x = TestData.Samples(50, 3, 0.4);
        var lines = x.Chunk(3).Select(row => string.Join(',', row.Select(value => value.ToString("R"))));
        File.WriteAllLines(folder.File("data.csv"), lines.Prepend("f0,f1,f2"));
        var view = _ml.Data.LoadFromDatasetCsv(folder.File("data.csv"));
        Assert.Multiple(() =>
        {
            Assert.That(view.GetRowCount(), Is.Null);
            Assert.That(Rows(view).SelectMany(row => row.DenseValues()), Is.EqualTo(x));
            Assert.That(Rows(view).All(row => row.GetValues().ToArray().All(value => value != 0)));
        });
    }

    [TestCase("", "is empty")]
    [TestCase("a,b\n1,2\n", "called a")]
    [TestCase("f0,f1\n1,oops\n", ":2: f1 is oops")]
    [TestCase("f0,f1\n1,NaN\n", ":2: f1 is NaN")]
    [TestCase("f0,f1\n1,2\n1\n", ":3:")]
    public void A_wrong_csv_is_told_with_its_line(string text, string expected)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("data.csv"), text);
        var error = Assert.Throws<InvalidInputException>(() => Rows(_ml.Data.LoadFromDatasetCsv(folder.File("data.csv"))))!;
        Assert.That(error.Message, Does.Contain(expected));
    }

    [Test]
    public void Batches_are_dense_blocks_of_the_rows()
    {
        using var folder = new TemporaryFolder();
        float[] x = TestData.Samples(23, 4, 0.3);
        TestData.WriteDataset(folder.Root, x, 4, 7);
        var dense = _ml.Data.LoadFromEnumerable(x.Chunk(4).Select(row => new Sample { Features = row }), SampleSchema(4));
        foreach (var open in (Func<SampleBatches>[])[() => SampleBatches.Open(folder.Root), () => SampleBatches.Open(dense)])
        {
            using var batches = open();
            var read = new List<float>();
            float[] batch = new float[5 * 4];
            while (batches.Read(batch) is > 0 and var rows)
                read.AddRange(batch.AsSpan(0, rows * 4));
            Assert.That(read, Is.EqualTo(x));
        }
    }

    internal sealed class Sample
    {
        public float[] Features { get; set; } = [];
    }

    internal static SchemaDefinition SampleSchema(int features)
    {
        var schema = SchemaDefinition.Create(typeof(Sample));
        schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, features);
        return schema;
    }

    internal static List<VBuffer<float>> Rows(IDataView view, string column = "Features")
    {
        var rows = new List<VBuffer<float>>();
        using var cursor = view.GetRowCursor([view.Schema[column]]);
        var get = cursor.GetGetter<VBuffer<float>>(view.Schema[column]);
        while (cursor.MoveNext())
        {
            var value = default(VBuffer<float>);
            get(ref value);
            rows.Add(value);
        }

        return rows;
    }
}
