using System.Globalization;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Page;

/// <summary>All runs as one table that can be sorted and filtered.</summary>
internal static class IndexPage
{
    private static readonly (string Id, string Text)[] s_columns = [("name", "Run"), ("claims", "Claims"), ("finished", "Finished (UTC)"), ("seconds", "Duration")];

    /// <summary>The page as HTML.</summary>
    public static string Write(IReadOnlyList<(RunSummary Run, string? Thumbnail)> runs)
    {
        var page = PageShell.Open("Runs");
        int failing = runs.Count(entry => entry.Run.Claims > entry.Run.Holding);
        page.Markup("<header>\n").Element("h1", "Runs")
            .Element("p", $"{Numbers.Count(runs.Count, "run")}; {(failing == 0 ? "no claim fails" : $"in {Numbers.Count(failing)} a claim fails")}.", ("class", "facts")).Markup("</header>\n")
            .Markup("<main id=\"content\">\n");
        page.Markup("<div class=\"controls\"><label>Find <input id=\"find\" type=\"search\" placeholder=\"name or title\"/></label> ")
            .Markup("<label>Show <select id=\"show\"><option value=\"\">all</option><option value=\"holds\">all claims hold</option><option value=\"fails\">a claim fails</option><option value=\"open\">not analysed</option></select></label> ")
            .Markup("<output id=\"shown\" aria-live=\"polite\"></output></div>\n");
        page.Open("div", ("class", "table"), ("role", "region"), ("aria-label", "Runs"), ("tabindex", "0")).Markup("<table id=\"runs\">\n<thead><tr><th scope=\"col\"><span class=\"unseen\">Figure</span></th>");
        foreach (var (id, text) in s_columns)
            page.Markup($"<th scope=\"col\" aria-sort=\"none\"><button type=\"button\" data-sort=\"{id}\">").Text(text).Markup("</button></th>");
        page.Markup("</tr></thead>\n<tbody>\n");
        foreach (var (run, thumbnail) in runs)
            Row(page, run, thumbnail);
        page.Markup("</tbody>\n</table>\n").Close("div").Markup("</main>\n").Footer();
        return page.Open("script").Markup("\n" + PageShell.Resource("index.js")).Close("script").Finish();
    }

    private static void Row(Html page, RunSummary run, string? thumbnail)
    {
        string state = run.Claims is not { } claims ? "open" : run.Holding == claims ? "holds" : "fails";
        page.Open("tr", ("data-state", state), ("data-name", run.Name), ("data-claims", Invariant(run.Claims is > 0 and var all ? run.Holding / (double)all : -1)),
            ("data-finished", run.Finished?.ToString("O", CultureInfo.InvariantCulture) ?? ""), ("data-seconds", Invariant(run.Seconds)));
        page.Markup("<td>");
        if (thumbnail is not null)
            page.Markup($"<img class=\"thumbnail\" width=\"{RunIndex.ThumbnailWidth}\" height=\"{RunIndex.ThumbnailHeight}\" alt=\"{Html.Escape($"Figure of {run.Name}")}\" src=\"{thumbnail}\"/>");
        page.Markup("</td><td>");
        if (run.HasReport)
            page.Element("a", run.Title, ("href", $"{Uri.EscapeDataString(run.Name)}/{ReportStage.PageFile}"));
        else
            page.Text(run.Title);
        page.Markup("<br/>").Element("span", run.Name, ("class", "name")).Markup("</td>");
        page.Element("td", state switch { "open" => "–", "holds" => $"✓ {run.Holding} of {run.Claims}", _ => $"✗ {run.Holding} of {run.Claims}" }, ("class", state))
            .Element("td", run.Finished?.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "–")
            .Element("td", Duration(run.Seconds), ("class", "number")).Close("tr");
    }

    private static string Duration(double seconds) => seconds < 60
        ? seconds.ToString("0.0", CultureInfo.InvariantCulture) + " s"
        : TimeSpan.FromSeconds(seconds).ToString(seconds < 3600 ? @"m\:ss" : @"h\:mm\:ss", CultureInfo.InvariantCulture);

    private static string Invariant(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
