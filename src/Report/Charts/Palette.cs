using System.Globalization;

namespace ToyPipeline.Report.Charts;

/// <summary>A colour by its role, so that figures fit a light and a dark page: <c>@text</c>, or a place on the ramp, <c>@ramp:0.5</c>.</summary>
internal readonly record struct Ink(string Token)
{
    /// <summary>Words and axis lines.</summary>
    public static Ink Text { get; } = new("@text");

    /// <summary>What stands behind the data: grid, unit circle, thresholds.</summary>
    public static Ink Faint { get; } = new("@faint");

    /// <summary>Data in the background.</summary>
    public static Ink Muted { get; } = new("@muted");

    /// <summary>The line to look at.</summary>
    public static Ink Accent { get; } = new("@accent");

    /// <summary>One of the colours for kinds of things: <see cref="Palette.Hues"/>.</summary>
    public static Ink Hue(int number) => new("@hues:" + (number % Palette.Light.Hues.Count).ToString(CultureInfo.InvariantCulture));

    /// <summary>A colour of the sequential ramp, 0 faint to 1 strong.</summary>
    public static Ink OnRamp(double place) => new("@ramp:" + place.ToString("0.###", CultureInfo.InvariantCulture));
}

/// <summary>Colours of one page theme, as <c>#rrggbb</c>. Ramps are viridis and orange–blue: both hold for the common colour blindnesses.</summary>
/// <param name="Paper">Background.</param>
/// <param name="Text">Ink of words.</param>
/// <param name="Faint">Ink of grid and thresholds.</param>
/// <param name="Muted">Ink of data in the background.</param>
/// <param name="Accent">Ink of the line to look at.</param>
/// <param name="Ramp">Sequential, from faint to strong against the paper.</param>
/// <param name="Diverging">From negative through the paper's tone to positive.</param>
/// <param name="Hues">Colours for kinds of things, after Okabe and Ito: told apart with each common colour blindness, and by their lightness.</param>
internal sealed record Palette(
    string Paper, string Text, string Faint, string Muted, string Accent, IReadOnlyList<string> Ramp, IReadOnlyList<string> Diverging, IReadOnlyList<string> Hues)
{
    /// <summary>Colours on white paper.</summary>
    public static Palette Light { get; } = new(
        "#ffffff", "#1f2328", "#d0d5da", "#9aa3ad", "#0072b2",
        ["#6ece58", "#35b779", "#1f9e89", "#26828e", "#31688e", "#3e4989", "#482878", "#440154"],
        ["#7f3b08", "#b35806", "#e08214", "#fdb863", "#fee0b6", "#f7f7f7", "#d1e5f0", "#92c5de", "#4393c3", "#2166ac", "#053061"],
        ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#5b6570"]);

    /// <summary>Colours on a dark page.</summary>
    public static Palette Dark { get; } = new(
        "#15181c", "#e6e8eb", "#3a4048", "#7d8794", "#56b4e9",
        ["#4a569c", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"],
        ["#ffd9a0", "#fdb863", "#e08214", "#a4560c", "#57300f", "#23272d", "#17374f", "#1d5f94", "#4393c3", "#92c5de", "#d1e5f0"],
        ["#4aa3df", "#f0b429", "#2cc79b", "#e196c2", "#a9dcff", "#ff8a4c", "#a4adb8"]);

    /// <summary>Colour of an ink in this theme.</summary>
    public string Of(Ink ink) => ink.Token switch
    {
        "@text" => Text,
        "@faint" => Faint,
        "@muted" => Muted,
        "@accent" => Accent,
        ['@', 'h', 'u', 'e', 's', ':', .. var number] => Hues[int.Parse(number, CultureInfo.InvariantCulture)],
        _ => At(Ramp, double.Parse(ink.Token.AsSpan(ink.Token.IndexOf(':', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture)),
    };

    /// <summary>The colours of a scale.</summary>
    public IReadOnlyList<string> Of(ColorScale scale) => scale.Diverging ? Diverging : Ramp;

    /// <summary>Colour at a place from 0 to 1, linear between the stops.</summary>
    public static string At(IReadOnlyList<string> stops, double place)
    {
        double position = Math.Clamp(place, 0, 1) * (stops.Count - 1);
        int low = Math.Min((int)position, stops.Count - 2);
        double t = position - low;
        Span<char> text = stackalloc char[7];
        text[0] = '#';
        for (int i = 1; i < 7; i += 2)
        {
            int a = Channel(stops[low], i), b = Channel(stops[low + 1], i);
            ((int)Math.Round(a + (t * (b - a)))).TryFormat(text[i..], out _, "x2", CultureInfo.InvariantCulture);
        }

        return new string(text);
    }

    private static int Channel(string colour, int at) => int.Parse(colour.AsSpan(at, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
