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

    /// <summary>Writes the page, and a figure of each experiment to <c>images/NAME.png</c> beside it.</summary>
    /// <param name="folder">Folder with the experiment files.</param>
    /// <param name="artifacts">Folder of the runs.</param>
    /// <param name="page">The page.</param>
    /// <param name="output">Told where the page is.</param>
    /// <exception cref="InvalidInputException">There is no experiment, one has not been run, or its run is of another file.</exception>
    /// <exception cref="EnvironmentFaultException">A file cannot be written.</exception>
    public static ExitCode Write(string folder, string artifacts, string page, IOutput output)
    {
        string[] files = Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, "*.yaml").Order(StringComparer.Ordinal)] : [];
        if (files.Length == 0)
            throw new InvalidInputException($"There are no experiments: {folder}/*.yaml matches no file.");
        string images = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(page))!, "images");
        var text = new StringBuilder(Introduction.ReplaceLineEndings("\n"));
        foreach (string file in files)
        {
            var experiment = Experiment.Load(file);
            string run = Path.Combine(artifacts, experiment.Name);
            if (AnalyzeStage.Claims(run) is not { } claims || claims.Count != experiment.Claims.Count)
                throw new InvalidInputException($"{run} does not have the claims of {file}: run `toy run {file}` first.");
            Section(text, experiment, claims, Minutes(run), Figure(run, experiment, images));
        }

        AtomicFile.WriteText(page, text.ToString());
        output.Report(page);
        return ExitCode.Done;
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
