using Microsoft.ML;
using Microsoft.ML.Data;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Analysis.Scoring;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export;

namespace ToyPipeline.Analysis.Tests;

public sealed class ScoringTests
{
    private const int N = 5;
    private const int M = 3;
    private const int Samples = 37;
    private static readonly ToyModelScoringOptions s_small = new() { BatchSize = 8 };

    private readonly MLContext _ml = new(1);
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Rows_match_the_plain_forward_pass([Values] ModelKind kind, [Values] bool ensemble, [Values] bool sparse)
    {
        var weights = TestData.Weights(kind, ensemble ? 3 : 1, N, M);
        float[] x = TestData.Samples(Samples, N, 0.5, signed: kind == ModelKind.AbsoluteValue);
        using var transformer = _ml.Transforms.ScoreToyModel(Model(weights, ensemble), s_small).Fit(Data(x, sparse));
        var scored = transformer.Transform(Data(x, sparse));
        foreach (string output in (string[])["reconstruction", "hidden", "preactivation"])
        {
            var rows = DatasetLoaderTests.Rows(scored, output);
            Assert.That(rows, Has.Count.EqualTo(Samples));
            for (int r = 0; r < Samples; r++)
                Assert.That(rows[r].DenseValues(), Is.EqualTo(Expected(weights, x, r, output)).Within(1e-6), $"{output}, row {r}");
        }
    }

    [Test]
    public void Batches_match_rows([Values(1, 8, 37, 64)] int batchSize, [Values] bool ensemble)
    {
        var weights = TestData.Weights(ModelKind.ReluOutput, ensemble ? 2 : 1, N, M);
        float[] x = TestData.Samples(Samples, N, 0.5);
        var data = Data(x, sparse: true);
        using var transformer = _ml.Transforms.ScoreToyModel(Model(weights, ensemble), new() { BatchSize = batchSize }).Fit(data);
        var values = new List<float>();
        long next = 0;
        foreach (var batch in transformer.ScoreBatches(data, "reconstruction"))
        {
            Assert.That(batch.FirstRow, Is.EqualTo(next));
            Assert.That(batch.Samples.ToArray(), Is.EqualTo(x.AsSpan((int)next * N, batch.Rows * N).ToArray()));
            Assert.That(() => batch.Output("hidden").Length, Throws.ArgumentException);
            values.AddRange(batch.Output("reconstruction"));
            next += batch.Rows;
        }

        var rows = DatasetLoaderTests.Rows(transformer.Transform(data), "reconstruction").SelectMany(row => row.DenseValues());
        Assert.That(values, Is.EqualTo(rows));
    }

    [Test]
    public void Any_number_of_threads_gives_the_same_bits_in_the_same_order([Values(2, 3, 7)] int threads, [Values(64, 1000)] int batchSize, [Values] bool ensemble, [Values] bool sparse)
    {
        // 3,500 samples: batches of several slices, and of one.
        const int n = 90;
        var weights = TestData.Weights(ModelKind.ReluOutput, ensemble ? 3 : 1, n, 12);
        var data = Data(TestData.Samples(3500, n, 0.1), sparse, n);
        string model = Model(weights, ensemble);
        var (expected, inputs) = Batches(1);
        var (actual, read) = Batches(threads);
        Assert.Multiple(() =>
        {
            Assert.That(read.AsSpan().SequenceEqual(inputs), "samples");
            Assert.That(actual.AsSpan().SequenceEqual(expected), "outputs");
            using var transformer = _ml.Transforms.ScoreToyModel(model, new() { BatchSize = batchSize, Threads = threads }).Fit(data);
            Assert.That(DatasetLoaderTests.Rows(transformer.Transform(data), "reconstruction").SelectMany(row => row.DenseValues()).ToArray().AsSpan().SequenceEqual(expected), "rows");
        });

        (float[] Outputs, float[] Samples) Batches(int count)
        {
            using var transformer = _ml.Transforms.ScoreToyModel(model, new() { BatchSize = batchSize, Threads = count }).Fit(data);
            var outputs = new List<float>();
            var samples = new List<float>();
            foreach (var batch in transformer.ScoreBatches(data, "reconstruction"))
            {
                samples.AddRange(batch.Samples);
                outputs.AddRange(batch.Output("reconstruction"));
            }

            return ([.. outputs], [.. samples]);
        }
    }

