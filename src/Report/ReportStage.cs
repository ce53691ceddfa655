using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;
using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Charts.Interactive;
using ToyPipeline.Report.Charts.Static;
using ToyPipeline.Report.Data;
using ToyPipeline.Report.Figures;
using ToyPipeline.Report.Page;

namespace ToyPipeline.Report;

/// <summary>The last stage of a run: figures (<c>figures/*.png</c>, <c>figures/*.svg</c>) and the page (<c>report.html</c>).</summary>
/// <remarks>It reads the tables and matrices of the analysis and the training histories, and computes no measure of its own.</remarks>
public static class ReportStage
{
    /// <summary>Name of the stage in the manifest.</summary>
    public const string Name = "report";

    /// <summary>The page, relative to the run folder.</summary>
    public const string PageFile = "report.html";

    /// <summary>The most telling figure at the size of a list, relative to the run folder; missing where the run has no figure.</summary>
    internal const string ThumbnailFile = "figures/thumbnail.png";

    /// <summary>Draws all figures of a run and writes its page, unless nothing changed since it was last written.</summary>
    /// <param name="run">The run folder, held for writing.</param>
    /// <param name="progress">Told after each figure.</param>
    /// <param name="cancellation">Stops before the next figure; files that were written stay.</param>
    /// <returns>Whether the stage ran or was skipped.</returns>
    /// <exception cref="Core.InvalidInputException">The analysis is missing, damaged, or changed after it was written.</exception>
    /// <exception cref="Core.EnvironmentFaultException">A file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static StageOutcome Run(RunFolder run, Action<StageProgress> progress, CancellationToken cancellation) =>
        run.Stage(typeof(ReportStage), Name, run.Experiment.Resolved(), RunData.Inputs(run), () => Write(run, progress, cancellation));

    private static List<string> Write(RunFolder run, Action<StageProgress> progress, CancellationToken cancellation)
    {
        var recipes = Gallery.Figures;
        var data = RunData.Load(run, cancellation);
        var files = new List<string>();
        var figures = new List<PageFigure>();
        var charts = new Dictionary<string, Chart>();
        foreach (var recipe in recipes)
        {
            cancellation.ThrowIfCancellationRequested();
            progress(new StageProgress(Name, figures.Count, recipes.Count + 1, "figures"));
            var drawing = recipe.Draw(data);
            if (drawing.Chart is { } chart)
                charts.Add(recipe.Id, chart);
            figures.Add(Save(run, recipe, drawing, files));
        }

        if (Gallery.AtAGlance.FirstOrDefault(charts.ContainsKey) is { } glance)
        {
            AtomicFile.Write(run.Path(ThumbnailFile), stream => stream.Write(StaticFigure.Thumbnail(charts[glance], RunIndex.ThumbnailWidth, RunIndex.ThumbnailHeight)));
            files.Add(ThumbnailFile);
        }

        cancellation.ThrowIfCancellationRequested();
        progress(new StageProgress(Name, recipes.Count, recipes.Count + 1, "figures"));
        AtomicFile.WriteText(run.Path(PageFile), ReportPage.Write(data, figures, run.Manifest));
        progress(new StageProgress(Name, recipes.Count + 1, recipes.Count + 1, "figures"));
        return [.. files, PageFile];
    }

    private static PageFigure Save(RunFolder run, IFigure recipe, Drawing drawing, List<string> files)
    {
        if (drawing.Chart is not { } chart)
            return new PageFigure(recipe.Id, recipe.Title, recipe.Caption, "", drawing.Note, null, null);
        string png = $"figures/{recipe.Id}.png", svg = $"figures/{recipe.Id}.svg";
        string vector = StaticFigure.Svg(chart, recipe.Title, drawing.Alt);
        AtomicFile.Write(run.Path(png), stream => stream.Write(StaticFigure.Png(chart)));
        AtomicFile.WriteText(run.Path(svg), vector);
        files.AddRange([png, svg]);
        return new PageFigure(recipe.Id, recipe.Title, recipe.Caption, drawing.Alt, drawing.Note, PlotlyFigure.Json(chart), vector);
    }
}
