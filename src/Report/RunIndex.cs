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

    /// <summary>Size of a run's figure on the page, px; the image has twice as many each way.</summary>
    internal const int ThumbnailWidth = 192;

    /// <inheritdoc cref="ThumbnailWidth"/>
    internal const int ThumbnailHeight = 108;

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

    // Drawn by the report at this size; a figure of a run that has none is made smaller.
    private static string? Thumbnail(string? path)
    {
        using var figure = path is null ? null : SKBitmap.Decode(path);
        if (figure is null)
            return null;
        const int Width = 2 * ThumbnailWidth, Height = 2 * ThumbnailHeight;
        float scale = Math.Min(1, Math.Min((float)Width / figure.Width, (float)Height / figure.Height));
        using var surface = SKSurface.Create(new SKImageInfo(Width, Height));
        surface.Canvas.Clear(SKColors.White);
        float width = figure.Width * scale, height = figure.Height * scale;
        using var image = SKImage.FromBitmap(figure);
        var place = SKRect.Create((Width - width) / 2, (Height - height) / 2, width, height);
        surface.Canvas.DrawImage(image, place, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        using var small = surface.Snapshot();
        using var data = small.Encode(SKEncodedImageFormat.Png, 100);
        return "data:image/png;base64," + Convert.ToBase64String(data.AsSpan());
    }
}
