using System.Security.Cryptography;
using System.Text.Json;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Core.Runs;

/// <summary>A file of a run folder and its content's digest.</summary>
/// <param name="Path">Path relative to the run folder, with <c>/</c>.</param>
/// <param name="Bytes">Length.</param>
/// <param name="Sha256">SHA-256, lowercase hexadecimal.</param>
public sealed record FileRecord(string Path, long Bytes, string Sha256)
{
    /// <summary>The record of a file as it is now.</summary>
    public static FileRecord Of(string root, string path)
    {
        using var stream = File.OpenRead(System.IO.Path.Combine(root, path));
        return new FileRecord(path.Replace('\\', '/'), stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
    }
}

/// <summary>What one stage read and wrote.</summary>
/// <param name="Options">The settings that it depends on, as text.</param>
/// <param name="Inputs">Files that it read.</param>
/// <param name="Outputs">Files that it wrote.</param>
/// <param name="Version">Version of ToyPipeline.</param>
/// <param name="Seconds">Duration.</param>
/// <param name="Finished">When it finished, UTC.</param>
public sealed record StageRecord(
    string Options, IReadOnlyList<FileRecord> Inputs, IReadOnlyList<FileRecord> Outputs, string Version, double Seconds, DateTime Finished)
{
    /// <summary>The options of a stage that was begun again and has not finished: what the record says is of before.</summary>
    internal const string CutShort = "cut short";

    /// <summary>The code of outputs that somebody changed and had taken as they are.</summary>
    internal const string Accepted = "accepted";

    /// <summary>Digest of the code that wrote the outputs (<see cref="StageCode"/>); empty in records of before there were digests.</summary>
    public string Code { get; init; } = "";

    internal bool IsCutShort => Options == CutShort;
}

/// <summary>The stages of a run folder: its <c>manifest.json</c>.</summary>
public sealed record RunManifest
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "manifest.json";

    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        NewLine = "\n",
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Stages by name.</summary>
    public IReadOnlyDictionary<string, StageRecord> Stages { get; init; } = new Dictionary<string, StageRecord>();

    /// <summary>The file that a stage wrote at <paramref name="path"/>, or null.</summary>
    public (string Stage, FileRecord File)? Writer(string path)
    {
        foreach (var (name, stage) in Stages)
        {
            if (stage.Outputs.FirstOrDefault(file => file.Path == path) is { } file)
                return (name, file);
        }

        return null;
    }

    /// <summary>The manifest with one stage's record replaced.</summary>
    public RunManifest With(string stage, StageRecord record) =>
        new() { Stages = new Dictionary<string, StageRecord>(Stages) { [stage] = record } };

    /// <summary>Writes <c>manifest.json</c> into <paramref name="root"/>.</summary>
    /// <inheritdoc cref="AtomicFile.Write" path="/exception"/>
    public void Save(string root) => AtomicFile.WriteText(Path.Combine(root, FileName), JsonSerializer.Serialize(this, s_options) + "\n");

    /// <summary>The manifest of <paramref name="root"/>; empty where there is none yet.</summary>
    /// <exception cref="InvalidInputException">The file is damaged.</exception>
    public static RunManifest Load(string root)
    {
        string path = Path.Combine(root, FileName);
        if (!File.Exists(path))
            return new RunManifest();
        try
        {
            var manifest = JsonSerializer.Deserialize<RunManifest>(File.ReadAllText(path), s_options) ?? new RunManifest();
            // Stages delete what they wrote before: nothing outside the run folder may be named.
            return manifest.Stages.Values.All(stage => stage is not null && stage.Inputs.Concat(stage.Outputs).All(Inside))
                ? manifest
                : throw new InvalidInputException($"{path} names files outside the run folder, or is damaged. Delete it, and all stages run again.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message} Delete it, and all stages run again.", e);
        }
    }

    private static bool Inside(FileRecord? file) =>
        file is { Path.Length: > 0 } && !Path.IsPathRooted(file.Path) && !file.Path.Split('/', '\\').Contains("..");
}
