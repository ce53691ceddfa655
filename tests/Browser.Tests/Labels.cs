using Microsoft.Playwright;

namespace ToyPipeline.Browser.Tests;

/// <summary>Looks for labels that lie on each other, and for plots without ink.</summary>
internal static class Labels
{
    // Boxes of text, a pixel smaller on each side: neighbours may touch.
    private const string Overlaps = """
        labels => {
          const boxes = labels.filter(label => (label.textContent || label.getAttribute('aria-label') || '').trim() !== '')
            .map(label => ({ name: label.getAttribute('aria-label') || label.textContent, box: label.getBoundingClientRect() }))
            .filter(({ box }) => box.width > 0 && box.height > 0);
          const found = [];
          for (let i = 0; i < boxes.length; i++)
            for (let j = i + 1; j < boxes.length; j++) {
              const a = boxes[i].box, b = boxes[j].box;
              const width = Math.min(a.right, b.right) - Math.max(a.left, b.left), height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
              if (width > 2 && height > 3) found.push(`${boxes[i].name} and ${boxes[j].name}`);
            }
          return found;
        }
        """;

    /// <summary>Pairs of overlapping labels of the interactive figures.</summary>
    public static async Task<List<string>> Interactive(IPage page)
    {
        var found = new List<string>();
        foreach (var plot in await page.Locator("div.plot").AllAsync())
        {
            var pairs = await plot.Locator(".xtick text, .ytick text, .annotation text, .legendtext, .slider-label, g.textpoint text, .g-xtitle text, .g-ytitle text, .xtitle, .ytitle").EvaluateAllAsync<string[]>(Overlaps);
            string id = await plot.GetAttributeAsync("id") ?? "?";
            found.AddRange(pairs.Select(pair => $"{id}: {pair}"));
        }

        return found;
    }

    /// <summary>Pairs of overlapping labels of an SVG file, and labels that reach out of it; its texts are outlines with their words beside them.</summary>
    public static async Task<List<string>> Static(IPage page, string svg)
    {
        await page.SetContentAsync($"<body>{File.ReadAllText(svg)[File.ReadAllText(svg).IndexOf("<svg", StringComparison.Ordinal)..]}</body>");
        var cut = await page.Locator("path[aria-label]").EvaluateAllAsync<string[]>("""
            labels => labels.filter(label => {
              const box = label.getBoundingClientRect(), all = label.ownerSVGElement.getBoundingClientRect();
              return box.left < all.left || box.right > all.right || box.top < all.top || box.bottom > all.bottom;
            }).map(label => label.getAttribute('aria-label') + ' is cut off')
            """);
        return [.. cut.Concat(await page.Locator("path[aria-label]").EvaluateAllAsync<string[]>(Overlaps)).Select(found => $"{Path.GetFileName(svg)}: {found}")];
    }

    /// <summary>Texts of the interactive figures that reach out of their plot, where the page cuts them off.</summary>
    public static async Task<List<string>> Cut(IPage page) => [.. await page.Locator("div.plot").EvaluateAllAsync<string[]>("""
        plots => plots.flatMap(plot => {
          const all = plot.getBoundingClientRect();
          return [...plot.querySelectorAll('text')].filter(text => text.textContent.trim() !== '').map(text => ({ text, box: text.getBoundingClientRect() }))
            .filter(({ box }) => box.width > 0 && (box.left < all.left - 1 || box.right > all.right + 1 || box.top < all.top - 1 || box.bottom > all.bottom + 1))
            .map(({ text }) => `${plot.id}: ${text.textContent}`);
        })
        """)];

    /// <summary>Plots that show nothing: no trace of theirs has a shape on the page.</summary>
    public static async Task<List<string>> Empty(IPage page)
    {
        var empty = new List<string>();
        foreach (var plot in await page.Locator("div.plot").AllAsync())
        {
            int shapes = await plot.Locator(".scatterlayer path.js-line, .scatterlayer .point, .barlayer .point path, .heatmaplayer image, canvas, .textpoint").CountAsync();
            var box = await plot.BoundingBoxAsync();
            if (shapes == 0 || box is not { Width: > 100, Height: > 80 })
                empty.Add(await plot.GetAttributeAsync("id") ?? "?");
        }

        return empty;
    }
}
