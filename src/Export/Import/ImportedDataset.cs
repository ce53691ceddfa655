using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;

namespace ToyPipeline.Export.Import;

/// <summary>A dataset that was made elsewhere: a folder with <c>dataset.json</c> and its shards, or one <c>.npz</c> file as scipy writes it.</summary>
public sealed class ImportedDataset
{
    private const double LeastDensity = 1e-6;

    private readonly string _folder;
    private readonly DatasetManifest? _manifest;
    private readonly Csr? _single;

    private ImportedDataset(string folder, DatasetManifest? manifest, Csr? single, DataSpec data, ulong seed, long samples) =>
        (_folder, _manifest, _single, Data, Seed, Samples) = (folder, manifest, single, data, seed, samples);

    /// <summary>The distribution: as the manifest states it, or as a single file shows it (share of samples with each feature, and the sign of values).</summary>
    public DataSpec Data { get; }

    /// <summary>Seed that the manifest states; 0 of a single file.</summary>
    public ulong Seed { get; }

    /// <summary>Number of samples.</summary>
    public long Samples { get; }

    /// <summary>Reads and checks a dataset, every shard of it.</summary>
    /// <exception cref="InvalidInputException">It is missing or damaged, or has more samples than an evaluation takes.</exception>
    public static ImportedDataset Load(string path)
    {
        var dataset = Directory.Exists(path) ? FromFolder(path) : FromFile(path);
        return dataset.Samples is >= 1 and <= int.MaxValue
            ? dataset
            : throw new InvalidInputException($"{path} has {dataset.Samples} samples; allowed: 1 to {int.MaxValue}.");
    }

    /// <summary>Writes the dataset in this pipeline's own spelling.</summary>
    /// <param name="root">The run folder.</param>
    /// <param name="relative">Folder of the dataset, relative to it.</param>
    /// <param name="data">The distribution of the experiment, which may state another density than the file shows.</param>
    /// <returns>The files written, relative to <paramref name="root"/>.</returns>
    /// <exception cref="EnvironmentFaultException">The folder cannot be written.</exception>
    public IReadOnlyList<string> Save(string root, string relative, DataSpec data)
    {
        var shards = new List<DatasetShard>();
        foreach (var matrix in Matrices())
        {
            string file = $"shard-{shards.Count:D5}.npz";
            string digest = "";
            AtomicFile.Write(Path.Combine(root, relative, file), stream =>
            {
                CsrNpz.Save(matrix, stream);
                stream.Position = 0;
                digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(stream));
            });
            shards.Add(new DatasetShard(file, matrix.Rows, matrix.Entries, digest));
        }

        new DatasetManifest(data.Density.Count, Samples, Seed, RandomStream.Evaluation, data, shards).Save(Path.Combine(root, relative));
        return [.. shards.Select(shard => $"{relative}/{shard.File}"), $"{relative}/{DatasetManifest.FileName}"];
    }

    /// <summary>The digest of all values, for the run's record.</summary>
    public string Digest()
    {
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        foreach (var matrix in Matrices())
        {
            using var bytes = new MemoryStream();
            CsrNpz.Save(matrix, bytes);
            hash.AppendData(bytes.ToArray());
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private IEnumerable<Csr> Matrices() => _single is not null ? [_single] : _manifest!.Shards.Select(shard => _manifest.LoadShard(_folder, shard));

    private static ImportedDataset FromFolder(string folder)
    {
        var manifest = DatasetManifest.Load(folder);
        // Every shard is read once before anything is written.
        foreach (var shard in manifest.Shards)
            manifest.LoadShard(folder, shard);
        return new ImportedDataset(folder, manifest, null, manifest.Data with { TrainSamples = null }, manifest.Seed, manifest.Samples);
    }

    private static ImportedDataset FromFile(string path)
    {
        var matrix = CsrNpz.Load(path);
        double[] density = new double[matrix.Columns];
        foreach (int column in matrix.ColumnIndices.Span)
            density[column] += 1;
        for (int i = 0; i < density.Length; i++)
            density[i] = Math.Max(LeastDensity, density[i] / Math.Max(1, matrix.Rows));
        var range = matrix.Values.Span.ContainsAnyExceptInRange(0f, float.MaxValue) ? ValueRange.Signed : ValueRange.Unit;
        return new ImportedDataset("", null, matrix, new DataSpec(density, range, [], null), 0, matrix.Rows);
    }
}
