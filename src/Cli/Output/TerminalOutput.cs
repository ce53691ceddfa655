using System.Diagnostics;
using Spectre.Console;
using Spectre.Console.Rendering;
using ToyPipeline.Analysis.Claims;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Cli.Output;

/// <summary>Progress bars and tables on a terminal.</summary>
internal sealed class TerminalOutput : IOutput
{
    private static readonly IAnsiConsole s_errors = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    public void Start(Experiment experiment, string folder) =>
        AnsiConsole.MarkupLineInterpolated($"[bold]{experiment.Name}[/]  {experiment.Title}  [dim]{Nouns.Count(new Core.Experiments.Grid(experiment).InstanceCount, "instance")}, in {folder}[/]");

    public void Stage(string name, Func<Action<StageProgress>, StageOutcome> work)
    {
        var clock = Stopwatch.StartNew();
        var rate = new RateColumn(clock);
        var left = new RemainingColumn(clock, rate);
        var outcome = AnsiConsole.Progress().AutoClear(true).Columns(
            new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), rate, left)
            .Start(context =>
            {
                var task = context.AddTask(name);
                return work(progress =>
                {
                    rate.Latest = progress;
                    task.MaxValue = progress.Total;
                    task.Value = progress.Done;
                });
            });
        string end = outcome == StageOutcome.Skipped ? "unchanged" : $"done in {clock.Elapsed.TotalSeconds:F1} s";
        AnsiConsole.MarkupLineInterpolated($"[green]✓[/] {name,-9} [dim]{end}[/]");
    }

    public void Claims(IReadOnlyList<ClaimResult> claims)
    {
        var table = new Table().RoundedBorder();
        table.AddColumns([.. ClaimTable.Columns]);
        foreach (var row in ClaimTable.Rows(claims))
            table.AddRow([.. row.Select(cell => cell switch { "yes" => "[green]yes[/]", "NO" => "[red bold]NO[/]", _ => Markup.Escape(cell) })]);
        AnsiConsole.Write(table);
    }

    public void Report(string path) => AnsiConsole.MarkupLineInterpolated($"report: [link={new Uri(Path.GetFullPath(path)).AbsoluteUri}]{path}[/]");

    public void Table(string name, IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        if (rows.Count == 0)
        {
            AnsiConsole.MarkupLineInterpolated($"There is no {name} to list.");
            return;
        }

        var table = new Table().RoundedBorder();
        table.AddColumns([.. columns.Select(Markup.Escape)]);
        foreach (var row in rows)
            table.AddRow([.. row.Select(Markup.Escape)]);
        AnsiConsole.Write(table);
    }

    public void Note(string sentence) => AnsiConsole.MarkupLineInterpolated($"[yellow]note:[/] {sentence}");

    public void Error(string sentence, string? details)
    {
        s_errors.MarkupLineInterpolated($"[red bold]error:[/] {sentence}");
        if (details is not null)
            s_errors.WriteLine(details);
    }

    public void Dispose() { }

    private sealed class RateColumn(Stopwatch clock) : ProgressColumn
    {
        public StageProgress Latest { get; set; }

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text(Latest.Total > 0 ? $"{(Latest.Note.Length > 0 ? Latest.Note + ", " : "")}{Rate.Text(Latest, clock.Elapsed)}" : "");
    }

    private sealed class RemainingColumn(Stopwatch clock, RateColumn rate) : ProgressColumn
    {
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text(rate.Latest.Total > 0 ? Rate.Remaining(rate.Latest, clock.Elapsed) : "");
    }
}
