using ToyPipeline.Report;
using ToyPipeline.Report.Tests;

namespace ToyPipeline.Browser.Tests;

/// <summary>The index over all runs, and the comparison of two.</summary>
[Category("Browser")]
internal sealed class IndexTests
{
    [Test]
    public async Task The_index_sorts_and_filters_the_runs()
    {
        using var intro = SyntheticRun.Intro();
        using var line = SampleRuns.Line();
        intro.Report();
        line.Report();
        string artifacts = Path.GetDirectoryName(intro.Run.Root)!;
        Directory.CreateSymbolicLink(Path.Combine(artifacts, "line"), line.Run.Root);
        var (page, problems) = await Browser.Open(RunIndex.Write(artifacts));
        await page.GetByRole(Microsoft.Playwright.AriaRole.Button, new() { Name = "Run" }).ClickAsync();
        await page.GetByRole(Microsoft.Playwright.AriaRole.Button, new() { Name = "Run" }).ClickAsync();
        var descending = await page.Locator("#runs tbody tr .name").AllTextContentsAsync();
        await page.FillAsync("#find", "five");
        var found = await page.Locator("#runs tbody tr:visible .name").AllTextContentsAsync();
        await page.ScreenshotAsync(new() { Path = Path.Combine(Browser.Screenshots, "index.png"), FullPage = true });
        await page.ClickAsync("#runs tbody tr:visible a");
        string title = await page.TitleAsync();
        await page.CloseAsync();
        Assert.Multiple(() =>
        {
            Assert.That(descending, Is.EqualTo(new[] { "line", "intro" }));
            Assert.That(found, Is.EqualTo(new[] { "intro" }));
            Assert.That(title, Does.StartWith("Five features"));
            Assert.That(problems, Is.Empty);
        });
    }
}
