using Microsoft.Playwright;

namespace ToyPipeline.Browser.Tests;

/// <summary>A headless Chromium of the machine's own, shared by all tests; they are skipped where there is none.</summary>
[SetUpFixture]
public sealed class Browser
{
    private static readonly string[] s_places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private static IPlaywright? s_playwright;
    private static IBrowser? s_browser;

    /// <summary>Where screenshots go: beside the test results, or where TOY_SCREENSHOTS says.</summary>
    public static string Screenshots { get; } = Environment.GetEnvironmentVariable("TOY_SCREENSHOTS") ?? Path.Combine(TestContext.CurrentContext.WorkDirectory, "screenshots");

    /// <summary>A page that looks at a file of the disk, and what went wrong in it.</summary>
    public static async Task<(IPage Page, List<string> Problems)> Open(string path, ColorScheme colours = ColorScheme.Light)
    {
        var page = await s_browser!.NewPageAsync(new() { ViewportSize = new() { Width = 1200, Height = 900 }, ColorScheme = colours });
        var problems = new List<string>();
        page.Console += (_, message) => { if (message.Type is "error") problems.Add(message.Text); };
        page.PageError += (_, error) => problems.Add(error);
        page.Request += (_, request) =>
        {
            if (!(request.Url.StartsWith("file:", StringComparison.Ordinal) || request.Url.StartsWith("data:", StringComparison.Ordinal) || request.Url.StartsWith("blob:", StringComparison.Ordinal)))
                problems.Add($"asks for {request.Url}");
        };
        await page.GotoAsync(new Uri(Path.GetFullPath(path)).AbsoluteUri);
        return (page, problems);
    }

    [OneTimeSetUp]
    public async Task Start()
    {
        string? chromium = Array.Find([Environment.GetEnvironmentVariable("TOY_CHROMIUM") ?? "", .. s_places], File.Exists);
        if (chromium is null)
            Assert.Ignore("There is no Chromium: install it (apt-get install chromium), or name one in TOY_CHROMIUM.");
        Directory.CreateDirectory(Screenshots);
        s_playwright = await Playwright.CreateAsync();
        s_browser = await s_playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = chromium,
            Args = ["--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        });
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (s_browser is not null)
            await s_browser.CloseAsync();
        s_playwright?.Dispose();
    }
}
