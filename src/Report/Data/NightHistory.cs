using System.Text.Json;
using System.Text.Json.Serialization;
using ToyPipeline.Core;

namespace ToyPipeline.Report.Data;

/// <summary>The newest nights, as <c>history.json</c> holds them; docs/nightly.md has its fields.</summary>
/// <param name="Format">Version of the file: 1.</param>
/// <param name="Nights">Nights in order.</param>
internal sealed record NightHistory(int Format, IReadOnlyList<NightEntry> Nights)
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "history.json";

    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Reads the file of a folder of nights.</summary>
    /// <exception cref="InvalidInputException">It is missing or damaged.</exception>
    public static NightHistory Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            var history = JsonSerializer.Deserialize<NightHistory>(File.ReadAllText(path), s_options);
            return history is { Format: 1 } ? history : throw new InvalidInputException($"{path} is not of format 1, which this ToyPipeline reads: run `toy nightly` again.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message.Split('\n')[0].TrimEnd()} Run `toy nightly` again.", e);
        }
    }
}

/// <summary>A night.</summary>
internal sealed record NightEntry(
    long Number, DateTime Started, DateTime? Finished, string Folder, string Status, bool Pruned, NightMachine Machine,
    IReadOnlyDictionary<string, string> Versions, IReadOnlyList<NightRun> Runs, IReadOnlyList<NightFinding> Findings)
{
    /// <summary>Whether later nights may be compared with it.</summary>
    [JsonIgnore]
    public bool IsGood => Status is "good" or "accepted";
}

/// <summary>The machine of a night.</summary>
internal sealed record NightMachine(string Name, string System, string Processor, int Cores);

/// <summary>A run of one experiment.</summary>
internal sealed record NightRun(string Experiment, int ExitCode, double Seconds, string? Error, IReadOnlyList<NightMetric> Metrics, IReadOnlyList<NightClaim> Claims);

/// <summary>A metric: a number or words.</summary>
internal sealed record NightMetric(string At, string Name, double? Number, string? Text);

/// <summary>A claim with what was measured.</summary>
internal sealed record NightClaim(string At, string Measure, string Comparison, string Expected, string Measured, bool Holds);

/// <summary>Something that a night found.</summary>
internal sealed record NightFinding(string Kind, string Experiment, string At, string Name, string Before, string Now, string Limit, bool Bad);