    [Test]
    public void What_goes_wrong_ahead_is_thrown_when_the_reader_gets_there([Values(1, 2, 5)] int threads, [Values(0, 640, 1000, 1023, 1024)] int damaged)
    {
        const int n = 200, batchSize = 256;
        float[] x = TestData.Samples(2000, n, 0.1);
        var data = _ml.Data.LoadFromEnumerable(Broken(), DatasetLoaderTests.SampleSchema(n));
        using var transformer = _ml.Transforms.ScoreToyModel(Model(TestData.Weights(ModelKind.ReluOutput, 1, n, 5), ensemble: false), new() { BatchSize = batchSize, Threads = threads }).Fit(data);
        int rows = 0;
        var thrown = Assert.Catch(() =>
        {
            foreach (var batch in transformer.ScoreBatches(data, "hidden"))
                rows += batch.Rows;
        });
        Assert.That((thrown!.GetBaseException().Message, rows), Is.EqualTo(("row " + damaged, damaged / batchSize * batchSize)));

        IEnumerable<DatasetLoaderTests.Sample> Broken()
        {
            for (int r = 0; r < damaged; r++)
                yield return new DatasetLoaderTests.Sample { Features = x.AsSpan(r * n, n).ToArray() };
            throw new IOException("row " + damaged);
        }
    }

    [Test]
    public void A_reader_that_is_left_early_leaves_nothing_behind([Values(1, 2, 5)] int threads)
    {
        const int n = 200;
        var data = Data(TestData.Samples(3000, n, 0.1), sparse: true, n);
        var transformer = _ml.Transforms.ScoreToyModel(Model(TestData.Weights(ModelKind.ReluOutput, 1, n, 5), ensemble: false), new() { BatchSize = 256, Threads = threads }).Fit(data);
        float[] whole = [.. transformer.ScoreBatches(data, "hidden").SelectMany(batch => batch.Output("hidden").ToArray())];
        for (int taken = 1; taken <= 12; taken++)
        {
            float[] part = [.. transformer.ScoreBatches(data, "hidden").Take(taken).SelectMany(batch => batch.Output("hidden").ToArray())];
            Assert.That(part.AsSpan().SequenceEqual(whole.AsSpan(0, Math.Min(taken * 256, 3000) * 5)), $"{taken} batches");
        }

        // Nobody uses the session any more.
        transformer.Dispose();
    }

    [Test]
    public void Outputs_that_nobody_named_are_not_computed([Values] ModelKind kind, [Values] bool ensemble, [Values("reconstruction", "hidden", "preactivation")] string output)
    {
        const int n = 40;
        var data = Data(TestData.Samples(300, n, 0.2, signed: kind == ModelKind.AbsoluteValue), sparse: true, n);
        string model = Model(TestData.Weights(kind, ensemble ? 3 : 1, n, 7), ensemble);
        using var all = _ml.Transforms.ScoreToyModel(model).Fit(data);
        using var one = _ml.Transforms.ScoreToyModel(model, new() { OutputColumnNames = [output], Threads = 2 }).Fit(data);
        Assert.Multiple(() =>
        {
            Assert.That(Values(one), Is.EqualTo(Values(all)).Within(1e-6));
            Assert.That(one.Session.Outputs.Select(kept => kept.Name), Is.EqualTo(new[] { output }));
            Assert.That(() => one.ScoreBatches(data, output == "hidden" ? "preactivation" : "hidden"), Throws.InstanceOf<InvalidInputException>().With.Message.Contains($"it has {output}"));
        });

        float[] Values(ToyModelScoringTransformer transformer) => [.. transformer.ScoreBatches(data, output).SelectMany(batch => batch.Output(output).ToArray())];
    }

    [Test]
    public void Slices_begin_in_one_shard_and_end_in_another([Values(1, 3)] int threads)
    {
        const int n = 40;
        float[] x = TestData.Samples(1500, n, 0.2);
        // One row in four dense.
        for (int row = 0; row < 1500; row += 4)
            x.AsSpan(row * n, n).Fill(row + 1);
        TestData.WriteDataset(_folder.File("shards"), x, n, 77);
        var data = _ml.Data.LoadFromDataset(_folder.File("shards"));
        using var transformer = _ml.Transforms.ScoreToyModel(Model(TestData.Weights(ModelKind.Linear, 1, n, 7), ensemble: false), new() { BatchSize = 200, Threads = threads }).Fit(data);
        var read = new List<float>();
        foreach (var batch in transformer.ScoreBatches(data, "hidden"))
        {
            read.AddRange(batch.Samples);
            Assert.That(batch.Samples.SequenceEqual(x.AsSpan((int)batch.FirstRow * n, batch.Rows * n)), "asked for again");
        }

        Assert.That(read.ToArray().AsSpan().SequenceEqual(x));
    }

