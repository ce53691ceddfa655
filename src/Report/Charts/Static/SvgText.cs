using System.Globalization;
using System.Text;
using System.Xml.Linq;
using SkiaSharp;

namespace ToyPipeline.Report.Charts.Static;

/// <summary>Makes Skia's SVG self-contained: text becomes outlines of the report's font, so that it looks the same on every machine.</summary>
internal static class SvgText
{
    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    /// <summary>The SVG with outlined text, a view box, a title and a description.</summary>
    public static string Finish(byte[] svg, string title, string description)
    {
        using var stream = new MemoryStream(svg);
        var document = XDocument.Load(stream);
        var root = document.Root!;
        foreach (var text in root.Descendants(s_svg + "text").ToList())
            text.ReplaceWith(Outline(text));
        Renumber(root);
        // Matrices are scaled images: their cells are to keep sharp edges.
        foreach (var image in root.Descendants(s_svg + "image"))
            image.SetAttributeValue("style", "image-rendering:pixelated");
        root.SetAttributeValue("viewBox", $"0 0 {root.Attribute("width")?.Value} {root.Attribute("height")?.Value}");
        root.SetAttributeValue("role", "img");
        root.AddFirst(new XElement(s_svg + "title", title), new XElement(s_svg + "desc", description));
        return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + root.ToString(SaveOptions.None).ReplaceLineEndings("\n") + "\n";
    }

    // Skia counts ids through the process's life: counted anew, the same figure is the same file.
    private static void Renumber(XElement root)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var id in root.Descendants().Attributes("id"))
            id.Value = names[id.Value] = $"i{names.Count}";
        foreach (var attribute in root.Descendants().Attributes())
        {
            if (attribute.Value is ['#', .. var target] && attribute.Name.LocalName == "href" && names.TryGetValue(target, out string? name))
                attribute.Value = "#" + name;
            else if (attribute.Value is ['u', 'r', 'l', '(', '#', .. var clip, ')'] && names.TryGetValue(clip, out name))
                attribute.Value = $"url(#{name})";
        }
    }

    // Skia writes each label with the place of each glyph: <text transform font-size font-family x="0, 7.86, …" y="12.4, ">…</text>.
    private static XElement Outline(XElement text)
    {
        string words = text.Value.Trim();
        float size = float.Parse(text.Attribute("font-size")!.Value, CultureInfo.InvariantCulture);
        // All names of the typeface are listed: "Inter SemiBold, Inter".
        bool bold = text.Attribute("font-family")?.Value.Contains("SemiBold", StringComparison.Ordinal) == true;
        using var font = new SKFont(bold ? ReportFonts.SemiBold : ReportFonts.Regular, size) { Subpixel = true, Hinting = SKFontHinting.None };
        float[] x = Numbers(text, "x"), y = Numbers(text, "y");
        var data = new StringBuilder();
        ushort[] glyphs = font.GetGlyphs(words);
        for (int i = 0; i < glyphs.Length; i++)
        {
            using var path = font.GetGlyphPath(glyphs[i]);
            if (path is null || path.IsEmpty)
                continue;
            path.Transform(SKMatrix.CreateTranslation(x[Math.Min(i, x.Length - 1)], y[Math.Min(i, y.Length - 1)]));
            data.Append(path.ToSvgPathData());
        }

        var outline = new XElement(s_svg + "path", new XAttribute("aria-label", words), new XAttribute("d", data.ToString()));
        foreach (string kept in new[] { "transform", "fill", "fill-opacity" })
        {
            if (text.Attribute(kept) is { } attribute)
                outline.SetAttributeValue(kept, attribute.Value);
        }

        return outline;
    }

    private static float[] Numbers(XElement element, string name) =>
        [.. (element.Attribute(name)?.Value ?? "0").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(number => float.Parse(number, CultureInfo.InvariantCulture))];
}
