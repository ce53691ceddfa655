using System.Diagnostics;
using ToyPipeline.Analysis.Claims;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Cli.Output;

/// <summary>Plain lines, for logs and pipes: a line when a stage ends, and one every ten seconds while it runs.</summary>
internal sealed class PlainOutput(TextWriter output, TextWriter error) : IOutput
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(10);
    private readonly Lock _lock = new();

    public void Start(Experiment experiment, string folder) =>
        output.WriteLine($"{experiment.Name}: {experiment.Title} ({Nouns.Count(new Grid(experiment).InstanceCount, "instance")}), in {folder}");

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
                output.WriteLine($"{name,-9} {progress.Done / progress.Total,4:P0}  {(progress.Note.Length > 0 ? progress.Note + ", " : "")}{Rate.Text(progress, clock.Elapsed)}, {Rate.Remaining(progress, clock.Elapsed)} left");
            }
        });
        output.WriteLine(outcome == StageOutcome.Skipped ? $"{name,-9} unchanged" : $"{name,-9} done in {clock.Elapsed.TotalSeconds:F1} s");
    }

    public void Claims(IReadOnlyList<ClaimResult> claims) => Table("claims", ClaimTable.Columns, ClaimTable.Rows(claims));

    public void Report(string path) => output.WriteLine($"report: {path}");

    public void Table(string name, IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        if (rows.Count == 0)
        {
            output.WriteLine($"There is no {name} to list.");
            return;
        }

        int[] widths = [.. columns.Select((column, i) => rows.Select(row => row[i].Length).Append(column.Length).Max())];
        output.WriteLine();
        foreach (var row in rows.Prepend(columns))
            output.WriteLine(string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd());
        output.WriteLine();
    }

    public void Note(string sentence) => output.WriteLine($"note: {sentence}");

    public void Error(string sentence, string? details)
    {
        error.WriteLine($"error: {sentence}");
        if (details is not null)
            error.WriteLine(details);
    }

    public void Dispose() => output.Flush();
}