    [Test]
    public void The_schema_is_known_without_data()
    {
        var weights = TestData.Weights(ModelKind.ReluOutput, 3, N, M);
        var data = Data(TestData.Samples(1, N, 1), sparse: false);
        var estimator = _ml.Transforms.ScoreToyModel(Model(weights, ensemble: true), new() { OutputColumnNames = ["hidden"] });
        using var transformer = estimator.Fit(data);
        var schema = transformer.GetOutputSchema(data.Schema);
        Assert.Multiple(() =>
        {
            Assert.That(schema.Select(column => column.Name), Is.EqualTo(new[] { "Features", "hidden" }));
            Assert.That(((VectorDataViewType)schema["hidden"].Type).Dimensions, Is.EqualTo(new[] { 3, M }));
            Assert.That(transformer.Transform(data).Schema["hidden"].Type, Is.EqualTo(schema["hidden"].Type));
        });
        // A chain propagates the shape before anything is fitted.
        using var chain = estimator.Append(_ml.Transforms.CopyColumns("h", "hidden")).Fit(data);
        Assert.That(chain.GetOutputSchema(data.Schema)["h"].Type, Is.EqualTo(schema["hidden"].Type));
    }

    [Test]
    public void Only_what_is_asked_for_is_computed()
    {
        var weights = TestData.Weights(ModelKind.ReluOutput, 1, N, M);
        float[] x = TestData.Samples(Samples, N, 0.5);
        var data = Data(x, sparse: true);
        var transformer = _ml.Transforms.ScoreToyModel(Model(weights, ensemble: false), s_small).Fit(data);
        var scored = transformer.Transform(data);
        using (var cursor = scored.GetRowCursor([scored.Schema["hidden"]]))
        {
            Assert.That(cursor.IsColumnActive(scored.Schema["hidden"]));
            Assert.That(cursor.IsColumnActive(scored.Schema["reconstruction"]), Is.False);
            Assert.That(cursor.IsColumnActive(scored.Schema["Features"]), Is.False);
            Assert.That(() => cursor.GetGetter<VBuffer<float>>(scored.Schema["reconstruction"]), Throws.InstanceOf<ArgumentOutOfRangeException>());
        }

        // With the session gone, columns of the input still come: nothing was scored for them.
        transformer.Dispose();
        Assert.That(DatasetLoaderTests.Rows(scored, "Features").SelectMany(row => row.DenseValues()), Is.EqualTo(x));
    }

    [Test]
    public void Cursors_do_not_disturb_each_other_and_columns_stay_in_step()
    {
        var weights = TestData.Weights(ModelKind.ReluOutput, 1, N, M);
        float[] x = TestData.Samples(Samples, N, 0.5);
        var data = Data(x, sparse: true);
        using var transformer = _ml.Transforms.ScoreToyModel(Model(weights, ensemble: false), s_small).Fit(data);
        var scored = transformer.Transform(data);
        using var slow = scored.GetRowCursor(scored.Schema);
        using var fast = scored.GetRowCursor([scored.Schema["hidden"]]);
        var features = slow.GetGetter<VBuffer<float>>(scored.Schema["Features"]);
        var output = slow.GetGetter<VBuffer<float>>(scored.Schema["reconstruction"]);
        VBuffer<float> sample = default, y = default;
        for (int r = 0; r < Samples; r++)
        {
            Assert.That(slow.MoveNext());
            for (int ahead = 0; ahead < 3; ahead++)
                fast.MoveNext();
            features(ref sample);
            output(ref y);
            Assert.That(sample.DenseValues(), Is.EqualTo(x.AsSpan(r * N, N).ToArray()));
            Assert.That(y.DenseValues(), Is.EqualTo(Expected(weights, x, r, "reconstruction")).Within(1e-6));
        }

        Assert.That(slow.MoveNext(), Is.False);
    }

