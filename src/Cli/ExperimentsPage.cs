using System.Globalization;
using System.Text;
using ToyPipeline.Analysis;
using ToyPipeline.Analysis.Claims;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Cli;

/// <summary>Writes a page in Markdown over all experiments of a folder: what each is, a figure, its claims as they were measured.</summary>
internal static class ExperimentsPage
{
    private const string Introduction = """
        # Experiments

        Generated from the experiment files and their runs by `./build.sh --target=Experiments`. *Spread* is the standard deviation of the measure over
        the replicas of a cell, the largest of the cells that the claim speaks of; it is empty where the measure is no single number or there is one
        replica. How measures are defined: [measures.md](measures.md). What the keys of an experiment file mean: [experiment-file.md](experiment-file.md).

        """;

    // The one figure that says most, where the run has it.
    private static readonly string[] s_figures =
        ["phase-diagram", "phase", "dimensionality", "neurons", "neuron-stacks", "adversarial", "directions", "interference", "norms", "loss"];

    /// <summary>Lists the claims of all experiments, and writes the page, with a figure of each experiment in <c>images/NAME.png</c> beside it.</summary>
    /// <param name="folder">Folder with the experiment files.</param>
    /// <param name="artifacts">Folder of the runs.</param>
    /// <param name="page">The page; null for none.</param>
    /// <param name="output">Told the claims, and where the page is.</param>
    /// <exception cref="InvalidInputException">There is no experiment, or one has not been run as its file is now.</exception>
    /// <exception cref="EnvironmentFaultException">A file cannot be written.</exception>
    public static ExitCode Show(string folder, string artifacts, string? page, IOutput output)
    {
        var runs = Runs(folder, artifacts);
        output.Table("claims", ["experiment", .. ClaimTable.Columns], [.. runs.SelectMany(run => run.Claims.Select(claim => (IReadOnlyList<string>)[run.Experiment.Name, .. ClaimTable.Row(claim)]))]);
        if (page is null)
            return ExitCode.Done;
        string images = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(page))!, "images");
        var text = new StringBuilder(Introduction.ReplaceLineEndings("\n"));
        foreach (var (experiment, run, claims) in runs)
            Section(text, experiment, claims, Minutes(run), Figure(run, experiment, images));
        AtomicFile.WriteText(page, text.ToString().TrimEnd('\n') + "\n");
        output.Report(page);
        return ExitCode.Done;
    }

    private static List<(Experiment Experiment, string Run, IReadOnlyList<ClaimResult> Claims)> Runs(string folder, string artifacts)
    {
        string[] files = Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, "*.yaml").Order(StringComparer.Ordinal)] : [];
        if (files.Length == 0)
            throw new InvalidInputException($"There are no experiments: {Path.Combine(folder, "*.yaml")} matches no file.");
        var runs = new List<(Experiment, string, IReadOnlyList<ClaimResult>)>();
        foreach (string file in files)
        {
            var experiment = Experiment.Load(file);
            string run = Path.Combine(artifacts, experiment.Name), resolved = Path.Combine(run, "experiment.yaml");
            if (!File.Exists(resolved) || AnalyzeStage.Claims(run) is not { } claims)
                throw new InvalidInputException($"{run} has no results: run `toy run {file}` first.");
            if (Experiment.Load(resolved).Resolved() != experiment.Resolved())
                throw new InvalidInputException($"{run} was made from another {Path.GetFileName(file)}: run `toy run {file}` again.");
            runs.Add((experiment, run, claims));
        }

        return runs;
    }

    private static void Section(StringBuilder text, Experiment experiment, IReadOnlyList<ClaimResult> claims, double minutes, string? figure)
    {
        Line(text, $"## {experiment.Name}\n\n**{experiment.Title}.** {experiment.Description.Trim()}\n");
        if (figure is not null)
            Line(text, $"![{experiment.Title}]({figure})\n");
        if (claims.Count > 0)
        {
            text.Append("| at | measure | expected | measured | spread | holds |\n|---|---|---|---|---|---|\n");
            foreach (var claim in claims)
            {
                string[] cells = [.. ClaimTable.Row(claim), claim.Deviation is { } deviation ? deviation.ToString("G2", CultureInfo.InvariantCulture) : ""];
                Line(text, $"| {cells[0]} | {cells[1]} | {cells[2]} | {cells[3]} | {cells[5]} | {cells[4]} |");
            }

            text.Append('\n');
        }

        var grid = new Grid(experiment);
        Line(text, $"{grid.InstanceCount} instances, {experiment.Replicas} to a cell; run time {minutes:F1} minutes. `./build.sh --experiment={experiment.Name}`\n");
    }

    private static double Minutes(string run) => RunManifest.Load(run).Stages.Values.Sum(stage => stage.Seconds) / 60;

    // Copies the figure; the link from the page.
    private static string? Figure(string run, Experiment experiment, string images)
    {
        string? figure = s_figures.Select(name => Path.Combine(run, "figures", name + ".png")).FirstOrDefault(File.Exists);
        if (figure is null)
            return null;
        byte[] png = File.ReadAllBytes(figure);
        AtomicFile.Write(Path.Combine(images, experiment.Name + ".png"), stream => stream.Write(png));
        return $"images/{experiment.Name}.png";
    }

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
