using System.Globalization;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Page;

/// <summary>The nights at a glance: how the last one ended, what it found, and every value over nights.</summary>
internal static class NightPage
{
    // More rows than a screen or two start folded, unless there is something among them to look at.
    private const int MaxOpenRows = 30;

    /// <summary>The page as HTML.</summary>
    /// <param name="nights">Nights in order; none is a page too.</param>
    /// <param name="exists">Whether a file below the nights' folder is there.</param>
    public static string Write(IReadOnlyList<NightEntry> nights, Func<string, bool> exists)
    {
        var page = PageShell.Open("Nights");
        page.Markup("<header>\n").Element("h1", "Nights");
        if (nights.Count == 0)
            return page.Element("p", "No night has run yet.", ("class", "facts")).Markup("</header>\n<main id=\"content\"></main>\n").Footer().Finish();
        Verdict(page, nights);
        page.Markup("</header>\n<main id=\"content\">\n");
        Findings(page, nights[^1]);
        // A night that was killed has measured part of what there is: the rows are those of the last one that finished.
        var shown = nights.LastOrDefault(night => night.Finished is not null) ?? nights[^1];
        Overview(page, nights, shown);
        foreach (var run in shown.Runs)
            Experiment(page, nights, shown, run, exists);
        List(page, nights);
        return page.Markup("</main>\n").Footer().Finish();
    }

    private static void Verdict(Html page, IReadOnlyList<NightEntry> nights)
    {
        var last = nights[^1];
        int bad = last.Findings.Count(finding => finding.Bad);
        string text = last.Status switch
        {
            "good" => $"✓ Night {last.Number} is good",
            "accepted" => $"✓ Night {last.Number} was accepted, with {Numbers.Count(bad, "finding")}",
            "bad" => $"✗ Night {last.Number}: {Numbers.Count(bad, "finding")} to look at",
            "running" => $"… Night {last.Number} is running",
            _ => $"✗ Night {last.Number} did not finish",
        };
        page.Element("p", text, ("class", "verdict " + (last.IsGood ? "holds" : last.Status == "running" ? "open" : "fails")));
        page.Element("p", $"{Date(last.Started)} UTC, {Duration(last)}, on {last.Machine.Name} ({Numbers.Count(last.Machine.Cores, "core")}, {last.Machine.Processor}). "
            + $"{Numbers.Count(last.Runs.Sum(run => run.Claims.Count(claim => claim.Holds)))} of {Numbers.Count(last.Runs.Sum(run => run.Claims.Count), "claim")} hold.", ("class", "facts"));
        page.Open("ol", ("class", "nights"), ("aria-label", "Nights, oldest first"));
        foreach (var night in nights)
            page.Element("li", Symbol(night), ("class", Class(night)), ("title", $"Night {night.Number}, {Date(night.Started)}: {night.Status}"));
        page.Close("ol");
    }

    private static void Findings(Html page, NightEntry night)
    {
        var values = night.Findings.Where(finding => finding.Kind != "note").ToList();
        if (values.Count > 0)
        {
            page.Element("h2", $"What night {night.Number} found");
            Table(page, "Findings", ["What", "Experiment", "At", "Name", "Last good", "Now", "Allowed"]);
            foreach (var finding in values)
            {
                page.Markup("<tr>").Element("td", finding.Kind.Replace('-', ' '), ("class", finding.Bad ? "fails" : "holds"));
                foreach (string cell in (string[])[finding.Experiment, finding.At, finding.Name, Numbers.Short(finding.Before), Numbers.Short(finding.Now), finding.Limit])
                    page.Element("td", cell, ("class", "wraps"));
                page.Markup("</tr>\n");
            }

            EndTable(page);
        }

        foreach (var notes in night.Findings.Where(finding => finding.Kind == "note").GroupBy(note => note.Name))
        {
            string experiments = string.Join(", ", notes.Select(note => note.Experiment).Where(name => name.Length > 0));
            page.Element("p", experiments.Length > 0 ? $"{experiments}: {notes.Key}" : notes.Key, ("class", "facts"));
        }
    }

