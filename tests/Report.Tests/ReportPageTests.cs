using System.IO.Compression;
using System.Net;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using ToyPipeline.Core;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Report.Tests;

internal sealed partial class ReportPageTests
{
    private static readonly string[] s_figures = ["directions", "interference", "norms", "loss"];

    [Test]
    public void Page_is_well_formed_and_small_and_asks_the_network_for_nothing()
    {
        using var run = SyntheticRun.Intro();
        Assert.That(run.Report(), Is.EqualTo(StageOutcome.Ran));
        string html = run.Read(ReportStage.PageFile);
        var page = Parse(html);
        Assert.Multiple(() =>
        {
            Assert.That(new FileInfo(run.Run.Path(ReportStage.PageFile)).Length, Is.LessThan(6 << 20));
            var addresses = page.Descendants().Attributes().Where(a => a.Name.LocalName is "src" or "href" or "srcset" or "data" or "action").Select(a => a.Value).ToList();
            Assert.That(addresses, Is.Not.Empty.And.None.Contains("//"));
            Assert.That(page.Descendants("link"), Is.Empty);
            Assert.That(page.Descendants("script").Attributes("src"), Is.Empty);
            Assert.That(string.Concat(page.Descendants("style").Select(style => style.Value)), Does.Not.Contain("url(").And.Not.Contain("@import"));
            Assert.That(html, Does.Contain("Plotly.react"));
            Assert.That(Unpacked(PackedPlotly().Match(html).Groups[1].Value), Does.Contain("plotly.js v"));
            var ids = page.Descendants().Attributes("id").Select(a => a.Value).ToList();
            Assert.That(ids, Is.Unique);
            Assert.That(addresses.Where(a => a.StartsWith('#')).Select(a => a[1..]), Is.SubsetOf(ids));
        });
    }

    [GeneratedRegex("id=\"plotly\">([^<]+)</script>")]
    private static partial Regex PackedPlotly();

    private static string Unpacked(string base64)
    {
        using var reader = new StreamReader(new GZipStream(new MemoryStream(Convert.FromBase64String(base64)), CompressionMode.Decompress));
        return reader.ReadToEnd();
    }

    [Test]
    public void Claims_come_first_and_say_in_words_whether_they_hold()
    {
        using var run = SyntheticRun.Intro();
        run.Report();
        var page = Parse(run.Read(ReportStage.PageFile));
        Assert.Multiple(() =>
        {
            Assert.That(page.Descendants("h2").Select(h => h.Value), Is.EqualTo(new[] { "Claims", "Figures", "Tables", "How it was made" }));
            string claims = page.Descendants("section").First().Value;
            Assert.That(claims, Does.Contain("3 of 4 claims hold").And.Contain("✓ holds").And.Contain("✗ does not hold").And.Contain("at most 0.01")
                .And.Contain("equals 1 ± 0.05").And.Not.Contain("0.03"), "only numbers have a tolerance");
        });
    }

    [Test]
    public void Every_figure_is_on_disk_twice_and_has_words_for_who_cannot_see_it()
    {
        using var run = SyntheticRun.Intro();
        run.Report();
        var figures = Parse(run.Read(ReportStage.PageFile)).Descendants("figure").ToList();
        Assert.That(figures.Select(figure => figure.Attribute("id")?.Value), Is.EqualTo(s_figures));
        foreach (var figure in figures)
        {
            string id = figure.Attribute("id")!.Value;
            var plot = figure.Elements("div").Single();
            string svg = run.Read($"figures/{id}.svg");
            Assert.Multiple(() =>
            {
                Assert.That(plot.Attribute("role")?.Value, Is.EqualTo("img"));
                Assert.That(plot.Attribute("aria-label")?.Value, Does.Contain("S = 0.9"));
                Assert.That(figure.Elements("img").Single().Attribute("alt")?.Value, Is.EqualTo(plot.Attribute("aria-label")?.Value));
                Assert.That(figure.Element("figcaption")?.Value, Does.Contain("Look for"));
                Assert.That(File.ReadAllBytes(run.Run.Path($"figures/{id}.png"))[..4], Is.EqualTo(new byte[] { 0x89, 0x50, 0x4e, 0x47 }));
                Assert.That(XDocument.Parse(svg).Root?.Elements().Select(e => e.Name.LocalName).Take(2), Is.EqualTo(new[] { "title", "desc" }));
                Assert.That(svg, Does.Not.Contain("<text").And.Not.Contain("font-family"), "text is outlined");
            });
        }
    }

    [Test]
    public void What_the_experiment_says_is_text_and_never_markup()
    {
        using var run = SyntheticRun.Intro(title: "'<script>alert(1)</script> & \"quotes\" </title>'");
        run.Report();
        string html = run.Read(ReportStage.PageFile);
        Assert.Multiple(() =>
        {
            Assert.That(html, Does.Not.Contain("<script>alert"));
            Assert.That(Parse(html).Descendants("h1").Single().Value, Is.EqualTo("<script>alert(1)</script> & \"quotes\" </title>"));
            Assert.That(WebUtility.HtmlDecode(Parse(html).Descendants("pre").Single().Value), Does.Contain("<script>alert(1)"));
        });
    }

