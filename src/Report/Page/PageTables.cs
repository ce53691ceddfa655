using System.Globalization;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;
using ToyPipeline.Report.Charts.Interactive;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Page;

/// <summary>The page's tables: claims, cells, features, and how the run was made.</summary>
internal static class PageTables
{
    private static readonly Dictionary<string, string> s_comparisons = new()
    {
        ["between"] = "lies between",
        ["at_least"] = "at least",
        ["at_most"] = "at most",
    };

    /// <summary>What was expected, what came out, and whether it holds.</summary>
    public static void Claims(Html page, RunData run)
    {
        page.Open("section", ("aria-labelledby", "claims")).Element("h2", "Claims", ("id", "claims"));
        if (run.ClaimTable is not { Rows.Count: > 0 } table)
        {
            page.Element("p", "The experiment makes no claims.").Close("section");
            return;
        }

        int holding = table.Rows.Count(row => table.Flag(row, "holds"));
        bool all = holding == table.Rows.Count;
        page.Element("p", all ? $"✓ All {Numbers.Count(holding, "claim")} hold." : $"✗ {holding} of {Numbers.Count(table.Rows.Count, "claim")} hold.", ("class", all ? "verdict holds" : "verdict fails"));
        OpenTable(page, "Claims", ["Where", "Measure", "Expected", "Measured", "Verdict"], numeric: _ => false);
        foreach (string[] row in table.Rows)
        {
            bool holds = table.Flag(row, "holds");
            string at = table.Text(row, "at");
            page.Markup("<tr>").Element("td", at.Length == 0 ? "every cell" : at).Element("td", Words(table.Text(row, "measure")))
                .Element("td", Expected(table, row)).Element("td", Numbers.ShortAll(table.Text(row, "measured")))
                .Element("td", holds ? "✓ holds" : "✗ does not hold", ("class", holds ? "holds" : "fails")).Close("tr");
        }

        CloseTable(page);
        page.Close("section");
    }

    /// <summary>Cells, and features of the best instances.</summary>
    public static void Results(Html page, RunData run)
    {
        page.Open("section", ("aria-labelledby", "tables")).Element("h2", "Tables", ("id", "tables"));
        page.Element("h3", "Cells");
        // The page has the best instances; how far replicas spread, and how many components of each kind there are, is in the file.
        Table(page, "Cells", run.CellTable, [.. run.CellTable.Header.Where(column => column.StartsWith("loss_", StringComparison.Ordinal)
            || !(column.EndsWith("_mean", StringComparison.Ordinal) || column.EndsWith("_sd", StringComparison.Ordinal) || column.StartsWith("count[", StringComparison.Ordinal)))], "analysis/cells.csv");
        page.Element("h3", "Features of the best instances");
        string[] left = ["instance", "replica", "best"];
        Table(page, "Features of the best instances", run.FeatureTable, [.. run.FeatureTable.Header.Except(left)], "analysis/features.csv");
        page.Close("section");
    }

    /// <summary>The experiment, versions and durations.</summary>
    public static void Provenance(Html page, Experiment experiment, RunManifest manifest)
    {
        page.Open("section", ("aria-labelledby", "made")).Element("h2", "How it was made", ("id", "made"));
        var stages = manifest.Stages.Where(stage => stage.Key != ReportStage.Name).OrderBy(stage => stage.Value.Finished).ThenBy(stage => stage.Key, StringComparer.Ordinal).ToList();
        if (stages.Count > 0)
        {
            OpenTable(page, "Stages", ["Stage", "Files read", "Files written", "ToyPipeline", "Code", "Seconds"], numeric: column => column is 1 or 2 or 5);
            foreach (var (name, stage) in stages)
            {
                page.Markup("<tr>").Element("td", name).Element("td", Numbers.Count(stage.Inputs.Count), ("class", "number"))
                    .Element("td", Numbers.Count(stage.Outputs.Count), ("class", "number")).Element("td", stage.Version).Element("td", stage.Code)
                    .Element("td", stage.Seconds.ToString("0.0", CultureInfo.InvariantCulture), ("class", "number duration")).Close("tr");
            }

            CloseTable(page);
        }

        page.Element("p", $"Report by ToyPipeline {RunFolder.Version}; interactive figures by plotly.js {PlotlyLibrary.Version}, static ones by ScottPlot {typeof(ScottPlot.Plot).Assembly.GetName().Version?.ToString(3)}. "
            + "SHA-256 of every file read and written is in manifest.json.");
        page.Element("h3", "The experiment file, defaults written out");
        page.Open("pre", ("tabindex", "0"), ("aria-label", "Experiment file")).Element("code", experiment.Resolved()).Close("pre");
        page.Close("section");
    }

    // A tolerance is for numbers that should be equal; names and bounds have none.
    private static string Expected(CsvTable table, string[] row)
    {
        string comparison = s_comparisons.GetValueOrDefault(table.Text(row, "comparison"), table.Text(row, "comparison"));
        string expected = table.Text(row, "expected"), tolerance = table.Text(row, "tolerance");
        bool tolerated = comparison == "equals" && tolerance is not ("" or "0") && double.TryParse(expected, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
        return $"{comparison} {expected}{(tolerated ? $" ± {tolerance}" : "")}";
    }

    /// <summary>A table of the analysis and where its file is.</summary>
    public static void Table(Html page, string name, CsvTable table, IReadOnlyList<string> columns, string file)
    {
        bool[] numeric = [.. columns.Select(column => table.Rows.All(row => double.TryParse(table.Text(row, column), NumberStyles.Float, CultureInfo.InvariantCulture, out _)))];
        OpenTable(page, name, [.. columns.Select(Words)], column => numeric[column]);
        foreach (string[] row in table.Rows.Take(RunData.MaxRows))
        {
            page.Markup("<tr>");
            for (int i = 0; i < columns.Count; i++)
            {
                string text = table.Text(row, columns[i]);
                text = text.ToUpperInvariant() switch { "TRUE" => "yes", "FALSE" => "no", _ => Numbers.Short(text) };
                if (numeric[i])
                    page.Element("td", text, ("class", "number"));
                else
                    page.Element("td", text);
            }

            page.Close("tr");
        }

        CloseTable(page);
        string rows = table.Count > RunData.MaxRows ? $"The first {RunData.MaxRows} of {Numbers.Count(table.Count)} rows; all" : "All digits";
        page.Markup("<p class=\"files\">").Text(rows + " are in ").Element("a", file, ("href", file)).Text(".").Close("p");
    }

    /// <summary>Opens a table that scrolls by itself, with a header row.</summary>
    public static void OpenTable(Html page, string name, IReadOnlyList<string> header, Func<int, bool> numeric)
    {
        page.Open("div", ("class", "table"), ("role", "region"), ("aria-label", name), ("tabindex", "0")).Markup("<table>\n<thead><tr>");
        for (int i = 0; i < header.Count; i++)
            page.Open("th", ("scope", "col"), ("class", numeric(i) ? "number" : "text")).Text(header[i]).Close("th");
        page.Markup("</tr></thead>\n<tbody>\n");
    }

    /// <summary>Closes it.</summary>
    public static void CloseTable(Html page) => page.Markup("</tbody>\n</table>\n").Close("div");

    private static string Words(string name) => name.Contains('.', StringComparison.Ordinal) ? name : name.Replace('_', ' ');
}
