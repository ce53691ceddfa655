using System.Resources;
using ScottPlot;
using SkiaSharp;

namespace ToyPipeline.Report.Charts.Static;

/// <summary>The font of static figures, Inter, which the assembly carries: a minimal machine has none, and figures are the same everywhere.</summary>
internal static class ReportFonts
{
    /// <summary>Family name.</summary>
    public const string Family = "Inter";

    private static readonly Lazy<bool> s_registered = new(Register);

    /// <summary>Regular weight.</summary>
    public static SKTypeface Regular { get; } = Load("Inter-Regular.ttf");

    /// <summary>Weight of titles.</summary>
    public static SKTypeface SemiBold { get; } = Load("Inter-SemiBold.ttf");

    /// <summary>Makes ScottPlot draw all text in this font.</summary>
    public static void Use() => _ = s_registered.Value;

    private static bool Register()
    {
        // Whatever family ScottPlot asks for: the machine's own fonts must not change a figure.
        Fonts.FontResolvers.Clear();
        Fonts.FontResolvers.Add(new Resolver());
        Fonts.Default = Family;
        return true;
    }

    private static SKTypeface Load(string name)
    {
        using var stream = typeof(ReportFonts).Assembly.GetManifestResourceStream("Fonts/" + name)
            ?? throw new MissingManifestResourceException($"The font {name} is not in this assembly.");
        using var data = SKData.Create(stream);
        return SKTypeface.FromData(data) ?? throw new MissingManifestResourceException($"The font {name} cannot be read.");
    }

    private sealed class Resolver : IFontResolver
    {
        public SKTypeface CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) =>
            weight >= FontWeight.SemiBold ? SemiBold : Regular;

        public SKTypeface CreateTypeface(string fontName, bool bold, bool italic) => bold ? SemiBold : Regular;
    }
}