    [Test]
    public void A_saved_pipeline_scores_the_same([Values] bool ensemble)
    {
        var weights = TestData.Weights(ModelKind.ReluOutput, ensemble ? 2 : 1, N, M);
        float[] x = TestData.Samples(Samples, N, 0.5);
        var data = Data(x, sparse: true);
        string model = Model(weights, ensemble);
        using var chain = _ml.Transforms.ScoreToyModel(model, s_small).Append(_ml.Transforms.CopyColumns("y", "reconstruction")).Fit(data);
        _ml.Model.Save(chain, data.Schema, _folder.File("pipeline.zip"));
        var expected = DatasetLoaderTests.Rows(chain.Transform(data), "y").SelectMany(row => row.DenseValues()).ToList();
        File.Delete(model);

        var other = new MLContext();
        other.ComponentCatalog.RegisterToyModels();
        other.ComponentCatalog.RegisterToyModels();
        var loaded = other.Model.Load(_folder.File("pipeline.zip"), out var schema);
        Assert.Multiple(() =>
        {
            Assert.That(schema.Select(column => column.Name), Is.EqualTo(new[] { "Features" }));
            Assert.That(DatasetLoaderTests.Rows(loaded.Transform(data), "y").SelectMany(row => row.DenseValues()), Is.EqualTo(expected));
            var scorer = ((IEnumerable<ITransformer>)loaded).OfType<ToyModelScoringTransformer>().Single();
            Assert.That(scorer.Options.BatchSize, Is.EqualTo(8));
        });
        (loaded as IDisposable)?.Dispose();
    }

    [Test]
    public void The_stock_scorer_fits_the_same_measures()
    {
        var weights = TestData.Weights(ModelKind.ReluOutput, 1, N, M);
        float[] x = TestData.Samples(Samples, N, 0.5);
        double[] importance = [1, 0.9, 0.8, 0.7, 0.6];
        var data = Data(x, sparse: false);
        string model = Model(weights, ensemble: false);
        using var ours = _ml.Transforms.ScoreToyModel(model).Fit(data);
        // The stock scorer wants the column named as the input, and hands rows over one by one.
        var renamed = _ml.Transforms.CopyColumns("x", "Features").Fit(data).Transform(data);
        var stock = _ml.Transforms.ApplyOnnxModel("reconstruction", "x", model, new Dictionary<string, int[]> { ["x"] = [1, N], ["reconstruction"] = [1, N] }).Fit(renamed);
        var expected = EvaluationLoss.Of(ours.Transform(data), ModelKind.ReluOutput, importance);
        var actual = EvaluationLoss.Of(stock.Transform(renamed), ModelKind.ReluOutput, importance);
        Assert.That(actual.Mean, Is.EqualTo(expected.Mean).Within(1e-9));
    }

    [Test]
    public void A_prediction_engine_scores_single_rows([Values] bool stock)
    {
        var weights = TestData.Weights(ModelKind.ReluOutput, 1, N, M);
        float[] x = TestData.Samples(3, N, 0.5);
        var data = Data(x, sparse: false);
        string model = Model(weights, ensemble: false);
        IEstimator<ITransformer> scorer = stock
            ? _ml.Transforms.CopyColumns("x", "Features")
                .Append(_ml.Transforms.ApplyOnnxModel(["reconstruction", "hidden"], ["x"], model, new Dictionary<string, int[]> { ["x"] = [1, N], ["reconstruction"] = [1, N], ["hidden"] = [1, M] }, gpuDeviceId: null, fallbackToCpu: false))
            : _ml.Transforms.ScoreToyModel(model).Append(_ml.Transforms.CopyColumns("h", "hidden"));
        var transformer = scorer.Fit(data);
        using var engine = _ml.Model.CreatePredictionEngine<DatasetLoaderTests.Sample, Scored>(transformer, inputSchemaDefinition: DatasetLoaderTests.SampleSchema(N));
        for (int row = 0; row < 3; row++)
        {
            var scored = engine.Predict(new DatasetLoaderTests.Sample { Features = x[(row * N)..((row + 1) * N)] });
            Assert.That(scored.Reconstruction, Is.EqualTo(Expected(weights, x, row, "reconstruction")).Within(1e-6));
            Assert.That(scored.Hidden, Is.EqualTo(Expected(weights, x, row, "hidden")).Within(1e-6));
        }

        (transformer as IDisposable)?.Dispose();
    }

