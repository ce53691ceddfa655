using System.Globalization;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Page;

/// <summary>Two runs side by side: what changed, and nothing else.</summary>
internal static class ComparisonPage
{
    /// <summary>Changed values of one measure that are listed.</summary>
    private const int MaxChanges = 40;

    /// <summary>The page as HTML.</summary>
    public static string Write(ComparedRun a, ComparedRun b)
    {
        var page = PageShell.Open($"{a.Experiment.Name} and {b.Experiment.Name}");
        page.Markup("<header>\n").Element("h1", "Two runs compared")
            .Element("p", $"A: {a.Experiment.Title} ({a.Experiment.Name}), {Numbers.Count(a.Cells.Rows.Count, "cell")}. B: {b.Experiment.Title} ({b.Experiment.Name}), {Numbers.Count(b.Cells.Rows.Count, "cell")}.", ("class", "facts"))
            .Markup("</header>\n<main id=\"content\">\n");
        Claims(page, a.Claims, b.Claims);
        Cells(page, a, b);
        Settings(page, a.Experiment.Resolved(), b.Experiment.Resolved());
        return page.Markup("</main>\n").Footer().Finish();
    }

    private static void Claims(Html page, CsvTable? a, CsvTable? b)
    {
        page.Open("section", ("aria-labelledby", "claims")).Element("h2", "Claims", ("id", "claims"));
        var (before, after) = (ByClaim(a), ByClaim(b));
        var keys = before.Keys.Union(after.Keys).ToList();
        int changed = keys.Count(key => Verdict(a, before.GetValueOrDefault(key)) != Verdict(b, after.GetValueOrDefault(key)));
        page.Element("p", keys.Count == 0 ? "Neither run makes claims." : changed == 0 ? $"No verdict changed of {Numbers.Count(keys.Count, "claim")}." : $"The verdict changed on {changed} of {Numbers.Count(keys.Count, "claim")}.", ("class", changed == 0 ? "verdict holds" : "verdict fails"));
        if (keys.Count > 0)
        {
            PageTables.OpenTable(page, "Claims", ["Where", "Measure", "Expected", "A", "B", "A measured", "B measured"], _ => false);
            foreach (var key in keys)
            {
                var (left, right) = (before.GetValueOrDefault(key), after.GetValueOrDefault(key));
                bool differs = Verdict(a, left) != Verdict(b, right);
                page.Open("tr", ("class", differs ? "changed" : "same")).Element("td", key.At.Length == 0 ? "every cell" : key.At).Element("td", key.Measure).Element("td", key.Expected)
                    .Element("td", Verdict(a, left)).Element("td", Verdict(b, right)).Element("td", Measured(a, left)).Element("td", Measured(b, right)).Close("tr");
            }

            PageTables.CloseTable(page);
        }

        page.Close("section");
    }

    private static void Cells(Html page, ComparedRun a, ComparedRun b)
    {
        page.Open("section", ("aria-labelledby", "cells")).Element("h2", "Cells and measures", ("id", "cells"));
        var (before, after) = (ByPlace(a), ByPlace(b));
        var both = before.Keys.Where(after.ContainsKey).ToList();
        foreach (var (which, only) in new[] { ("A", before.Keys.Except(after.Keys).ToList()), ("B", after.Keys.Except(before.Keys).ToList()) })
        {
            if (only.Count > 0)
                page.Element("p", $"Only in {which}: {string.Join("; ", only.Take(MaxChanges))}{(only.Count > MaxChanges ? " …" : "")}.");
        }

        string[] measures = [.. a.Cells.Header.Where(column => b.Cells.Has(column)).Except(a.Axes).Except(["cell"])];
        var changes = measures.Select(measure => (Measure: measure, Cells: both.Where(cell => a.Cells.Text(before[cell], measure) != b.Cells.Text(after[cell], measure)).ToList()))
            .Where(change => change.Cells.Count > 0).ToList();
        page.Element("p", changes.Count == 0 ? $"All {Numbers.Count(measures.Length, "measure")} of {Numbers.Count(both.Count, "cell")} are the same to the last digit."
            : $"{Numbers.Count(changes.Count)} of {Numbers.Count(measures.Length, "measure")} changed, in {Numbers.Count(changes.SelectMany(change => change.Cells).Distinct().Count())} of {Numbers.Count(both.Count, "cell")}.");
        foreach (var (measure, cells) in changes)
        {
            page.Element("h3", $"{measure.Replace('_', ' ')}: {Numbers.Count(cells.Count, "cell")}");
            PageTables.OpenTable(page, measure, ["Cell", "A", "B", "Difference"], column => column > 0);
            foreach (string cell in cells.OrderByDescending(cell => Math.Abs(Difference(cell) is var d && double.IsFinite(d) ? d : double.MaxValue)).Take(MaxChanges))
            {
                page.Markup("<tr>").Element("td", cell.Length == 0 ? "the only cell" : cell)
                    .Element("td", Numbers.Short(a.Cells.Text(before[cell], measure)), ("class", "number")).Element("td", Numbers.Short(b.Cells.Text(after[cell], measure)), ("class", "number"))
                    .Element("td", Difference(cell) is var difference && double.IsFinite(difference) ? Numbers.Short(difference) : "", ("class", "number")).Close("tr");
            }

            PageTables.CloseTable(page);
            if (cells.Count > MaxChanges)
                page.Element("p", $"The {MaxChanges} largest changes are listed.", ("class", "files"));

            double Difference(string cell) =>
                Number(a.Cells.Text(before[cell], measure)) is { } left && Number(b.Cells.Text(after[cell], measure)) is { } right ? right - left : double.NaN;
        }

        page.Close("section");
    }

    private static void Settings(Html page, string a, string b)
    {
        page.Open("section", ("aria-labelledby", "settings")).Element("h2", "Settings", ("id", "settings"));
        string[] before = a.Split('\n'), after = b.Split('\n');
        if (a == b)
            page.Element("p", "The experiment files are the same.");
        else
        {
            page.Open("pre", ("tabindex", "0"), ("aria-label", "Changed lines of the experiment file"));
            foreach (string line in before.Except(after))
                page.Element("span", "A: " + line + "\n", ("class", "removed"));
            foreach (string line in after.Except(before))
                page.Element("span", "B: " + line + "\n", ("class", "added"));
            page.Close("pre");
        }

        page.Close("section");
    }

    private static Dictionary<(string At, string Measure, string Expected), string[]> ByClaim(CsvTable? table) =>
        table?.Rows.GroupBy(row => (table.Text(row, "at"), table.Text(row, "measure"), $"{table.Text(row, "comparison")} {table.Text(row, "expected")}")).ToDictionary(group => group.Key, group => group.First()) ?? [];

    private static Dictionary<string, string[]> ByPlace(ComparedRun run) => run.Cells.Rows
        .GroupBy(row => CellLabel.Of([.. run.Axes.Select(axis => new Coordinate(axis, run.Cells.Text(row, axis)))])).ToDictionary(group => group.Key, group => group.First());

    private static string Verdict(CsvTable? table, string[]? row) => row is null ? "–" : table!.Flag(row, "holds") ? "✓ holds" : "✗ does not hold";

    private static string Measured(CsvTable? table, string[]? row) => row is null ? "–" : Numbers.ShortAll(table!.Text(row, "measured"));

    private static double? Number(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : null;
}
