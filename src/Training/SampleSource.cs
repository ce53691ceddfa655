using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training;

/// <summary>Where the samples of a training step come from, tile by tile. Threads may share it.</summary>
internal abstract class SampleSource
{
    /// <summary>Samples in a tile.</summary>
    public const int TileSamples = FeatureSampler.TileSamples;

    /// <summary>Words of working space that <see cref="FillTile"/> needs.</summary>
    public abstract int ScratchWords { get; }

    /// <summary>Whether so many features are present that lists of them do not pay.</summary>
    public abstract bool Dense { get; }

    /// <summary>Mean share of present features from which on a source counts as dense.</summary>
    protected const double DenseFrom = 0.25;

    /// <summary>Fills tile <paramref name="tile"/> of the batch of <paramref name="step"/>: samples 64·tile … 64·tile + 63 of the batch.</summary>
    /// <param name="step">Training step, from 0.</param>
    /// <param name="tile">Tile within the batch; of the last one the samples beyond the batch are not to be used.</param>
    /// <param name="x">Receives the values, [features, 64].</param>
    /// <param name="scratch">Working space.</param>
    public abstract void FillTile(long step, int tile, Span<float> x, Span<int> scratch);

    /// <summary>The same tile without the zeros: the present features of each sample.</summary>
    public abstract void FillEntries(long step, int tile, TileEntries entries, Span<int> scratch);

    /// <summary>Tiles that a batch takes.</summary>
    public static int Tiles(int batch) => (batch + TileSamples - 1) / TileSamples;
}

/// <summary>Fresh samples at every step: sample j of step t has index t·stride + j, where the stride is the batch rounded up to whole tiles.</summary>
internal sealed class StreamSource(FeatureSampler sampler, ulong seed, int batch) : SampleSource
{
    private readonly PhiloxKey _key = new(seed);
    private readonly int _tiles = Tiles(batch);

    public override int ScratchWords => sampler.ScratchWords;

    public override bool Dense => sampler.MeanDensity >= DenseFrom;

    public override void FillTile(long step, int tile, Span<float> x, Span<int> scratch) =>
        sampler.FillTile(in _key, RandomStream.Training, (step * _tiles) + tile, x, scratch);

    public override void FillEntries(long step, int tile, TileEntries entries, Span<int> scratch) =>
        sampler.FillEntries(in _key, RandomStream.Training, (step * _tiles) + tile, entries, scratch);
}

/// <summary>A finite dataset that training cycles through in order: sample j of step t is row (t·batch + j) mod samples.</summary>
internal sealed class DatasetSource(TrainingDataset dataset, int batch) : SampleSource
{
    public override int ScratchWords => 0;

    public override bool Dense => dataset.MeanDensity >= DenseFrom;

    public override void FillTile(long step, int tile, Span<float> x, Span<int> scratch)
    {
        x[..(dataset.Features * TileSamples)].Clear();
        long row = FirstRow(step, tile);
        for (int j = 0; j < TileSamples; j++, row = Next(row))
        {
            var (columns, values) = dataset.Row(row);
            for (int e = 0; e < columns.Length; e++)
                x[(columns.Span[e] * TileSamples) + j] = values.Span[e];
        }
    }

    public override void FillEntries(long step, int tile, TileEntries entries, Span<int> scratch)
    {
        entries.Clear();
        long row = FirstRow(step, tile);
        for (int j = 0; j < TileSamples; j++, row = Next(row))
        {
            var (columns, values) = dataset.Row(row);
            for (int e = 0; e < columns.Length; e++)
                entries.Add(j, columns.Span[e], values.Span[e]);
        }
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
    }

    public int Features { get; }

    public long Samples { get; }

    /// <summary>Share of features that are present, over all samples.</summary>
    public double MeanDensity { get; }

    /// <summary>Reads and checks the dataset in <paramref name="folder"/>.</summary>
    /// <exception cref="Core.InvalidInputException">A shard is missing, changed or damaged.</exception>
    public static TrainingDataset Load(string folder)
    {
        var manifest = DatasetManifest.Load(folder);
        if (manifest.Shards.SkipLast(1).Any(shard => shard.Samples != manifest.Shards[0].Samples))
            throw new Core.InvalidInputException($"{folder} has shards of different sizes; all but the last must have the same number of samples.");
        return new TrainingDataset(manifest.Features, manifest.Samples, [.. manifest.Shards.Select(shard => manifest.LoadShard(folder, shard))]);
    }

    /// <summary>The present features of a row: their columns and values.</summary>
    public (ReadOnlyMemory<int> Columns, ReadOnlyMemory<float> Values) Row(long row)
    {
        var shard = _shards[row / _shardSamples];
        int local = (int)(row % _shardSamples);
        int start = shard.RowStart.Span[local];
        int count = shard.RowStart.Span[local + 1] - start;
        return (shard.ColumnIndices.Slice(start, count), shard.Values.Slice(start, count));
    }
}