    private static void Overview(Html page, IReadOnlyList<NightEntry> nights, NightEntry shown)
    {
        page.Element("h2", "Experiments");
        Table(page, "Experiments", ["Experiment", "Outcome", "Claims hold", "To look at", "Seconds over nights", "Seconds"]);
        foreach (var run in shown.Runs)
        {
            int holding = run.Claims.Count(claim => claim.Holds), findings = shown.Findings.Count(finding => finding.Bad && finding.Experiment == run.Experiment);
            var seconds = nights.Select(night => night.Runs.FirstOrDefault(other => other.Experiment == run.Experiment)?.Seconds).ToList();
            page.Markup("<tr><td>").Element("a", run.Experiment, ("href", "#" + Uri.EscapeDataString(run.Experiment))).Markup("</td>")
                .Element("td", run.Error is not null ? "✗ did not finish" : findings > 0 ? "✗ look" : "✓ good", ("class", run.Error is not null || findings > 0 ? "fails" : "holds"))
                .Element("td", $"{holding} of {run.Claims.Count}").Element("td", findings == 0 ? "–" : Numbers.Count(findings)).Markup("<td>")
                .Markup(Sparkline.Svg($"seconds of {run.Experiment}", seconds, new bool[seconds.Count])).Markup("</td>").Element("td", Numbers.Short(run.Seconds), ("class", "number")).Markup("</tr>\n");
        }

        EndTable(page);
    }

    private static void Experiment(Html page, IReadOnlyList<NightEntry> nights, NightEntry shown, NightRun run, Func<string, bool> exists)
    {
        page.Element("h2", run.Experiment, ("id", run.Experiment));
        if (run.Error is not null)
            page.Element("p", run.Error, ("class", "fails"));
        string report = $"{shown.Folder}/{run.Experiment}/{ReportStage.PageFile}";
        if (!shown.Pruned && exists(report))
            page.Open("p", ("class", "facts")).Element("a", $"Report of night {shown.Number}", ("href", string.Join('/', report.Split('/').Select(Uri.EscapeDataString)))).Close("p");
        var history = nights.Select(night => (Night: night, Run: night.Runs.FirstOrDefault(other => other.Experiment == run.Experiment))).ToList();
        bool look = shown.Findings.Any(finding => finding.Bad && finding.Experiment == run.Experiment);
        if (run.Metrics.Count > 0)
        {
            Fold(page, Numbers.Count(run.Metrics.Count, "value"), look || run.Metrics.Count <= MaxOpenRows);
            Table(page, $"Values of {run.Experiment}", ["Metric", "At", "Over nights", "Night before", "Now"]);
            foreach (var metric in run.Metrics.OrderBy(metric => metric.Name, StringComparer.Ordinal))
            {
                var values = history.Select(entry => entry.Run?.Metrics.FirstOrDefault(other => (other.At, other.Name) == (metric.At, metric.Name))).ToList();
                Row(page, history, shown, metric.Name, metric.At, run.Experiment, [.. values.Select(value => value?.Number)], [.. values.Select(value => value is null ? null : Shown(value))]);
            }

            EndTable(page).Markup("</details>\n");
        }

        if (run.Claims.Count == 0)
            return;
        Fold(page, Numbers.Count(run.Claims.Count, "claim"), look || run.Claims.Count <= MaxOpenRows);
        Table(page, $"Claims of {run.Experiment}", ["Claim", "At", "Over nights", "Night before", "Now"]);
        foreach (var claim in run.Claims)
        {
            var values = history.Select(entry => entry.Run?.Claims.FirstOrDefault(other => other with { Measured = claim.Measured, Holds = claim.Holds } == claim)).ToList();
            Row(page, history, shown, $"{claim.Measure} {claim.Comparison.Replace('_', ' ')} {claim.Expected}", claim.At, run.Experiment,
                [.. values.Select(value => value is null ? null : Number(value.Measured))], [.. values.Select(value => value is null ? null : $"{(value.Holds ? "✓" : "✗")} {Short(value.Measured)}")]);
        }

        EndTable(page).Markup("</details>\n");
    }

