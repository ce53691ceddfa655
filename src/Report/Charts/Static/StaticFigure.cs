using ScottPlot;
using SkiaSharp;

namespace ToyPipeline.Report.Charts.Static;

/// <summary>A chart as PNG and SVG on white paper, through ScottPlot. The same chart gives the same bytes.</summary>
internal static class StaticFigure
{
    /// <summary>Pixels of the PNG per unit of the layout.</summary>
    private const int PixelScale = 2;

    private const float Margin = 8;
    private const float TitleSpace = 28;
    private const float NameSpace = 58;
    private const float TickSpace = 46;

    /// <summary>The figure as PNG.</summary>
    public static byte[] Png(Chart chart)
    {
        var layout = Layout.Of(chart);
        using var surface = SKSurface.Create(new SKImageInfo((int)layout.Width * PixelScale, (int)layout.Height * PixelScale, SKColorType.Rgba8888, SKAlphaType.Opaque));
        surface.Canvas.Scale(PixelScale);
        Draw(surface.Canvas, chart, layout);
        using var image = surface.Snapshot();
        using var data = image.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    /// <summary>The figure as SVG: text as outlines, with title and description for screen readers.</summary>
    public static string Svg(Chart chart, string title, string description)
    {
        var layout = Layout.Of(chart);
        using var stream = new MemoryStream();
        using (var canvas = SKSvgCanvas.Create(new SKRect(0, 0, layout.Width, layout.Height), stream))
            Draw(canvas, chart, layout);
        return SvgText.Finish(stream.ToArray(), title, description);
    }

    /// <summary>What the figure looks like, to be told from others at a glance: its first and its last panel without words, as PNG.</summary>
    /// <param name="chart">The chart.</param>
    /// <param name="width">Width that it is shown at, px; the PNG has twice as many.</param>
    /// <param name="height">Height that it is shown at, px.</param>
    public static byte[] Thumbnail(Chart chart, int width, int height)
    {
        const float Edge = 6, Gap = 10;
        ReportFonts.Use();
        using var surface = SKSurface.Create(new SKImageInfo(width * PixelScale, height * PixelScale, SKColorType.Rgba8888, SKAlphaType.Opaque));
        surface.Canvas.Clear(SKColor.Parse(Palette.Light.Paper));
        surface.Canvas.Scale(PixelScale);
        Panel[] panels = chart.Panels.Count < 2 ? [.. chart.Panels] : [chart.Panels[0], chart.Panels[^1]];
        float room = (width - (2 * Edge) - ((panels.Length - 1) * Gap)) / panels.Length;
        for (int i = 0; i < panels.Length; i++)
        {
            var panel = panels[i];
            float tall = height - (2 * Edge), wide = room;
            if (panel.EqualUnits)
            {
                float unit = Math.Min(wide / (float)StaticPanel.Length(panel.X), tall / (float)StaticPanel.Length(panel.Y));
                (wide, tall) = (unit * (float)StaticPanel.Length(panel.X), unit * (float)StaticPanel.Length(panel.Y));
            }

            float x = Edge + (i * (room + Gap)) + ((room - wide) / 2), y = (height - tall) / 2;
            var area = new SKRect(x, y, x + wide, y + tall);
            using var plot = StaticPanel.Plot(Bare(panel), chart.Colors, namesShown: false, wide);
            Render(plot, surface.Canvas, area, new PixelPadding(0));
            if (!panel.X.Hidden && !panel.Marks.Any(mark => mark is HeatMark))
            {
                using var frame = new SKPaint { Color = SKColor.Parse(Palette.Light.Muted), IsStroke = true, StrokeWidth = 1, IsAntialias = true };
                surface.Canvas.DrawRect(area, frame);
            }
        }

        using var image = surface.Snapshot();
        using var data = image.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    // Without names, and with marks that are seen when small.
    private static Panel Bare(Panel panel) => panel with
    {
        X = panel.X with { Hidden = true, Grid = false },
        Y = panel.Y with { Hidden = true, Grid = false },
        Marks = [.. panel.Marks.Select(mark => mark switch
        {
            VectorsMark vectors => vectors with { Names = [] },
            LineMark { Width: > 1 and < 2 } line => line with { Width = 2 },
            _ => mark,
        })],
    };

    private static void Draw(SKCanvas canvas, Chart chart, Layout layout)
    {
        ReportFonts.Use();
        using (var paper = new SKPaint { Color = SKColor.Parse(Palette.Light.Paper) })
            canvas.DrawRect(0, 0, layout.Width, layout.Height, paper);
        StaticFurniture.Legend(canvas, chart.Legend, layout.Left, layout.Width - layout.Left - Margin, 19);
        for (int i = 0; i < chart.Panels.Count; i++)
        {
            var (row, column) = Math.DivRem(i, chart.Columns);
            float x = layout.Left + (column * (layout.PanelWidth + layout.Gap)), y = layout.Top + (row * layout.RowHeight) + TitleSpace;
            var area = new SKRect(x, y, x + layout.PanelWidth, y + layout.PanelHeight);
            using var plot = StaticPanel.Plot(chart.Panels[i], chart.Colors, namesShown: column == 0 || chart.OwnY, area.Width);
            Render(plot, canvas, area, new PixelPadding(column == 0 ? layout.Left : layout.Gap, Math.Max(layout.Gap / 2, chart.Beside), layout.Below, 4));
            StaticFurniture.Words(canvas, chart.Panels[i], area);
            StaticFurniture.Title(canvas, chart.Panels[i].Title, area.MidX, area.Top - 9, area.Width + (layout.Gap / 2));
        }

        if (chart.Colors is { Bar: true } colors)
        {
            float top = layout.Top + TitleSpace;
            StaticFurniture.ColorBar(canvas, colors, layout.Width - StaticFurniture.ColorBarSpace + 16, top, top + layout.PanelHeight);
        }
    }

    private static void Render(Plot plot, SKCanvas canvas, SKRect data, PixelPadding padding)
    {
        plot.Layout.Fixed(padding);
        plot.RenderManager.ClearCanvasBeforeEachRender = false;
        var place = new PixelRect(data.Left - padding.Left, data.Right + padding.Right, data.Bottom + padding.Bottom, data.Top - padding.Top);
        // A first rendering that finds its layout is drawn twice over, which makes text heavy: it goes nowhere.
        using (var nowhere = new SKNoDrawCanvas((int)place.Right + 1, (int)place.Bottom + 1))
            plot.Render(nowhere, place);
        plot.Render(canvas, place);
    }

    /// <summary>Where things stand, px at scale 1. Up to three panels make a figure as wide as a README's column.</summary>
    private readonly record struct Layout(float Width, float Height, float Left, float Top, float Below, float Gap, float PanelWidth, float PanelHeight)
    {
        public float RowHeight => TitleSpace + PanelHeight + Below;

        public static Layout Of(Chart chart)
        {
            float left = chart.Panels.All(panel => panel.Y.Hidden) ? Margin + 4 : Margin + NameSpace;
            float right = chart.Colors is not { Bar: true } ? Margin + 10 + chart.Beside : StaticFurniture.ColorBarSpace;
            float gap = chart.OwnY ? NameSpace + 10 + chart.Beside : 26;
            float below = chart.Panels.All(panel => panel.X.Hidden) ? Margin : TickSpace;
            float width = chart.Columns switch { 1 => 560, 2 => 760, 3 => 860, <= 5 => 960, _ => 1080 };
            float top = StaticFurniture.LegendLine * StaticFurniture.LegendLines(chart.Legend, width - left - Margin);
            float panelWidth = MathF.Floor((width - left - right - ((chart.Columns - 1) * gap)) / chart.Columns);
            float panelHeight = MathF.Round((float)(panelWidth * chart.Aspect));
            float height = top + (chart.Rows * (TitleSpace + panelHeight + below)) + Margin;
            return new Layout(width, height, left, top, below, gap, panelWidth, panelHeight);
        }
    }
}
