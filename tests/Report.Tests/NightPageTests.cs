using System.Globalization;
using System.Xml.Linq;
using ToyPipeline.Core;
using ToyPipeline.Report.Page;

namespace ToyPipeline.Report.Tests;

/// <summary>The page of nights, from the file that the nights write.</summary>
public sealed class NightPageTests
{
    private string _folder = "";

    [SetUp]
    public void Make() => _folder = Directory.CreateTempSubdirectory("toy-night-page-").FullName;

    [TearDown]
    public void Delete() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void The_last_night_its_findings_and_every_value_over_nights_are_shown()
    {
        Write(Night(1, "good", 0.5), Night(2, "unfinished", null), Night(3, "bad", 0.75, """{"kind":"regression","experiment":"a <b>","at":"S = 0.9","name":"loss_best","before":"0.5","now":"0.75","limit":"at most 0.51","bad":true}"""));
        string html = Page();
        var page = Parsed(html);
        var spark = page.Descendants("svg").First(svg => svg.Attribute("aria-label")!.Value.StartsWith("loss_best", StringComparison.Ordinal));
        Assert.Multiple(() =>
        {
            Assert.That(page.Descendants("p").First(p => (string?)p.Attribute("class") == "verdict fails").Value, Is.EqualTo("✗ Night 3: 1 finding to look at"));
            Assert.That(page.Descendants("li").Where(li => li.Parent!.Attribute("class")?.Value == "nights").Select(li => li.Value), Is.EqualTo(new[] { "✓", "–", "✗" }));
            Assert.That(page.Descendants("tr").Select(row => string.Join("|", row.Elements().Select(cell => cell.Value))), Has.Member("regression|a <b>|S = 0.9|loss_best|0.5|0.75|at most 0.51"));
            Assert.That(page.Descendants("tr").Select(row => string.Join("|", row.Elements().Select(cell => cell.Value))), Has.Member("a <b>|✗ look|1 of 1|1||2"));
            Assert.That(spark.Attribute("aria-label")!.Value, Is.EqualTo("loss_best over 2 nights: first 0.5, last 0.75, least 0.5, largest 0.75"));
            Assert.That(spark.Elements("path").Single().Attribute("d")!.Value.Count(c => c == 'M'), Is.EqualTo(2), "a night without a value is a gap");
            Assert.That(spark.Elements("circle").Last().Attribute("class")?.Value, Is.EqualTo("bad"));
            Assert.That(html, Does.Contain("the same in 2 nights").And.Contain("Content-Security-Policy").And.Not.Contain("http://").And.Not.Contain("https://"));
        });
    }

    [Test]
    public void Only_reports_and_folders_that_are_there_are_linked()
    {
        Write(Night(1, "good", 0.5).Replace("\"pruned\":false", "\"pruned\":true", StringComparison.Ordinal), Night(2, "good", 0.5));
        Assert.That(Links(), Is.EqualTo(new[] { "#content", "#a%20%3Cb%3E", "2026-03-02/" }));
        Directory.CreateDirectory(Path.Combine(_folder, "2026-03-02", "a <b>"));
        File.WriteAllText(Path.Combine(_folder, "2026-03-02", "a <b>", "report.html"), "");
        Assert.That(Links(), Is.EqualTo(new[] { "#content", "#a%20%3Cb%3E", "2026-03-02/a%20%3Cb%3E/report.html", "2026-03-02/" }));

        string[] Links() => [.. Parsed(Page()).Descendants("a").Select(a => a.Attribute("href")!.Value)];
    }

    [Test]
    public void No_night_is_a_page_too()
    {
        Write();
        Assert.That(Page(), Does.Contain("No night has run yet."));
    }

    [TestCase("{\"format\":2,\"nights\":[]}", "is not of format 1")]
    [TestCase("{\"format\":1}", "cannot be read: ")]
    [TestCase("no json", "cannot be read: ")]
    public void A_damaged_history_is_told(string json, string expected)
    {
        File.WriteAllText(Path.Combine(_folder, "history.json"), json);
        Assert.That(() => NightIndex.Write(_folder), Throws.TypeOf<InvalidInputException>().With.Message.Contains(expected).And.Message.EndsWith("run `toy nightly` again.").IgnoreCase);
    }

    [Test]
    public void A_line_over_values_that_hardly_differ_is_flat()
    {
        double[] Heights(params double[] values) => [.. XElement.Parse(Sparkline.Svg("m", [.. values.Select(value => (double?)value)], new bool[values.Length]))
            .Element("path")!.Attribute("d")!.Value.Split(['M', 'L'], StringSplitOptions.RemoveEmptyEntries).Select(point => double.Parse(point.Split(' ')[1], CultureInfo.InvariantCulture))];
        Assert.Multiple(() =>
        {
            Assert.That(Heights(1, 1 + 1e-9, 1), Has.All.EqualTo(15));
            Assert.That(Heights(0, 0), Has.All.EqualTo(15));
            Assert.That(Heights(1, 2), Is.EqualTo(new[] { 26.0, 4 }));
            Assert.That(Heights(-2, -1), Is.EqualTo(new[] { 26.0, 4 }));
            Assert.That(Heights(5), Is.EqualTo(new[] { 15.0 }));
        });
    }

    private static string Night(int number, string status, double? loss, string findings = "") => $$"""
        {"number":{{number}},"started":"2026-03-0{{number}}T02:00:00Z","finished":{{(loss is null ? "null" : $"\"2026-03-0{number}T02:03:00Z\"")}},"folder":"2026-03-0{{number}}","status":"{{status}}","pruned":false,
        "machine":{"name":"here","system":"Linux","processor":"x64","cores":2},"versions":{"commit":"0123456789abcdef"},
        "runs":[{{(loss is not { } value ? "" : $$"""
            {"experiment":"a <b>","file":"a.yaml","exit_code":0,"seconds":2,"error":null,"spec":"",
            "metrics":[{"at":"S = 0.9","name":"loss_best","number":{{value.ToString(CultureInfo.InvariantCulture)}},"text":null},{"at":"S = 0.9","name":"geometry","number":null,"text":"digon"}],
            "claims":[{"at":"S = 0.9","measure":"loss","comparison":"at_most","expected":"1","measured":"0.5 to 0.7","holds":true}]}
            """)}}],
        "findings":[{{findings}}]}
        """;

    private void Write(params string[] nights) => File.WriteAllText(Path.Combine(_folder, "history.json"), $"{{\"format\":1,\"nights\":[{string.Join(",", nights)}]}}");

    private string Page() => File.ReadAllText(NightIndex.Write(_folder));

    // The page is XML but for its head: style and void elements.
    private static XElement Parsed(string html) => XElement.Parse(html[html.IndexOf("<body>", StringComparison.Ordinal)..html.IndexOf("</html>", StringComparison.Ordinal)]);
}
