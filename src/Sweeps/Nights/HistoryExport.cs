using System.Text.Encodings.Web;
using System.Text.Json;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Sweeps.Nights;

/// <summary>Writes the newest nights as <c>history.json</c>: what the page of nights is drawn from, and anybody else may read.</summary>
internal static class HistoryExport
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "history.json";

    /// <summary>Nights that it holds; the database has all.</summary>
    public const int Nights = 90;

    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    /// <summary>Writes the file.</summary>
    /// <inheritdoc cref="AtomicFile.Write" path="/exception"/>
    public static void Write(string folder, History history)
    {
        var nights = history.Nights().TakeLast(Nights).Select(night => new
        {
            night.Number,
            night.Started,
            night.Finished,
            night.Folder,
            night.Status,
            night.Pruned,
            night.Machine,
            Versions = history.Versions(night.Number),
            Runs = history.Runs(night.Number),
            Findings = history.Findings(night.Number).Select(finding => new { finding.Kind, finding.Experiment, finding.At, finding.Name, finding.Before, finding.Now, finding.Limit, Bad = finding.IsBad }),
        });
        AtomicFile.WriteText(Path.Combine(folder, FileName), JsonSerializer.Serialize(new { Format = 1, Nights = nights }, s_options) + "\n");
    }
}