    [Test]
    public void Markup_in_an_axis_value_or_table_stays_text_in_figures_too()
    {
        using var run = SyntheticRun.Intro();
        string cells = run.Run.Path("analysis/cells.csv");
        File.WriteAllText(cells, File.ReadAllText(cells).Replace("5 features", "</script><b onclick=x>", StringComparison.Ordinal));
        run.Report();
        string html = run.Read(ReportStage.PageFile);
        Assert.That(html, Does.Not.Contain("<b onclick"));
        Assert.That(Charts.Interactive.PlotlyFigure.Escape("<a href=x>&"), Is.EqualTo("&lt;a href=x&gt;&amp;"));
    }

    [Test]
    public void The_same_inputs_give_the_same_bytes_except_durations()
    {
        using var first = SyntheticRun.Intro();
        using var second = SyntheticRun.Intro();
        foreach (var run in new[] { first, second })
        {
            run.Run.Stage(typeof(ReportPageTests), "train", "", [], () => { Thread.Sleep(run == first ? 0 : 120); return ["weights/pack-00000.history.safetensors"]; });
            run.Report();
        }

        Assert.Multiple(() =>
        {
            foreach (string file in s_figures.SelectMany(id => new[] { $"figures/{id}.png", $"figures/{id}.svg" }))
                Assert.That(File.ReadAllBytes(second.Run.Path(file)), Is.EqualTo(File.ReadAllBytes(first.Run.Path(file))), file);
            Assert.That(WithoutDurations(second), Is.EqualTo(WithoutDurations(first)));
            Assert.That(WithoutDurations(first), Does.Not.Contain(first.Run.Root), "no path of the machine");
        });
    }

    [Test]
    public void A_stage_whose_inputs_are_unchanged_is_skipped()
    {
        using var run = SyntheticRun.Intro();
        run.Report();
        Assert.That(run.Report(), Is.EqualTo(StageOutcome.Skipped));
    }

    [Test]
    public void Without_history_or_matrices_the_rest_is_reported_and_a_sentence_says_what_is_missing()
    {
        using var run = SyntheticRun.Intro(history: false, matrices: false);
        run.Report();
        var page = Parse(run.Read(ReportStage.PageFile));
        Assert.Multiple(() =>
        {
            Assert.That(page.Descendants("figure").Select(figure => figure.Attribute("id")?.Value), Is.EqualTo(new[] { "norms" }));
            var notes = page.Descendants("p").Where(p => p.Attribute("class")?.Value == "left-out").Select(p => p.Value).ToList();
            Assert.That(notes, Has.Count.EqualTo(3).And.All.EndsWith("."));
            Assert.That(notes, Has.Some.Contains("no training history").And.Some.Contains("no matrices"));
            Assert.That(File.Exists(run.Run.Path("figures/loss.png")), Is.False);
        });
    }

    [Test]
    public void Directions_of_more_than_three_dimensions_are_left_out_with_a_sentence()
    {
        using var run = SampleRuns.Larger();
        run.Report();
        string html = run.Read(ReportStage.PageFile);
        Assert.Multiple(() =>
        {
            Assert.That(html, Does.Contain("up to 3 hidden dimensions; these models have 20 or more"));
            Assert.That(html.Length, Is.LessThan(6 << 20));
        });
    }

    [Test]
    public void A_large_grid_shows_evenly_chosen_cells_and_says_so()
    {
        using var run = new SyntheticRun(
            """
            name: grid
            model: { kind: relu-output, features: 2, hidden: 1 }
            axes:
              - { path: data.density, log: [0.01, 1, 15] }
              - { path: "importance.values[1]", log: [0.1, 10, 15] }
            importance: { values: [1, 1] }
            """,
            (_, _) => [[1.0], [-0.9]]);
        run.Report();
        var page = Parse(run.Read(ReportStage.PageFile));
        Assert.Multiple(() =>
        {
            Assert.That(page.Descendants("figure").Where(f => f.Attribute("id")?.Value != "dimensionality").Select(f => f.Element("figcaption")!.Value), Has.All.Contains("Shown are 12 of 225 cells"));
            Assert.That(page.Descendants("tr").Count(), Is.LessThan(450));
            Assert.That(page.Root!.Value, Does.Contain("The first 200 of 225 rows"));
        });
    }

    [Test]
    public void A_missing_analysis_is_named()
    {
        using var run = SyntheticRun.Intro();
        File.Delete(run.Run.Path("analysis/cells.csv"));
        Assert.That(() => run.Report(), Throws.TypeOf<InvalidInputException>().With.Message.Contains("cells.csv"));
    }

    [Test]
    public void A_missing_column_is_named()
    {
        using var run = SyntheticRun.Intro();
        string path = run.Run.Path("analysis/features.csv");
        File.WriteAllText(path, File.ReadAllText(path).Replace(",norm,", ",length,", StringComparison.Ordinal));
        Assert.That(() => run.Report(), Throws.TypeOf<InvalidInputException>().With.Message.Contains("no column norm"));
    }

    private static string WithoutDurations(SyntheticRun run) => Duration().Replace(run.Read(ReportStage.PageFile), "<td>");

    // Scripts hold < and &, as HTML allows and XML does not.
    private static XDocument Parse(string html) =>
        XDocument.Parse(Script().Replace(html, "<script></script>").Replace("<!DOCTYPE html>\n", "", StringComparison.Ordinal));

    [GeneratedRegex("<td class=\"number duration\">[^<]*")]
    private static partial Regex Duration();

    [GeneratedRegex("<script[^>]*>.*?</script>", RegexOptions.Singleline)]
    private static partial Regex Script();
}
