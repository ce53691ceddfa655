using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using ToyPipeline.Analysis;
using ToyPipeline.Analysis.Data;
using ToyPipeline.Analysis.Scoring;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;
using ToyPipeline.DataGen;
using ToyPipeline.Export;

namespace ToyPipeline.Bench;

/// <summary>Scoring an exported model in ML.NET, by rows and by batches, against a bare loop over the ONNX Runtime session.</summary>
internal static class ScoreBenchmarks
{
    private const int Batch = 1024;
    private const int Samples = 64 * Batch;
    private const int StockSamples = 2 * Batch; // row by row
    private const string Output = "reconstruction";

    public static IEnumerable<Benchmark> All =>
    [
        new("score/n5m2", harness => Run("score/n5m2", 5, 2, 0.2, 0.6, harness)),
        new("score/n400m30", harness => Run("score/n400m30", 400, 30, 0.9, 0.9, harness)),
    ];

    private static List<Result> Run(string name, int n, int m, double rowsTarget, double batchesTarget, Harness harness)
    {
        using var folder = new ScratchFolder();
        string model = folder.Sub("instance.onnx");
        ModelWriter.SaveInstance(Weights(n, m), 0, model);
        var ml = new MLContext(1);
        var samples = ml.Data.LoadFromDataset(Draw(n, folder.Sub("data")));
        int threads = Machine.Threads;
        using var transformer = ml.Transforms.ScoreToyModel(model, new() { BatchSize = Batch, Threads = threads, OutputColumnNames = [Output] }).Fit(samples);
        var scored = transformer.Transform(samples);
        using var bare = new BareSession(model, n, threads);
        Side rows = Harness.Timed(repetitions => Repeat(repetitions, () => ReadRows(scored))), peer = Harness.Timed(repetitions => Repeat(repetitions, bare.Score));
        Side batches = Harness.Timed(repetitions => Repeat(repetitions, () => ReadBatches(transformer, samples)));

        var byRows = harness.Compare(rows, peer);
        var byBatches = harness.Compare(batches, peer);
        var stock = Stock(ml, model, samples);
        var byStock = harness.Compare(rows, Harness.Timed(repetitions => Repeat(repetitions, () => ReadRows(stock))));
        return
        [
            Rate($"{name}-rows", byRows, Samples, rowsTarget, "peer: bare session"),
            Rate($"{name}-batches", byBatches, Samples, batchesTarget, "peer: bare session"),
            Rate($"{name}-stock", byStock, StockSamples, null, "ours by rows; peer: ApplyOnnxModel, for information"),
        ];

        Result Rate(string benchmark, Comparison compared, int peerSamples, double? target, string note) =>
            Result.HigherIsBetter(benchmark, Samples / compared.Ours, peerSamples / compared.Peer, "samples/s", threads).Over(compared) with { Target = target, Note = note };
    }

    private static void Repeat(int repetitions, Action work)
    {
        for (int r = 0; r < repetitions; r++)
            work();
    }

    private static void ReadRows(IDataView scored)
    {
        var column = scored.Schema[Output];
        using var cursor = scored.GetRowCursor([column]);
        var getter = cursor.GetGetter<VBuffer<float>>(column);
        var row = default(VBuffer<float>);
        while (cursor.MoveNext())
            getter(ref row);
    }

    private static void ReadBatches(ToyModelScoringTransformer transformer, IDataView samples)
    {
        foreach (var batch in transformer.ScoreBatches(samples, Output))
            _ = batch.Output(Output);
    }

    // The stock scorer wants the column named as the input; its rows are in memory and dense.
    private static IDataView Stock(MLContext ml, string model, IDataView samples)
    {
        using var source = SampleBatches.Open(samples);
        float[] dense = new float[StockSamples * source.Features];
        source.Read(dense);
        int n = source.Features;
        var few = ml.Data.LoadFromEnumerable(dense.Chunk(n).Select(row => new Row { X = row }).ToList(), Schema(n));
        var shapes = new Dictionary<string, int[]> { ["x"] = [1, n], [Output] = [1, n] };
        return ml.Transforms.ApplyOnnxModel(Output, "x", model, shapes).Fit(few).Transform(few);
    }

    private static SchemaDefinition Schema(int n)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        var column = schema[nameof(Row.X)];
        column.ColumnName = "x";
        column.ColumnType = new VectorDataViewType(NumberDataViewType.Single, n);
        return schema;
    }

    // A dataset of one shard, which stays in the system's file cache.
    private static string Draw(int n, string folder)
    {
        var data = new DataSpec([.. Enumerable.Repeat(0.05, n)], ValueRange.Unit, [], null);
        DatasetGenerator.Generate(folder, data, 1, RandomStream.Evaluation, Samples);
        return folder;
    }

    private static EnsembleWeights Weights(int n, int m)
    {
        var random = new Random(1);
        return new EnsembleWeights
        {
            Kind = ModelKind.ReluOutput,
            Features = n,
            Hidden = m,
            Instances = [new Instance(0, new Cell(0, []), 0, 1)],
            W = [.. Enumerable.Range(0, n * m).Select(_ => (float)(random.NextDouble() - 0.5))],
            B = new float[n],
        };
    }

    private sealed class Row
    {
        public float[] X { get; set; } = [];
    }

    /// <summary>The session with arrays that every run uses again, and nothing around it.</summary>
    private sealed class BareSession : IDisposable
    {
        private readonly InferenceSession _session;
        private readonly RunOptions _run = new();
        private readonly OrtIoBinding _binding;
        private readonly OrtValue _x;
        private readonly OrtValue _y;

        public BareSession(string model, int n, int threads)
        {
            using var options = new SessionOptions { IntraOpNumThreads = threads, InterOpNumThreads = 1 };
            _session = new InferenceSession(model, options);
            float[] input = [.. Enumerable.Range(0, Batch * n).Select(e => e % 20 == 0 ? 0.5f : 0)];
            _x = OrtValue.CreateTensorValueFromMemory(input, [Batch, n]);
            _y = OrtValue.CreateTensorValueFromMemory(new float[Batch * n], [Batch, n]);
            _binding = _session.CreateIoBinding();
            _binding.BindInput("x", _x);
            _binding.BindOutput(Output, _y);
        }

        /// <summary>As many samples as a pass over the data view.</summary>
        public void Score()
        {
            for (int batch = 0; batch < Samples / Batch; batch++)
                _session.RunWithBinding(_run, _binding);
        }

        public void Dispose()
        {
            _binding.Dispose();
            _x.Dispose();
            _y.Dispose();
            _run.Dispose();
            _session.Dispose();
        }
    }
}
