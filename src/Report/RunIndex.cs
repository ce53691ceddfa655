using SkiaSharp;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;
using ToyPipeline.Report.Data;
using ToyPipeline.Report.Page;

namespace ToyPipeline.Report;

/// <summary>The page over all runs of an artifacts folder: <c>index.html</c>.</summary>
public static class RunIndex
{
    /// <summary>Name of the page.</summary>
    public const string FileName = "index.html";

    private const int ThumbnailWidth = 320;
    private const int ThumbnailHeight = 180;

    /// <summary>Writes the page and returns its path.</summary>
    /// <param name="artifacts">Folder of the runs.</param>
    /// <exception cref="InvalidInputException">There is no such folder.</exception>
    /// <exception cref="EnvironmentFaultException">The page cannot be written.</exception>
    public static string Write(string artifacts)
    {
        ArgumentNullException.ThrowIfNull(artifacts);
        if (!Directory.Exists(artifacts))
            throw new InvalidInputException($"There is no folder {artifacts}; runs are made by `toy run`, and --artifacts says where they are.");
        string path = Path.Combine(artifacts, FileName);
        AtomicFile.WriteText(path, IndexPage.Write([.. RunSummary.All(artifacts).Select(run => (run, Thumbnail(run.Thumbnail)))]));
        return path;
    }

    // The whole figure on a card, small: a page over hundreds of runs stays a few megabytes.
    private static string? Thumbnail(string? path)
    {
        using var figure = path is null ? null : SKBitmap.Decode(path);
        if (figure is null)
            return null;
        float scale = Math.Min((float)ThumbnailWidth / figure.Width, (float)ThumbnailHeight / figure.Height);
        using var surface = SKSurface.Create(new SKImageInfo(ThumbnailWidth, ThumbnailHeight));
        surface.Canvas.Clear(SKColors.White);
        float width = figure.Width * scale, height = figure.Height * scale;
        using var image = SKImage.FromBitmap(figure);
        var place = SKRect.Create((ThumbnailWidth - width) / 2, (ThumbnailHeight - height) / 2, width, height);
        surface.Canvas.DrawImage(image, place, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        using var small = surface.Snapshot();
        using var data = small.Encode(SKEncodedImageFormat.Png, 100);
        return "data:image/png;base64," + Convert.ToBase64String(data.AsSpan());
    }
}
