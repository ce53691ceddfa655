using ScottPlot;
using ToyPipeline.Report.Charts.Static;

namespace ToyPipeline.Report;

/// <summary>Checks that figures can be drawn.</summary>
public static class FigureCheck
{
    /// <summary>The font of the figures; throws what loading Skia's library throws.</summary>
    public static string Describe()
    {
        ReportFonts.Use();
        using var plot = new Plot();
        plot.Title("ToyPipeline");
        return $"Skia draws, with {ReportFonts.Family}; {plot.GetImage(64, 64).GetImageBytes(ImageFormat.Png).Length} bytes of PNG";
    }
}
