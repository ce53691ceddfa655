using ToyPipeline.Core.Runs;

namespace ToyPipeline.Report.Page;

/// <summary>What all pages share: head, style, and that they ask the network for nothing.</summary>
internal static class PageShell
{
    // No address is allowed: scripts and styles are in the page, images too. Plotly's WebGL part compiles functions.
    private const string ContentPolicy =
        "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:";

    /// <summary>Opens a page up to its body.</summary>
    public static Html Open(string title) => new Html()
        .Markup("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n")
        .Markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n")
        .Markup($"<meta http-equiv=\"Content-Security-Policy\" content=\"{Html.Escape(ContentPolicy)}\"/>\n")
        .Element("title", $"{title} – ToyPipeline")
        .Markup($"<style>\n{Resource("report.css")}</style>\n</head>\n<body>\n")
        .Markup("<a class=\"skip\" href=\"#content\">Skip to the results</a>\n");

    /// <summary>The line at the end of the content.</summary>
    public static Html Footer(this Html page) =>
        page.Element("footer", $"ToyPipeline {RunFolder.Version}. This page needs no network: figures, data and scripts are in it.");

    /// <summary>Closes the page.</summary>
    public static string Finish(this Html page) => page.Markup("</body>\n</html>\n").ToString();

    /// <summary>A style sheet or script that the assembly carries.</summary>
    public static string Resource(string name)
    {
        using var reader = new StreamReader(typeof(PageShell).Assembly.GetManifestResourceStream("Page/" + name)!);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
