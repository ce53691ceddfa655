using System.Text.Json;
using ToyPipeline.Core.Runs;
using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Charts.Interactive;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Page;

/// <summary>A figure as the page shows it.</summary>
/// <param name="Id">Name of its files and of its place on the page.</param>
/// <param name="Title">Heading.</param>
/// <param name="Caption">What to look for.</param>
/// <param name="Alt">Its data in words.</param>
/// <param name="Note">What is left out; empty where nothing is.</param>
/// <param name="Json">Plotly figure; null where the figure is left out.</param>
/// <param name="Svg">Static figure; null where the figure is left out.</param>
internal sealed record PageFigure(string Id, string Title, string Caption, string Alt, string Note, string? Json, string? Svg);

/// <summary>The report: one self-contained page that asks the network for nothing.</summary>
internal static class ReportPage
{
    /// <summary>Static figures inside the page, for print and for browsers without scripts: bytes in all.</summary>
    private const int MaxStaticBytes = 900_000;

    /// <summary>The page as HTML.</summary>
    public static string Write(RunData run, IReadOnlyList<PageFigure> figures, RunManifest manifest)
    {
        var experiment = run.Experiment;
        var page = PageShell.Open(experiment.Title);
        Header(page, run, figures);
        page.Markup("<main id=\"content\">\n");
        PageTables.Claims(page, run);
        Figures(page, figures);
        PageTables.Results(page, run);
        PageTables.Provenance(page, run.Experiment, manifest);
        page.Markup("</main>\n").Footer();
        Scripts(page, figures);
        return page.Finish();
    }

    private static void Header(Html page, RunData run, IReadOnlyList<PageFigure> figures)
    {
        var experiment = run.Experiment;
        page.Markup("<header>\n").Element("p", experiment.Name, ("class", "name")).Element("h1", experiment.Title);
        if (experiment.Description.Length > 0)
            page.Element("p", experiment.Description, ("class", "lead"));
        string axes = string.Join(" × ", experiment.Axes.Select(axis => $"{Numbers.Count(axis.Values.Count)} of {axis.Path}"));
        page.Element(
            "p",
            $"{Numbers.Count(run.Cells.Count, "cell")}{(axes.Length == 0 ? "" : $" ({axes})")}, {Numbers.Count(experiment.Replicas, "replica")} each. "
            + "Figures and feature tables show the best instance of a cell: the one with the lowest evaluation loss.",
            ("class", "facts"));
        page.Open("nav", ("aria-label", "On this page")).Markup("<ul>");
        foreach (var (id, text) in new[] { ("claims", "Claims") }.Concat(figures.Where(f => f.Json is not null).Select(f => (f.Id, f.Title))).Concat([("tables", "Tables"), ("made", "How it was made")]))
            page.Markup("<li>").Element("a", text, ("href", "#" + id)).Markup("</li>");
        page.Markup("</ul>").Close("nav").Markup("</header>\n");
    }

    private static void Figures(Html page, IReadOnlyList<PageFigure> figures)
    {
        int room = MaxStaticBytes;
        page.Open("section", ("aria-labelledby", "figures")).Element("h2", "Figures", ("id", "figures"));
        foreach (var figure in figures)
        {
            if (figure.Json is null)
            {
                if (figure.Note.Length > 0)
                    page.Element("p", figure.Note, ("class", "left-out"));
                continue;
            }

            string alt = $"{figure.Title}. {figure.Alt}";
            page.Open("figure", ("id", figure.Id)).Element("h3", figure.Title)
                .Open("div", ("class", "plot"), ("id", "plot-" + figure.Id), ("role", "img"), ("aria-label", alt)).Close("div");
            string image = "data:image/svg+xml;base64," + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(figure.Svg!));
            if (image.Length <= room)
            {
                room -= image.Length;
                page.Markup($"<img class=\"static\" alt=\"{Html.Escape(alt)}\" src=\"{image}\"/>\n");
            }

            page.Open("figcaption").Text(figure.Caption);
            if (figure.Note.Length > 0)
                page.Text(" " + figure.Note);
            page.Markup(" <span class=\"files\">For papers and slides: ")
                .Element("a", "SVG", ("href", $"figures/{figure.Id}.svg")).Markup(", ")
                .Element("a", "PNG", ("href", $"figures/{figure.Id}.png")).Markup("</span>")
                .Close("figcaption").Close("figure");
        }

        page.Close("section");
    }

    private static void Scripts(Html page, IReadOnlyList<PageFigure> figures)
    {
        foreach (var figure in figures.Where(figure => figure.Json is not null))
            page.Open("script", ("type", "application/json"), ("class", "figure-data"), ("data-plot", "plot-" + figure.Id)).Markup(figure.Json!).Close("script");
        string palettes = JsonSerializer.Serialize(new { light = Palette.Light, dark = Palette.Dark }, s_json);
        page.Open("script", ("type", "application/json"), ("id", "palettes")).Markup(palettes).Close("script")
            .Open("script", ("type", "application/gzip"), ("id", "plotly")).Markup(PlotlyLibrary.Packed).Close("script")
            .Open("script").Markup("\n" + PageShell.Resource("report.js")).Close("script");
    }

    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };
}
