using System.Text.RegularExpressions;
using System.Xml.Linq;
using SkiaSharp;
using ToyPipeline.Core;

namespace ToyPipeline.Report.Tests;

/// <summary>The page over all runs of a folder, broken ones among them.</summary>
internal sealed partial class RunIndexTests
{
    private string _artifacts = "";

    [SetUp]
    public void Make() => _artifacts = Directory.CreateTempSubdirectory("toy-index-").FullName;

    [TearDown]
    public void Delete() => Directory.Delete(_artifacts, recursive: true);

    [Test]
    public void A_run_is_listed_with_its_figure_claims_date_and_duration()
    {
        string folder = Add("intro", report: true);
        var row = Rows().Single();
        Assert.Multiple(() =>
        {
            Assert.That(Told(row), Is.EqualTo(("intro", "fails", "✗ 3 of 4")));
            Assert.That(row.Attribute("data-claims")!.Value, Is.EqualTo("0.75"));
            Assert.That(row.Descendants("a").Single().Value, Is.EqualTo("Five features in two dimensions"));
            Assert.That(row.Descendants("a").Single().Attribute("href")!.Value, Is.EqualTo("intro/report.html"));
            Assert.That(DateTime.Parse(row.Attribute("data-finished")!.Value, System.Globalization.CultureInfo.InvariantCulture), Is.EqualTo(DateTime.Now).Within(TimeSpan.FromMinutes(5)));
            Assert.That(row.Elements().Last().Value, Does.Match(@"^\d+\.\d s$"));
        });
        using var image = Image(row);
        using var drawn = SKBitmap.Decode(Path.Combine(folder, "figures", "thumbnail.png"));
        Assert.That((image.Width, image.Height), Is.EqualTo((384, 216)));
        Assert.That(image.Pixels, Is.EqualTo(drawn.Pixels));
    }

    [Test]
    public void A_figure_of_the_list_shows_the_first_and_the_last_panel()
    {
        Add("intro", report: true);
        using var image = Image(Rows().Single());
        // Each half has ink, and the two halves differ: two features on the left, five on the right.
        int[] inked = [.. new[] { 0, image.Width / 2 }.Select(from => Enumerable.Range(from, image.Width / 2).Sum(x => Enumerable.Range(0, image.Height).Count(y => image.GetPixel(x, y) is { Red: < 160 })))];
        Assert.That(inked, Is.All.GreaterThan(600));
        Assert.That(inked[1], Is.GreaterThan(1.3 * inked[0]));
    }

    [Test]
    public void A_run_from_before_figures_for_the_list_shows_its_first_figure_smaller()
    {
        string folder = Add("intro", report: true);
        File.Delete(Path.Combine(folder, "figures", "thumbnail.png"));
        using var image = Image(Rows().Single());
        Assert.That((image.Width, image.Height), Is.EqualTo((384, 216)));
        Assert.That(image.Pixels.Distinct().Count(), Is.GreaterThan(50), "the directions");
    }

    [Test]
    public void Runs_are_listed_by_name_whatever_their_state()
    {
        Add("b-analysed");
        Add("a-open");
        File.Delete(Path.Combine(_artifacts, "a-open", "analysis", "claims.csv"));
        Add("c-holds");
        string claims = Path.Combine(_artifacts, "c-holds", "analysis", "claims.csv");
        File.WriteAllText(claims, File.ReadAllText(claims).Replace(",false", ",true", StringComparison.Ordinal));
        Directory.CreateDirectory(Path.Combine(_artifacts, "no-run"));
        var rows = Rows();
        Assert.Multiple(() =>
        {
            Assert.That(rows.Select(Told), Is.EqualTo(new[] { ("a-open", "open", "–"), ("b-analysed", "fails", "✗ 3 of 4"), ("c-holds", "holds", "✓ 4 of 4") }));
            Assert.That(rows.SelectMany(row => row.Descendants("a")), Is.Empty, "no report to link to");
            Assert.That(rows.SelectMany(row => row.Descendants("img")), Is.Empty);
            Assert.That(Page().Root!.Value, Does.Contain("3 runs; in 1 a claim fails."));
        });
    }