    private static void Row(
        Html page, List<(NightEntry Night, NightRun? Run)> history, NightEntry shown, string name, string at, string experiment, IReadOnlyList<double?> numbers, IReadOnlyList<string?> texts)
    {
        bool[] bad = [.. history.Select(entry => entry.Night.Findings.Any(finding => finding.Bad && (finding.Experiment, finding.At, finding.Name) == (experiment, at, name)))];
        int now = history.FindIndex(entry => entry.Night == shown);
        page.Markup("<tr>").Element("td", name, ("class", "wraps")).Element("td", at, ("class", "wraps")).Markup("<td>");
        if (numbers.Any(number => number is not null))
            page.Markup(Sparkline.Svg(name, numbers, bad));
        else
            page.Element("span", Steady(texts), ("class", "facts"));
        page.Markup("</td>").Element("td", (now > 0 ? texts[now - 1] : null) ?? "–").Element("td", texts[now] ?? "–", ("class", bad[now] ? "fails" : "")).Markup("</tr>\n");
    }

    // Words have no line; how often they changed says as much.
    private static string Steady(IReadOnlyList<string?> texts)
    {
        string[] known = [.. texts.OfType<string>()];
        int changes = known.Skip(1).Zip(known, (now, before) => now != before).Count(changed => changed);
        return changes == 0 ? $"the same in {Numbers.Count(known.Length, "night")}" : $"changed {Numbers.Count(changes, "time")} in {Numbers.Count(known.Length, "night")}";
    }

    private static void List(Html page, IReadOnlyList<NightEntry> nights)
    {
        page.Element("h2", "All nights");
        Table(page, "All nights", ["Night", "Began (UTC)", "Outcome", "Duration", "Claims hold", "Findings", "Machine", "Commit"]);
        foreach (var night in nights.Reverse())
        {
            page.Markup("<tr><td>");
            if (night.Pruned)
                page.Text(night.Number.ToString(CultureInfo.InvariantCulture));
            else
                page.Element("a", night.Number.ToString(CultureInfo.InvariantCulture), ("href", Uri.EscapeDataString(night.Folder) + "/"));
            string commit = night.Versions.GetValueOrDefault("commit", "");
            page.Markup("</td>").Element("td", Date(night.Started)).Element("td", $"{Symbol(night)} {night.Status}", ("class", night.IsGood ? "holds" : night.Status == "running" ? "open" : "fails"))
                .Element("td", Duration(night)).Element("td", $"{night.Runs.Sum(run => run.Claims.Count(claim => claim.Holds))} of {night.Runs.Sum(run => run.Claims.Count)}")
                .Element("td", Numbers.Count(night.Findings.Count(finding => finding.Bad))).Element("td", night.Machine.Name).Element("td", commit[..Math.Min(commit.Length, 10)]).Markup("</tr>\n");
        }

        EndTable(page);
    }

    private static void Fold(Html page, string title, bool open) =>
        page.Markup(open ? "<details open=\"open\">\n" : "<details>\n").Element("summary", title);

    private static void Table(Html page, string label, IReadOnlyList<string> columns)
    {
        page.Open("div", ("class", "table"), ("role", "region"), ("aria-label", label), ("tabindex", "0")).Markup("<table class=\"over-nights\">\n<thead><tr>");
        foreach (string column in columns)
            page.Element("th", column, ("scope", "col"));
        page.Markup("</tr></thead>\n<tbody>\n");
    }

    private static Html EndTable(Html page) => page.Markup("</tbody>\n</table>\n").Close("div");

    private static string Shown(NightMetric metric) => metric.Number is { } number ? Numbers.Short(number) : metric.Text ?? "–";

    private static string Short(string measured) => string.Join(' ', measured.Split(' ').Select(Numbers.Short));

    private static double? Number(string measured) =>
        double.TryParse(measured, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? number : null;

    private static string Symbol(NightEntry night) => night.IsGood ? "✓" : night.Status switch { "running" => "…", "unfinished" => "–", _ => "✗" };

    private static string Class(NightEntry night) => night.IsGood ? "good" : night.Status;

    private static string Date(DateTime time) => time.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    private static string Duration(NightEntry night) => night.Finished is { } finished && finished >= night.Started
        ? (finished - night.Started).ToString(finished - night.Started < TimeSpan.FromHours(1) ? @"m\:ss" : @"h\:mm\:ss", CultureInfo.InvariantCulture)
        : "–";
}
