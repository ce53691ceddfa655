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

    /// <summary>The legend as one line that starts at <paramref name="x"/>.</summary>
    public static void Legend(SKCanvas canvas, IReadOnlyList<LegendEntry> entries, float x, float baseline)
    {
        const float Sample = 26, Space = 7;
        using var font = Font(ReportFonts.Regular, WordSize);
        using var ink = Fill(Palette.Light.Text);
        foreach (var entry in entries)
        {
            using var line = Fill(Palette.Light.Of(entry.Ink));
            line.StrokeWidth = (float)entry.Width;
            canvas.DrawLine(x, baseline - 4.5f, x + Sample, baseline - 4.5f, line);
            canvas.DrawText(entry.Text, x + Sample + Space, baseline, SKTextAlign.Left, font, ink);
            x += Sample + Space + font.MeasureText(entry.Text) + 24;
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
        canvas.Translate(left + Width + 7 + widest + 18, (top + bottom) / 2);
        canvas.RotateDegrees(-90);
        canvas.DrawText(colors.Label, 0, 0, SKTextAlign.Center, font, ink);
        canvas.Restore();
    }

    private static SKFont Font(SKTypeface typeface, float size) => new(typeface, size) { Subpixel = true, Hinting = SKFontHinting.None };

    private static SKPaint Fill(string colour) => new() { Color = SKColor.Parse(colour), IsAntialias = true };
}
