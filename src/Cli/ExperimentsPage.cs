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
        ["phases", "branches", "dynamics", "pca", "dimensionality", "vulnerability", "neurons", "directions", "interference", "norms", "loss"];

    /// <summary>Lists the claims of all experiments, and writes the page, with a figure of each experiment in <c>images/NAME.png</c> beside it.</summary>
    /// <param name="folder">Folder with the experiment files.</param>
    /// <param name="artifacts">Folder of the runs.</param>
    /// <param name="page">The page; null for none.</param>
    /// <param name="output">Told the claims, and where the page is.</param>
    /// <exception cref="InvalidInputException">There is no experiment, or a file is damaged.</exception>
    /// <exception cref="EnvironmentFaultException">A file cannot be written.</exception>
    public static ExitCode Show(string folder, string artifacts, string? page, IOutput output)
    {
        var runs = Load(folder, artifacts);
        output.Table("claims", ["experiment", .. ClaimTable.Columns], [.. runs.SelectMany(run => run.Claims.Select(claim => (IReadOnlyList<string>)[run.Experiment.Name, .. Row(run, claim)]))]);
        if (page is null)
            return ExitCode.Done;
        string images = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(page))!, "images");
        var text = new StringBuilder(Introduction.ReplaceLineEndings("\n")).Append('\n');
        foreach (var run in runs)
            Section(text, run, run.Measured ? Figure(run, images) : null);
        AtomicFile.WriteText(page, text.ToString().TrimEnd('\n') + "\n");
        output.Report(page);
        return ExitCode.Done;
    }

    private static List<Entry> Load(string folder, string artifacts)
    {
        string[] files = Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, "*.yaml").Order(StringComparer.Ordinal)] : [];
        if (files.Length == 0)
            throw new InvalidInputException($"There are no experiments: {Path.Combine(folder, "*.yaml")} matches no file.");
        var runs = new List<Entry>();
        foreach (string file in files)
        {
            var experiment = Experiment.Load(file);
            string run = Path.Combine(artifacts, experiment.Name), resolved = Path.Combine(run, "experiment.yaml");
            // What an older file was measured to be says nothing of this one.
            bool same = File.Exists(resolved) && Experiment.Load(resolved).Resolved() == experiment.Resolved();
            runs.Add(same && AnalyzeStage.Claims(run) is { } claims && claims.Count == experiment.Claims.Count
                ? new Entry(experiment, run, claims, Measured: true)
                : new Entry(experiment, run, AnalyzeStage.Unmeasured(experiment), Measured: false));
        }

        return runs;
    }

    private static void Section(StringBuilder text, Entry run, string? figure)
    {
        var (experiment, _, claims, measured) = run;
        Line(text, $"## {experiment.Name}\n\n**{experiment.Title}.** {experiment.Description.Trim()}\n");
        if (figure is not null)
            Line(text, $"![{experiment.Title}]({figure})\n");
        if (claims.Count > 0)
            text.Append("| at | measure | expected | measured | spread | holds |\n|---|---|---|---|---|---|\n");
        foreach (var claim in claims)
        {
            var row = Row(run, claim);
            string spread = claim.Deviation?.ToString("G2", CultureInfo.InvariantCulture) ?? "";
            Line(text, $"| {row[0]} | {row[1]} | {row[2]} | {row[3]} | {spread} | {row[4]} |");
        }

        string time = measured ? $"run time {Duration(RunManifest.Load(run.Folder).Stages.Values.Sum(stage => stage.Seconds))}" : "not run since its file changed";
        Line(text, $"\n{new Grid(experiment).InstanceCount} instances, {experiment.Replicas} to a cell; {time}. `./build.sh --experiment={experiment.Name}`\n");
    }

    private static IReadOnlyList<string> Row(Entry run, ClaimResult claim) => run.Measured ? ClaimTable.Row(claim) : [.. ClaimTable.Row(claim).SkipLast(1), "not run"];

    private static string Duration(double seconds) => seconds < 60
        ? $"{Math.Ceiling(seconds).ToString(CultureInfo.InvariantCulture)} s"
        : $"{(seconds / 60).ToString("F1", CultureInfo.InvariantCulture)} minutes";

    // Copies the figure; the link from the page.
    private static string? Figure(Entry run, string images)
    {
        string? figure = s_figures.Select(name => Path.Combine(run.Folder, "figures", name + ".png")).FirstOrDefault(File.Exists);
        if (figure is null)
            return null;
        byte[] png = File.ReadAllBytes(figure);
        AtomicFile.Write(Path.Combine(images, run.Experiment.Name + ".png"), stream => stream.Write(png));
        return $"images/{run.Experiment.Name}.png";
    }

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');

    /// <summary>An experiment and its run.</summary>
    /// <param name="Experiment">The experiment, as its file is now.</param>
    /// <param name="Folder">Folder of the run.</param>
    /// <param name="Claims">Its claims, with what was measured.</param>
    /// <param name="Measured">Whether the run is of the file as it is now.</param>
    private sealed record Entry(Experiment Experiment, string Folder, IReadOnlyList<ClaimResult> Claims, bool Measured);
}
