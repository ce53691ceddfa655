using System.Globalization;
using System.Text;
using ToyPipeline.Core;

namespace ToyPipeline.Sweeps.Nights;

/// <summary>A night in Markdown, for a mail or a chat: the first line is the subject.</summary>
public static class NightSummary
{
    // A message, not a log: the page has the rest.
    private const int MaxRows = 25;

    /// <summary>The night in one line: <c>Night 12: 1 regression, 2 failed claims</c>.</summary>
    public static string Subject(NightResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        (FindingKind Kind, string Noun)[] kinds = [(FindingKind.FailedRun, "failed run"), (FindingKind.FailedClaim, "failed claim"), (FindingKind.Regression, "regression")];
        string[] bad = [.. kinds.Select(kind => (Count: result.Findings.Count(finding => finding.Kind == kind.Kind), kind.Noun)).Where(kind => kind.Count > 0).Select(kind => Nouns.Count(kind.Count, kind.Noun))];
        return $"Night {result.Night.Number}: {(bad.Length == 0 ? "good" : string.Join(", ", bad))}";
    }

    /// <summary>What there is to know, each once, with the experiments that it is true of.</summary>
    public static IReadOnlyList<string> Notes(NightResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return [.. result.Findings.Where(finding => finding.Kind == FindingKind.Note).GroupBy(note => note.Name).Select(notes =>
            string.Join(", ", notes.Select(note => note.Experiment).Where(name => name.Length > 0)) is { Length: > 0 } names ? $"{names}: {notes.Key}" : notes.Key)];
    }

    /// <summary>The whole message.</summary>
    /// <param name="result">The night.</param>
    /// <param name="page">Address of the page of nights.</param>
    public static string Markdown(NightResult result, string page)
    {
        ArgumentNullException.ThrowIfNull(result);
        var text = new StringBuilder();
        var (night, claims) = (result.Night, result.Runs.SelectMany(run => run.Claims).ToList());
        Line(text, $"# {Subject(result)}\n");
        string compared = result.LastGood is { } good ? $"compared with night {good.Number} of {Date(good.Started)}, the last good one" : "no good night before it to compare with";
        Line(text, $"{Date(night.Started)} UTC on {night.Machine.Name} ({Nouns.Count(night.Machine.Cores, "core")}): {Nouns.Count(result.Runs.Count, "experiment")} in {Duration(night)}, {claims.Count(claim => claim.Holds)} of {Nouns.Count(claims.Count, "claim")} hold; {compared}.");
        Section(text, result, FindingKind.FailedRun, "Did not finish", ["experiment", "why"], finding => [finding.Experiment, finding.Name]);
        Section(text, result, FindingKind.FailedClaim, "Claims that fail", ["experiment", "at", "claim", "last good", "now"], finding => [finding.Experiment, finding.At, finding.Name, finding.Before, finding.Now]);
        string[] values = ["experiment", "at", "what", "last good", "now", "allowed"];
        Section(text, result, FindingKind.Regression, "Regressions", values, finding => [finding.Experiment, finding.At, finding.Name, finding.Before, $"**{finding.Now}**", finding.Limit]);
        Section(text, result, FindingKind.Improvement, "Better than before", values, finding => [finding.Experiment, finding.At, finding.Name, finding.Before, finding.Now, finding.Limit]);
        if (result.Changed.Count > 0)
        {
            Line(text, "\n## Changed since the last good night\n");
            foreach (var (name, before, now) in result.Changed)
                Line(text, $"- {name}: {Cell(before)} → {Cell(now)}");
        }

        var notes = Notes(result);
        if (notes.Count > 0)
            Line(text, "\n## Notes\n");
        foreach (string note in notes)
            Line(text, $"- {note}");
        Line(text, $"\n[All nights]({page})");
        return text.ToString();
    }

    /// <summary>The message of a night that never began, or broke off.</summary>
    /// <param name="sentence">Why.</param>
    public static string Broken(string sentence) => $"# Night: did not finish\n\n{sentence}\n";

    private static void Section(StringBuilder text, NightResult result, FindingKind kind, string title, string[] columns, Func<Finding, string[]> row)
    {
        var findings = result.Findings.Where(finding => finding.Kind == kind).ToList();
        if (findings.Count == 0)
            return;
        Line(text, $"\n## {title}\n");
        Line(text, $"| {string.Join(" | ", columns)} |\n|{string.Concat(columns.Select(_ => "---|"))}");
        foreach (var finding in findings.Take(MaxRows))
            Line(text, $"| {string.Join(" | ", row(finding).Select(Cell))} |");
        if (findings.Count > MaxRows)
            Line(text, $"\n… and {findings.Count - MaxRows} more: the page has them all.");
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ");

    private static string Date(DateTime time) => time.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    private static string Duration(NightRecord night)
    {
        var time = (night.Finished ?? night.Started) - night.Started;
        return time < TimeSpan.Zero ? "unknown time" : time.ToString(time < TimeSpan.FromHours(1) ? @"m\:ss" : @"h\:mm\:ss", CultureInfo.InvariantCulture);
    }

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');
}
