using Microsoft.Playwright;
using ToyPipeline.Report.Tests;

namespace ToyPipeline.Browser.Tests;

/// <summary>Reports as a reader meets them: opened from disk in a real browser.</summary>
[Category("Browser")]
internal sealed class ReportTests
{
    private static readonly TestCaseData[] s_runs =
    [
        Case("intro", () => SyntheticRun.Intro()), Case("solids", SampleRuns.Solids), Case("geometry", SampleRuns.Geometry), Case("phases", () => SampleRuns.Phases(48)),
        Case("neurons", SampleRuns.Neurons), Case("absolute", SampleRuns.AbsoluteValue), Case("dynamics", SampleRuns.Dynamics), Case("branches", SampleRuns.Branches),
        Case("attacked", SampleRuns.Attacked), Case("larger", () => SampleRuns.Larger()),
        Case("geometries-2", () => SampleRuns.Geometries(2)), Case("geometries-6", () => SampleRuns.Geometries(3, 2)), Case("geometries-18", () => SampleRuns.Geometries(9, 2)),
        Case("phases-twice", () => SampleRuns.PhasesTwice(24)), Case("outlier", SampleRuns.Outlier),
    ];

    [TestCaseSource(nameof(s_runs))]
    public async Task A_report_draws_all_its_figures_without_errors_requests_or_labels_on_each_other(string name, Func<SyntheticRun> make)
    {
        using var run = make();
        run.Report();
        var (page, problems) = await Browser.Open(run.Run.Path(Report.ReportStage.PageFile));
        await Drawn(page);
        var empty = await Labels.Empty(page);
        var overlaps = await Labels.Interactive(page);
        var cut = await Labels.Cut(page);
        await page.ScreenshotAsync(new() { Path = Path.Combine(Browser.Screenshots, name + ".png"), FullPage = true });
        foreach (string svg in Directory.GetFiles(run.Run.Path("figures"), "*.svg"))
            overlaps.AddRange(await Labels.Static(page, svg));
        await page.CloseAsync();
        Assert.Multiple(() =>
        {
            Assert.That(problems, Is.Empty);
            Assert.That(empty, Is.Empty, "plots without ink");
            Assert.That(overlaps, Is.Empty, "labels on each other");
            Assert.That(cut, Is.Empty, "texts that are cut off");
        });
    }