    [Test]
    public void A_broken_run_is_listed_with_what_is_wrong_and_the_others_stay()
    {
        Add("whole");
        foreach (var (name, file, text) in new[]
        {
            ("bad-experiment", "experiment.yaml", "name: [unclosed"), ("bad-manifest", "manifest.json", "{ \"stages\": 3 }"), ("bad-claims", "analysis/claims.csv", "claim,at\n0,x\n"),
        })
        {
            File.WriteAllText(Path.Combine(Add(name), file), text);
        }

        var rows = Rows();
        Assert.Multiple(() =>
        {
            Assert.That(rows.Select(Told).Select(row => (row.Name, row.State)), Is.EqualTo(new[] { ("bad-claims", "open"), ("bad-experiment", "open"), ("bad-manifest", "open"), ("whole", "fails") }));
            Assert.That(rows[0].Elements().ElementAt(1).Value, Does.Contain("holds"), "the missing column");
            Assert.That(rows[1].Elements().ElementAt(1).Value, Does.Contain("experiment.yaml"));
            Assert.That(rows[2].Elements().ElementAt(1).Value, Does.Contain("manifest.json"));
        });
    }

    [Test]
    public void A_figure_that_is_no_image_is_left_out()
    {
        string folder = Add("intro", report: true);
        File.WriteAllText(Path.Combine(folder, "figures", "thumbnail.png"), "no image");
        Assert.That(Rows().Single().Descendants("img"), Is.Empty);
    }

    [Test]
    public void Titles_are_text_and_addresses_are_escaped()
    {
        using var run = SyntheticRun.Intro(title: "'<script>alert(1)</script>'");
        run.Report();
        Copy(run.Run.Root, Path.Combine(_artifacts, "a b&c"));
        var row = Rows().Single();
        Assert.Multiple(() =>
        {
            Assert.That(row.Descendants("a").Single().Value, Is.EqualTo("<script>alert(1)</script>"));
            Assert.That(row.Descendants("a").Single().Attribute("href")!.Value, Is.EqualTo("a%20b%26c/report.html"));
            Assert.That(row.Attribute("data-name")!.Value, Is.EqualTo("a b&c"));
        });
    }

    [Test]
    public void No_run_is_a_page_too_and_no_folder_is_told()
    {
        Assert.That(Page().Root!.Value, Does.Contain("0 runs; no claim fails."));
        Assert.That(() => RunIndex.Write(Path.Combine(_artifacts, "nowhere")), Throws.TypeOf<InvalidInputException>().With.Message.Contains("nowhere"));
    }

    private string Add(string name, bool report = false)
    {
        using var run = SyntheticRun.Intro();
        if (report)
            run.Report();
        return Copy(run.Run.Root, Path.Combine(_artifacts, name));
    }

    private static string Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != ".lock"))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        return to;
    }

    private static (string Name, string State, string Claims) Told(XElement row) =>
        (row.Attribute("data-name")!.Value, row.Attribute("data-state")!.Value, row.Elements().ElementAt(2).Value);

    private List<XElement> Rows() => [.. Page().Descendants("tbody").Single().Elements("tr")];

    private XDocument Page() => XDocument.Parse(Script().Replace(File.ReadAllText(RunIndex.Write(_artifacts)), "").Replace("<!DOCTYPE html>\n", "", StringComparison.Ordinal));

    private static SKBitmap Image(XElement row) => SKBitmap.Decode(Convert.FromBase64String(row.Descendants("img").Single().Attribute("src")!.Value["data:image/png;base64,".Length..]));

    [GeneratedRegex("<script[^>]*>.*?</script>", RegexOptions.Singleline)]
    private static partial Regex Script();
}
