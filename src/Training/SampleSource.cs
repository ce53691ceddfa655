using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training;

/// <summary>Where the samples of a training step come from, tile by tile. Threads may share it.</summary>
internal abstract unsafe class SampleSource
{
    /// <summary>Samples in a tile.</summary>
    public const int TileSamples = FeatureSampler.TileSamples;

    /// <summary>Number of correlated and anticorrelated sets, for which a <see cref="DrawBuffer"/> must have room.</summary>
    public abstract int Sets { get; }

    /// <summary>Share of samples in which no feature is present.</summary>
    public abstract double EmptyShare { get; }

    /// <summary>Mean share of the features that are present in a sample.</summary>
    public abstract double MeanDensity { get; }

    /// <summary>Whether so many features are present that lists of them do not pay.</summary>
    public bool Dense => MeanDensity >= DenseFrom;

    private const double DenseFrom = 0.25;

    /// <summary>Fills in tiles <paramref name="tile"/> and following of the batch of <paramref name="step"/>: from its sample 64·tile on.</summary>
    /// <param name="step">Training step, from 0.</param>
    /// <param name="tile">First tile within the batch; of the batch's last one the samples beyond the batch are not to be used.</param>
    /// <param name="tiles">How many, at most <see cref="DrawBuffer.MaxTiles"/>.</param>
    /// <param name="x">Receives the values, [features, stride].</param>
    /// <param name="stride">Length of a row.</param>
    /// <param name="buffer">Working space.</param>
    public abstract void FillTiles(long step, int tile, int tiles, float* x, int stride, DrawBuffer buffer);

    /// <summary>The same samples without those that are empty.</summary>
    /// <param name="step">Training step, from 0.</param>
    /// <param name="tile">First tile within the batch.</param>
    /// <param name="samples">How many samples, in at most <see cref="DrawBuffer.MaxTiles"/> tiles.</param>
    /// <param name="x">Receives the samples that are not empty side by side, [features, stride]; up to <see cref="Expansion.SpareSamples"/> more are written.</param>
    /// <param name="stride">Length of a row.</param>
    /// <param name="buffer">Working space.</param>
    /// <returns>Number of samples filled in.</returns>
    public abstract int FillPresent(long step, int tile, int samples, float* x, int stride, DrawBuffer buffer);

    /// <summary>The same tiles without the zeros.</summary>
    public abstract void FillDraws(long step, int tile, int tiles, TileDraws draws, DrawBuffer buffer);

    /// <summary>The same tiles, sample by sample.</summary>
    public abstract void FillEntries(long step, int tile, int tiles, TileEntries entries, DrawBuffer buffer);

    /// <summary>Tiles that a batch takes.</summary>
    public static int Tiles(int batch) => (batch + TileSamples - 1) / TileSamples;
}

/// <summary>Fresh samples at every step: sample j of step t has index t·stride + j, where the stride is the batch rounded up to whole tiles.</summary>
internal sealed unsafe class StreamSource(FeatureSampler sampler, ulong seed, int batch) : SampleSource
{
    private readonly PhiloxKey _key = new(seed);
    private readonly int _tiles = Tiles(batch);

    public override int Sets => sampler.Sets;

    public override double EmptyShare => sampler.EmptyShare;

    public override double MeanDensity => sampler.MeanDensity;

    public override void FillTiles(long step, int tile, int tiles, float* x, int stride, DrawBuffer buffer) =>
        sampler.FillTiles(in _key, Run(step, tile, tiles), x, stride, buffer);

    public override int FillPresent(long step, int tile, int samples, float* x, int stride, DrawBuffer buffer) =>
        sampler.FillPresent(in _key, Run(step, tile, Tiles(samples)), samples, x, stride, buffer);

    public override void FillDraws(long step, int tile, int tiles, TileDraws draws, DrawBuffer buffer) =>
        sampler.FillDraws(in _key, Run(step, tile, tiles), draws, buffer);

    public override void FillEntries(long step, int tile, int tiles, TileEntries entries, DrawBuffer buffer) =>
        sampler.FillEntries(in _key, Run(step, tile, tiles), entries, buffer);

    private TileRun Run(long step, int tile, int tiles) => new(RandomStream.Training, (step * _tiles) + tile, tiles);
}

/// <summary>A finite dataset that training cycles through in order: sample j of step t is row (t·batch + j) mod samples.</summary>
internal sealed unsafe class DatasetSource(TrainingDataset dataset, int batch) : SampleSource
{
    public override int Sets => 0;

    public override double EmptyShare => dataset.EmptyShare;

    public override double MeanDensity => dataset.MeanDensity;

    public override void FillTiles(long step, int tile, int tiles, float* x, int stride, DrawBuffer buffer)
    {
        Clear(x, stride, tiles * TileSamples);
        long row = FirstRow(step, tile);
        for (int j = 0; j < tiles * TileSamples; j++, row = Next(row))
        {
            var (columns, values) = dataset.Row(row);
            for (int e = 0; e < columns.Length; e++)
                x[(columns[e] * stride) + j] = values[e];
        }
    }

