using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using ToyPipeline.Analysis.Claims;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Cli.Output;

/// <summary>One JSON object a line; the property <c>event</c> says what it is.</summary>
internal sealed class JsonOutput(TextWriter output) : IOutput
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);
    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        // Quotes and letters of other languages stay readable: this is no HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly Lock _lock = new();

    public void Start(Experiment experiment, string folder) =>
        Write(new { Event = "start", experiment.Name, experiment.Title, Instances = new Grid(experiment).InstanceCount, Folder = folder });

    public void Stage(string name, Func<Action<StageProgress>, StageOutcome> work)
    {
        var clock = Stopwatch.StartNew();
        var next = s_interval;
        var outcome = work(progress =>
        {
            lock (_lock)
            {
                if (clock.Elapsed < next)
                    return;
                next = clock.Elapsed + s_interval;
                Write(new
                {
                    Event = "progress",
                    Stage = name,
                    progress.Done,
                    progress.Total,
                    progress.Unit,
                    Note = progress.Note.Length > 0 ? progress.Note : null,
                    PerSecond = Math.Round((progress.Done - progress.Before) / clock.Elapsed.TotalSeconds, 3),
                });
            }
        });
        Write(new { Event = "stage", Stage = name, Outcome = outcome == StageOutcome.Skipped ? "unchanged" : "done", Seconds = Math.Round(clock.Elapsed.TotalSeconds, 3) });
    }

    public void Note(string sentence)
    {
        lock (_lock)
            Write(new { Event = "note", Message = sentence });
    }

    public void Claims(IReadOnlyList<ClaimResult> claims)
    {
        foreach (var claim in claims)
            Write(new { Event = "claim", claim.At, claim.Measure, claim.Comparison, claim.Expected, claim.Measured, MeasuredSd = claim.Deviation, claim.Tolerance, claim.Holds });
    }

    public void Report(string path) => Write(new { Event = "report", Path = path });

    public void Table(string name, IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        foreach (var row in rows)
            Write(columns.Select((column, i) => (column, cell: row[i])).Prepend(("event", name)).ToDictionary());
    }

    public void Error(string sentence, string? details) => Write(new { Event = "error", Message = sentence, Details = details });

    public void Dispose() => output.Flush();

    private void Write<T>(T value) => output.WriteLine(JsonSerializer.Serialize(value, s_options));
}
