using SkiaSharp;

namespace ToyPipeline.Report.Charts.Static;

/// <summary>What stands around the panels of a static figure: their titles, the legend, the colour bar.</summary>
internal static class StaticFurniture
{
    /// <summary>Room to the right of the panels that the colour bar takes.</summary>
    public const float ColorBarSpace = 86;

    private const float TitleSize = 14;
    private const float WordSize = 12.5f;
    private const float TickSize = 12;

    /// <summary>The panel's title, centred on <paramref name="centre"/>; smaller where it is wider than <paramref name="room"/>.</summary>
    public static void Title(SKCanvas canvas, string text, float centre, float baseline, float room)
    {
        using var font = Font(ReportFonts.SemiBold, TitleSize);
        font.Size = Math.Max(8, TitleSize * Math.Min(1, room / Math.Max(1, font.MeasureText(text))));
        using var ink = Fill(Palette.Light.Text);
        canvas.DrawText(text, centre, baseline, SKTextAlign.Center, font, ink);
    }

    /// <summary>Words that begin at places of a panel, which may reach beyond it.</summary>
    public static void Words(SKCanvas canvas, Panel panel, SKRect area)
    {
        using var font = Font(ReportFonts.Regular, 11);
        using var ink = Fill(Palette.Light.Text);
        foreach (var text in panel.Marks.OfType<TextMark>())
        {
            float x = area.Left + (area.Width * (float)Share(panel.X, text.X)), y = area.Bottom - (area.Height * (float)Share(panel.Y, text.Y));
            canvas.DrawText(text.Text, x, y + 4, SKTextAlign.Left, font, ink);
        }

        static double Share(Axis axis, double at) => (StaticPanel.Place(axis, at) - StaticPanel.Place(axis, axis.From)) / (StaticPanel.Place(axis, axis.To) - StaticPanel.Place(axis, axis.From));
    }

    /// <summary>Height of a line of the legend.</summary>
    public const float LegendLine = 26;

    private const float LegendSample = 26;
    private const float LegendSpace = 7;

    /// <summary>Lines that the legend takes in a given width.</summary>
    public static int LegendLines(IReadOnlyList<LegendEntry> entries, float width) => entries.Count == 0 ? 0 : LegendPlaces(entries, width).Max(place => place.Line) + 1;

    /// <summary>The legend in lines of a given width that start at <paramref name="left"/>.</summary>
    public static void Legend(SKCanvas canvas, IReadOnlyList<LegendEntry> entries, float left, float width, float firstBaseline)
    {
        using var font = Font(ReportFonts.Regular, WordSize);
        using var ink = Fill(Palette.Light.Text);
        foreach (var (entry, place) in entries.Zip(LegendPlaces(entries, width)))
        {
            float x = left + place.X, baseline = firstBaseline + (place.Line * LegendLine);
            using var line = Fill(Palette.Light.Of(entry.Ink));
            line.StrokeWidth = (float)entry.Width;
            canvas.DrawLine(x, baseline - 4.5f, x + LegendSample, baseline - 4.5f, line);
            canvas.DrawText(entry.Text, x + LegendSample + LegendSpace, baseline, SKTextAlign.Left, font, ink);
        }
    }

    private static IEnumerable<(float X, int Line)> LegendPlaces(IReadOnlyList<LegendEntry> entries, float width)
    {
        using var font = Font(ReportFonts.Regular, WordSize);
        float x = 0;
        int line = 0;
        foreach (var entry in entries)
        {
            float wide = LegendSample + LegendSpace + font.MeasureText(entry.Text);
            if (x > 0 && x + wide > width)
                (x, line) = (0, line + 1);
            yield return (x, line);
            x += wide + 24;
        }
    }

    /// <summary>The colour bar beside a data area from <paramref name="top"/> to <paramref name="bottom"/>: ticks to its right, its label turned.</summary>
    public static void ColorBar(SKCanvas canvas, ColorScale colors, float left, float top, float bottom)
    {
        const float Width = 12;
        const int Steps = 96;
        float height = bottom - top;
        for (int i = 0; i < Steps; i++)
        {
            // Each step reaches to the bottom, under the next one: no seams where edges are smoothed.
            using var paint = Fill(Palette.At(Palette.Light.Of(colors), 1 - (i / (Steps - 1.0))));
            canvas.DrawRect(left, top + (height * i / Steps), Width, height * (Steps - i) / Steps, paint);
        }

        using var font = Font(ReportFonts.Regular, TickSize);
        using var ink = Fill(Palette.Light.Text);
        using var line = Fill(Palette.Light.Muted);
        float widest = 0;
        foreach (var tick in colors.Ticks(Math.Clamp((int)(height / 32), 2, 6)))
        {
            float y = bottom - (height * (float)colors.Place(tick.At));
            line.StrokeWidth = 1;
            canvas.DrawLine(left + Width, y, left + Width + 3, y, line);
            canvas.DrawText(tick.Text, left + Width + 7, y + (TickSize * 0.36f), SKTextAlign.Left, font, ink);
            widest = Math.Max(widest, font.MeasureText(tick.Text));
        }

        font.Size = WordSize;
        canvas.Save();
        // Beside wide ticks the label moves up to them, and stays on the paper.
        canvas.Translate(left + Math.Min(Width + 7 + widest + 18, ColorBarSpace - 20), (top + bottom) / 2);
        canvas.RotateDegrees(-90);
        canvas.DrawText(colors.Label, 0, 0, SKTextAlign.Center, font, ink);
        canvas.Restore();
    }

    private static SKFont Font(SKTypeface typeface, float size) => new(typeface, size) { Subpixel = true, Hinting = SKFontHinting.None };

    private static SKPaint Fill(string colour) => new() { Color = SKColor.Parse(colour), IsAntialias = true };
}