    public override int FillPresent(long step, int tile, int samples, float* x, int stride, DrawBuffer buffer)
    {
        Clear(x, stride, samples);
        int filled = 0;
        long row = FirstRow(step, tile);
        for (int j = 0; j < samples; j++, row = Next(row))
        {
            var (columns, values) = dataset.Row(row);
            for (int e = 0; e < columns.Length; e++)
                x[(columns[e] * stride) + filled] = values[e];
            filled += columns.IsEmpty ? 0 : 1;
        }

        return filled;
    }

    public override void FillDraws(long step, int tile, int tiles, TileDraws draws, DrawBuffer buffer)
    {
        long first = FirstRow(step, tile);
        for (int t = 0; t < tiles; t++)
        {
            draws.Begin(t);
            long row = first;
            for (int j = 0; j < TileSamples; j++, row = Next(row))
            {
                var (columns, _) = dataset.Row(row);
                foreach (int column in columns)
                    draws.Mark(t, j, column);
            }

            draws.List(t);
            row = first;
            for (int j = 0; j < TileSamples; j++, row = Next(row))
            {
                var (columns, values) = dataset.Row(row);
                for (int e = 0; e < columns.Length; e++)
                    draws.Put(t, columns[e], values[e]);
            }

            first = row;
        }
    }

    public override void FillEntries(long step, int tile, int tiles, TileEntries entries, DrawBuffer buffer)
    {
        long row = FirstRow(step, tile);
        for (int j = 0; j < tiles * TileSamples; j++, row = Next(row))
        {
            var (columns, values) = dataset.Row(row);
            entries.Set(j, columns, values);
        }
    }

    private void Clear(float* x, int stride, int samples)
    {
        for (int f = 0; f < dataset.Features; f++)
            new Span<float>(x + (f * stride), samples).Clear();
    }

    private long FirstRow(long step, int tile) => ((step * batch) + ((long)tile * TileSamples)) % dataset.Samples;

    private long Next(long row) => row + 1 == dataset.Samples ? 0 : row + 1;
}

/// <summary>A training dataset held in memory, sparse.</summary>
internal sealed class TrainingDataset
{
    private readonly Csr[] _shards;
    private readonly int _shardSamples;

    private TrainingDataset(int features, long samples, Csr[] shards)
    {
        Features = features;
        Samples = samples;
        _shards = shards;
        _shardSamples = shards[0].Rows;
        MeanDensity = shards.Sum(shard => (double)shard.Entries) / ((double)samples * features);
        EmptyShare = shards.Sum(shard => (double)Empty(shard)) / samples;
    }

    public int Features { get; }

    public long Samples { get; }

    /// <summary>Share of features that are present, over all samples.</summary>
    public double MeanDensity { get; }

    /// <summary>Share of samples in which no feature is present.</summary>
    public double EmptyShare { get; }

    /// <summary>Reads and checks the dataset in <paramref name="folder"/>.</summary>
    /// <exception cref="Core.InvalidInputException">A shard is missing, changed or damaged.</exception>
    public static TrainingDataset Load(string folder)
    {
        var manifest = DatasetManifest.Load(folder);
        if (manifest.Shards.SkipLast(1).Any(shard => shard.Samples != manifest.Shards[0].Samples))
            throw new Core.InvalidInputException($"{folder} has shards of different sizes; all but the last must have the same number of samples.");
        return new TrainingDataset(manifest.Features, manifest.Samples, [.. manifest.Shards.Select(shard => manifest.LoadShard(folder, shard))]);
    }

    private static int Empty(Csr shard)
    {
        var starts = shard.RowStart.Span;
        int empty = 0;
        for (int row = 0; row < shard.Rows; row++)
            empty += starts[row] == starts[row + 1] ? 1 : 0;
        return empty;
    }

    /// <summary>The present features of a row: their columns and values.</summary>
    public SparseRow Row(long row)
    {
        var shard = _shards[row / _shardSamples];
        int local = (int)(row % _shardSamples);
        int start = shard.RowStart.Span[local];
        int count = shard.RowStart.Span[local + 1] - start;
        return new SparseRow(shard.ColumnIndices.Span.Slice(start, count), shard.Values.Span.Slice(start, count));
    }
}

/// <summary>The present features of a sample, and their values.</summary>
internal readonly ref struct SparseRow(ReadOnlySpan<int> columns, ReadOnlySpan<float> values)
{
    private readonly ReadOnlySpan<int> _columns = columns;
    private readonly ReadOnlySpan<float> _values = values;

    public void Deconstruct(out ReadOnlySpan<int> columns, out ReadOnlySpan<float> values)
    {
        columns = _columns;
        values = _values;
    }
}
