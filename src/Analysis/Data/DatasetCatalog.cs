using Microsoft.ML;
using ToyPipeline.Analysis.Data;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis;

/// <summary>Loaders of ToyPipeline datasets: <c>mlContext.Data.LoadFromDataset(folder)</c>.</summary>
public static class DatasetCatalog
{
    /// <summary>Name of the column that the loaders give: a float32 vector of n features.</summary>
    public const string FeaturesColumn = "Features";

    private const long KeptBytes = 128L << 20;

    /// <summary>Reads a dataset folder: <c>dataset.json</c> and its <c>.npz</c> shards.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="folder">Folder with the manifest.</param>
    /// <returns>
    /// A lazy view with the column <c>Features</c>, a vector of n values, sparse where features are absent. The number of rows is known.
    /// Every cursor holds one shard at a time, and the last one while samples of it have yet to be scored; the first that comes to a shard
    /// checks its SHA-256. The view keeps up to 128 MB of what it read for the next cursor.
    /// </returns>
    /// <exception cref="InvalidInputException">The manifest is missing or wrong; while reading: a shard is missing, truncated or changed.</exception>
    public static IDataView LoadFromDataset(this DataOperationsCatalog catalog, string folder)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        var manifest = DatasetManifest.Load(folder);
        var shards = new ShardCache(folder, manifest, KeptBytes);
        return new SampleDataView(manifest.Features, manifest.Samples, () => new ShardRows(shards));
    }

    /// <summary>Reads a dense CSV dataset with the header <c>f0,f1,…,f{n-1}</c>.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="path">The file.</param>
    /// <returns>A lazy view with the column <c>Features</c> as <see cref="LoadFromDataset"/> gives it. The number of rows is not known in advance.</returns>
    /// <exception cref="InvalidInputException">The file is missing or has another header; while reading: a value is no finite number.</exception>
    public static IDataView LoadFromDatasetCsv(this DataOperationsCatalog catalog, string path)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        using var rows = new CsvRows(path);
        return new SampleDataView(rows.Features, null, () => new CsvRows(path));
    }
}
