using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using CsvHelper;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;

namespace ToyPipeline.DataGen;

/// <summary>Draws a dataset to disk: sharded CSR <c>.npz</c> files and their <c>dataset.json</c>.</summary>
/// <remarks>Shards are drawn in parallel; the bytes do not depend on the number of threads.</remarks>
public static class DatasetGenerator
{
    /// <summary>Samples of a full shard; a power of two times fewer where a shard would hold more than 2²⁴ entries.</summary>
    public const int ShardSamples = 1 << 16;

    private const long MaxShardEntries = 1 << 24;

    // Memory that the workers' shards may take together.
    private const double WorkerBytes = 1L << 30;

    private static readonly CsvWriterOptions s_csvOptions = CsvWriterOptions.Default with { NewLine = "\n", FormatProvider = CultureInfo.InvariantCulture };

    /// <summary>Writes the dataset of <paramref name="data"/> to <paramref name="folder"/>.</summary>
    /// <param name="folder">Folder of the dataset.</param>
    /// <param name="data">Distribution of the features.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="stream">Stream.</param>
    /// <param name="samples">Number of samples.</param>
    /// <param name="csv">Write each shard as CSV too.</param>
    /// <param name="threads">Number of cores to keep busy; 0 for all.</param>
    /// <param name="progress">Told the samples that each finished shard adds; called by several threads.</param>
    /// <param name="cancellation">Stops between shards.</param>
    /// <returns>Paths of the files written, relative to <paramref name="folder"/>.</returns>
    /// <exception cref="Core.EnvironmentFaultException">The folder cannot be written.</exception>
    public static IReadOnlyList<string> Generate(
        string folder,
        DataSpec data,
        ulong seed,
        RandomStream stream,
        long samples,
        bool csv = false,
        int threads = 0,
        Action<int>? progress = null,
        CancellationToken cancellation = default)
    {
        int n = data.Density.Count;
        int shardSamples = ShardSize(data);
        var sampler = new FeatureSampler(data);
        var shards = new DatasetShard[checked((int)((samples + shardSamples - 1) / shardSamples))];
        // A worker waits for the disk longer than it draws: four a core keep the core busy, as far as their shards fit into memory.
        int cores = threads > 0 ? threads : Environment.ProcessorCount;
        double shardBytes = 8 * shardSamples * data.Density.Sum();
        int workers = (int)Math.Clamp(WorkerBytes / shardBytes, cores, 4 * cores);
        var options = new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancellation };
        try
        {
            Parallel.For(0, shards.Length, options, () => new Workspace(sampler), (index, _, work) =>
            {
                int count = (int)Math.Min(shardSamples, samples - ((long)index * shardSamples));
                var matrix = work.Draw(sampler, seed, stream, (long)index * shardSamples, count);
                shards[index] = Write(folder, $"shard-{index:D5}.npz", matrix);
                if (csv)
                    WriteCsv(Path.Combine(folder, CsvName(index)), matrix);
                progress?.Invoke(count);
                return work;
            }, _ => { });
        }
        catch (AggregateException e)
        {
            // What one thread says is said by all: the caller gets the error itself.
            ExceptionDispatchInfo.Throw(e.Flatten().InnerExceptions[0]);
        }

        new DatasetManifest(n, samples, seed, stream, data, shards).Save(folder);
        return [.. shards.Select(shard => shard.File), .. csv ? shards.Select((_, index) => CsvName(index)) : [], DatasetManifest.FileName];
    }

    private static string CsvName(int shard) => $"shard-{shard:D5}.csv";

    private static int ShardSize(DataSpec data)
    {
        double perSample = data.Density.Sum();
        int size = ShardSamples;
        while (size > FeatureSampler.TileSamples && size * perSample > MaxShardEntries)
            size /= 2;
        return size;
    }

    private static DatasetShard Write(string folder, string file, Csr matrix)
    {
        string path = Path.Combine(folder, file);
        string digest = "";
        AtomicFile.Write(path, stream =>
        {
            CsrNpz.Save(matrix, stream);
            stream.Position = 0;
            digest = Convert.ToHexStringLower(SHA256.HashData(stream));
        });
        return new DatasetShard(file, matrix.Rows, matrix.Entries, digest);
    }

    private static void WriteCsv(string path, Csr matrix) => AtomicFile.Write(path, stream =>
    {
        using var csv = CsvWriter.Create(stream, s_csvOptions, leaveOpen: true);
        csv.WriteHeader([.. Enumerable.Range(0, matrix.Columns).Select(f => $"f{f}")]);
        float[] row = new float[matrix.Columns];
        for (int i = 0; i < matrix.Rows; i++)
        {
            matrix.CopyRow(i, row);
            foreach (float value in row)
                csv.WriteField(value, "R", CultureInfo.InvariantCulture);
            csv.EndRecord();
        }
    });

    private sealed class Workspace(FeatureSampler sampler)
    {
        private readonly TileEntries _entries = new(sampler.Features);
        private readonly CsrBuilder _builder = new(sampler.Features);
        private readonly DrawBuffer _buffer = sampler.NewBuffer();

        public Csr Draw(FeatureSampler source, ulong seed, RandomStream stream, long first, int count)
        {
            var key = new PhiloxKey(seed);
            _builder.Clear();
            var run = new TileRun(stream, first / FeatureSampler.TileSamples, _buffer.MaxTiles);
            for (int start = 0; start < count; start += run.Samples, run = run with { First = run.First + run.Tiles })
            {
                source.FillEntries(in key, run, _entries, _buffer);
                for (int j = 0; j < Math.Min(run.Samples, count - start); j++)
                    _builder.AddRow(_entries, j);
            }

            return _builder.Matrix;
        }
    }
}