    [Test]
    public void A_single_row_is_scored_once_and_only_where_an_output_is_asked_for([Values] bool ensemble)
    {
        var weights = TestData.Weights(ModelKind.ReluOutput, ensemble ? 2 : 1, N, M);
        float[] x = TestData.Samples(2, N, 0.5);
        var data = Data(x, sparse: true);
        using var transformer = _ml.Transforms.ScoreToyModel(Model(weights, ensemble)).Fit(data);
        var mapper = transformer.GetRowToRowMapper(data.Schema);
        var hidden = mapper.OutputSchema["hidden"];
        Assert.Multiple(() =>
        {
            Assert.That(transformer.IsRowToRowMapper);
            Assert.That(mapper.GetDependencies([hidden]).Select(column => column.Name), Is.EqualTo(new[] { "Features" }));
            Assert.That(mapper.GetDependencies([]), Is.Empty);
        });
        using var cursor = data.GetRowCursor(mapper.GetDependencies([hidden]));
        using var row = mapper.GetRow(cursor, [hidden]);
        var get = row.GetGetter<VBuffer<float>>(hidden);
        var value = default(VBuffer<float>);
        for (int r = 0; cursor.MoveNext(); r++)
        {
            get(ref value);
            Assert.That(value.DenseValues(), Is.EqualTo(Expected(weights, x, r, "hidden")).Within(1e-6));
        }

        Assert.That(() => row.GetGetter<VBuffer<float>>(mapper.OutputSchema["reconstruction"]), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Wrong_inputs_are_told_in_a_sentence()
    {
        string model = Model(TestData.Weights(ModelKind.ReluOutput, 1, N, M), ensemble: false);
        File.WriteAllText(_folder.File("text.onnx"), "this is no model");
        var four = Data(TestData.Samples(2, 4, 1), sparse: true, 4);
        Assert.Multiple(() =>
        {
            Assert.That(() => _ml.Transforms.ScoreToyModel(_folder.File("none.onnx")), Throws.InstanceOf<InvalidInputException>().With.Message.Contains("does not exist"));
            Assert.That(() => _ml.Transforms.ScoreToyModel(_folder.File("text.onnx")), Throws.InstanceOf<InvalidInputException>().With.Message.Contains("text.onnx"));
            Assert.That(() => _ml.Transforms.ScoreToyModel(model, new() { OutputColumnNames = ["logits"] }), Throws.InstanceOf<InvalidInputException>().With.Message.Contains("it has reconstruction"));
            Assert.That(() => _ml.Transforms.ScoreToyModel(model).Fit(four), Throws.InstanceOf<InvalidInputException>().With.Message.Contains("4 features"));
            Assert.That(() => _ml.Transforms.ScoreToyModel(model, new() { InputColumnName = "z" }).Fit(four), Throws.InstanceOf<InvalidInputException>().With.Message.Contains("no column z"));
        });
    }

    private sealed class Scored
    {
        [ColumnName("reconstruction")]
        public float[] Reconstruction { get; set; } = [];

        [ColumnName("hidden")]
        public float[] Hidden { get; set; } = [];
    }

    private string Model(EnsembleWeights weights, bool ensemble)
    {
        string path = _folder.File(ensemble ? "pack.onnx" : "instance.onnx");
        if (ensemble)
            ModelWriter.SaveEnsemble(weights, path);
        else
            ModelWriter.SaveInstance(weights, 0, path);
        return path;
    }

    private IDataView Data(float[] x, bool sparse, int features = N)
    {
        if (!sparse)
            return _ml.Data.LoadFromEnumerable(x.Chunk(features).Select(row => new DatasetLoaderTests.Sample { Features = row }), DatasetLoaderTests.SampleSchema(features));
        string folder = _folder.File($"data-{features}");
        if (!Directory.Exists(folder))
            TestData.WriteDataset(folder, x, features, 10);
        return _ml.Data.LoadFromDataset(folder);
    }

    private static double[] Expected(EnsembleWeights weights, float[] x, int row, string output) =>
        [.. Enumerable.Range(0, weights.Instances.Count).SelectMany(place =>
        {
            var (y, h, z) = TestData.Forward(weights, place, x.AsSpan(row * N, N));
            return output switch { "reconstruction" => y, "hidden" => h, _ => z };
        })];
}
