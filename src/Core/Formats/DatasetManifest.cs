using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Random;

namespace ToyPipeline.Core.Formats;

/// <summary>One file of a dataset.</summary>
/// <param name="File">File name within the dataset's folder.</param>
/// <param name="Samples">Rows in the file.</param>
/// <param name="Entries">Present features in the file.</param>
/// <param name="Sha256">SHA-256 of the file, lowercase hexadecimal.</param>
public sealed record DatasetShard(string File, int Samples, long Entries, string Sha256);

/// <summary>What a dataset folder holds and how it was drawn: its <c>dataset.json</c>.</summary>
/// <param name="Features">Number of features.</param>
/// <param name="Samples">Number of samples over all shards.</param>
/// <param name="Seed">Seed of the samples.</param>
/// <param name="Stream">Stream of the samples.</param>
/// <param name="Data">The distribution.</param>
/// <param name="Shards">The files, in the order of the samples.</param>
public sealed record DatasetManifest(
    int Features, long Samples, ulong Seed, RandomStream Stream, DataSpec Data, IReadOnlyList<DatasetShard> Shards)
{
    /// <summary>Name of the manifest within a dataset's folder.</summary>
    public const string FileName = "dataset.json";

    private const string FormatName = "toypipeline-dataset-1";

    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        NewLine = "\n",
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Format and version.</summary>
    public string Format { get; init; } = FormatName;

    /// <summary>Folder name of the dataset of a distribution: the stream's name and a digest of all that decides the samples.</summary>
    public static string FolderName(DataSpec data, RandomStream stream, ulong seed, long samples)
    {
        string text = JsonSerializer.Serialize(new { data.Density, data.Range, data.Sets, seed, samples }, s_options);
        string digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..12];
        return $"{(stream == RandomStream.Training ? "train" : "eval")}-{digest}";
    }

    /// <summary>Writes <c>dataset.json</c> into <paramref name="folder"/>.</summary>
    /// <inheritdoc cref="AtomicFile.Write" path="/exception"/>
    public void Save(string folder) => AtomicFile.WriteText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, s_options) + "\n");

    /// <summary>Reads and checks the manifest of the dataset in <paramref name="folder"/>.</summary>
    /// <exception cref="InvalidInputException">It is missing or does not add up.</exception>
    public static DatasetManifest Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            throw new InvalidInputException($"{path} is missing: run `toy generate` first, or the whole pipeline with `toy run`.");
        try
        {
            var manifest = JsonSerializer.Deserialize<DatasetManifest>(File.ReadAllText(path), s_options);
            return manifest is { Format: FormatName, Features: > 0, Shards.Count: > 0 } && manifest.Data.Density.Count == manifest.Features
                && manifest.Shards.All(shard => shard is { Samples: > 0 } && IsFileName(shard.File))
                && manifest.Samples == manifest.Shards.Sum(shard => (long)shard.Samples)
                ? manifest
                : throw new InvalidInputException($"{path} is no {FormatName} manifest, or its shards do not add up to its samples.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message} Generate the dataset first.", e);
        }
    }

    /// <summary>Reads a shard and checks its shape against the manifest.</summary>
    /// <exception cref="InvalidInputException">The shard is missing, damaged, or of another shape.</exception>
    public Csr LoadShard(string folder, DatasetShard shard)
    {
        string path = Path.Combine(folder, shard.File);
        var matrix = CsrNpz.Load(path);
        return matrix.Rows == shard.Samples && matrix.Columns == Features
            ? matrix
            : throw new InvalidInputException($"{path} has {matrix.Rows} samples of {matrix.Columns} features where {FileName} says {shard.Samples} of {Features}; generate the dataset again.");
    }

    // A dataset's files lie in its folder.
    private static bool IsFileName(string file) => file.Length > 0 && file is not ("." or "..") && file.AsSpan().IndexOfAny('/', '\\', ':') < 0;
}