    [Test]
    public async Task A_pointer_on_a_large_phase_diagram_is_told_the_cells_values()
    {
        using var run = SampleRuns.Phases(256);
        run.Report();
        Assert.That(new FileInfo(run.Run.Path(Report.ReportStage.PageFile)).Length, Is.LessThan(6 << 20));
        var (page, problems) = await Browser.Open(run.Run.Path(Report.ReportStage.PageFile));
        await Drawn(page);
        var plot = page.Locator("#plot-phases");
        await plot.ScrollIntoViewIfNeededAsync();
        var map = (await plot.Locator(".heatmaplayer image").First.BoundingBoxAsync())!;
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await page.Mouse.MoveAsync(map.X + (map.Width * 0.25f), map.Y + (map.Height * 0.5f), new() { Steps = 4 });
        string words = await Hovered(plot);
        await page.CloseAsync();
        Assert.Multiple(() =>
        {
            Assert.That(words, Does.Contain("superposition").And.Contain("loss").And.Contain("norm"));
            Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(10)));
            Assert.That(problems, Is.Empty);
        });
    }

    [Test]
    public async Task A_pointer_on_a_value_beyond_the_colours_is_told_the_value()
    {
        using var run = SampleRuns.Outlier();
        run.Report();
        var (page, problems) = await Browser.Open(run.Run.Path(Report.ReportStage.PageFile));
        await Drawn(page);
        var plot = page.Locator("#plot-interference");
        await plot.ScrollIntoViewIfNeededAsync();
        var map = (await plot.Locator(".heatmaplayer image").First.BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(map.X + (map.Width * 3.5f / 11), map.Y + (map.Height * 3.5f / 11));
        string words = await Hovered(plot);
        await page.CloseAsync();
        Assert.Multiple(() =>
        {
            Assert.That(words, Is.EqualTo("G[3, 3] = 36.0000"));
            Assert.That(problems, Is.Empty);
        });
    }

    [Test]
    public async Task The_slider_moves_the_directions_through_training()
    {
        using var run = SampleRuns.Dynamics();
        run.Report();
        var (page, problems) = await Browser.Open(run.Run.Path(Report.ReportStage.PageFile));
        await Drawn(page);
        const string Last = "() => { const plot = document.getElementById('plot-trajectories'); return plot.data[plot.data.length - 1].x.join(' '); }";
        string end = await page.EvaluateAsync<string>(Last);
        var slider = page.Locator("#plot-trajectories .slider-rail-touch-rect");
        await slider.ScrollIntoViewIfNeededAsync();
        var rail = (await slider.BoundingBoxAsync())!;
        await page.Mouse.ClickAsync(rail.X + 6, rail.Y + (rail.Height / 2));
        await page.WaitForFunctionAsync($"end => ({Last})() !== end", end, new() { PollingInterval = 100 });
        await page.CloseAsync();
        Assert.That(problems, Is.Empty);
    }

    [Test]
    public async Task The_keyboard_moves_the_directions_through_training_too()
    {
        using var run = SampleRuns.Dynamics();
        run.Report();
        var (page, problems) = await Browser.Open(run.Run.Path(Report.ReportStage.PageFile));
        await Drawn(page);
        const string Now = "() => { const plot = document.getElementById('plot-trajectories'); return plot.getAttribute('aria-valuenow') + ' ' + plot.data[plot.data.length - 1].x.join(' '); }";
        var plot = page.Locator("#plot-trajectories");
        string end = await page.EvaluateAsync<string>(Now);
        int last = int.Parse((await plot.GetAttributeAsync("aria-valuemax"))!, System.Globalization.CultureInfo.InvariantCulture);
        await plot.FocusAsync();
        foreach (var (key, place) in new[] { ("ArrowLeft", last - 1), ("ArrowLeft", last - 2), ("ArrowRight", last - 1), ("Home", 0), ("ArrowLeft", 0), ("End", last) })
        {
            await page.Keyboard.PressAsync(key);
            await page.WaitForFunctionAsync($"place => ({Now})().startsWith(place + ' ')", place, new() { PollingInterval = 50, Timeout = 5000 });
            Assert.That(await page.EvaluateAsync<string>(Now), place == last ? Is.EqualTo(end) : Is.Not.EqualTo(end), key);
        }

        await page.CloseAsync();
        Assert.That(problems, Is.Empty);
    }

    [Test]
    public async Task A_dark_page_is_dark_and_the_keyboard_reaches_the_results_first()
    {
        using var run = SyntheticRun.Intro();
        run.Report();
        var (page, problems) = await Browser.Open(run.Run.Path(Report.ReportStage.PageFile), ColorScheme.Dark);
        await Drawn(page);
        string paper = await page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor");
        await page.Keyboard.PressAsync("Tab");
        string first = await page.EvaluateAsync<string>("() => document.activeElement.textContent");
        await page.ScreenshotAsync(new() { Path = Path.Combine(Browser.Screenshots, "intro-dark.png"), FullPage = true });
        await page.CloseAsync();
        Assert.Multiple(() =>
        {
            Assert.That(paper, Is.EqualTo("rgb(21, 24, 28)"));
            Assert.That(first, Is.EqualTo("Skip to the results"));
            Assert.That(problems, Is.Empty);
        });
    }

    [Test]
    public async Task A_printed_page_has_still_figures()
    {
        using var run = SyntheticRun.Intro();
        run.Report();
        var (page, _) = await Browser.Open(run.Run.Path(Report.ReportStage.PageFile));
        await Drawn(page);
        await page.EmulateMediaAsync(new() { Media = Media.Print });
        int plots = await page.Locator("div.plot:visible").CountAsync(), still = await page.Locator("img.static:visible").CountAsync();
        await page.CloseAsync();
        Assert.That((plots, still), Is.EqualTo((0, 4)));
    }

    private static TestCaseData Case(string name, Func<SyntheticRun> make) => new TestCaseData(name, make).SetArgDisplayNames(name);

    private static async Task Drawn(IPage page) => await page.WaitForFunctionAsync(
        "() => [...document.querySelectorAll('div.plot')].every(plot => plot.querySelector('.main-svg') && plot.data)", null, new() { Timeout = 60_000, PollingInterval = 100 });

    private static async Task<string> Hovered(ILocator plot)
    {
        await plot.Locator(".hoverlayer .hovertext").First.WaitForAsync(new() { Timeout = 8000 });
        return await plot.Locator(".hoverlayer .hovertext").First.TextContentAsync() ?? "";
    }
}
