using System.Globalization;

namespace ToyPipeline.Report.Charts;

/// <summary>Round numbers along an axis.</summary>
internal static class Ticks
{
    /// <summary>Ticks of an axis: its names, or about <paramref name="about"/> round numbers.</summary>
    public static IReadOnlyList<Tick> Of(Axis axis, int about) =>
        axis.Hidden ? [] : axis.Names ?? (axis.Log ? Log(axis.From, axis.To) : Linear(axis.From, axis.To, about));

    /// <summary>Multiples of 1, 2 or 5 times a power of ten, about <paramref name="about"/> of them.</summary>
    public static IReadOnlyList<Tick> Linear(double from, double to, int about)
    {
        double raw = (to - from) / about;
        double power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        double step = power * (raw / power) switch { <= 1.2 => 1, <= 2.5 => 2, <= 6 => 5, _ => 10 };
        var ticks = new List<Tick>();
        for (double k = Math.Ceiling((from / step) - 1e-9); k * step <= to + (1e-9 * step); k++)
            ticks.Add(new Tick(k * step, Text(Math.Round(k * step, 12), thousands: Math.Max(Math.Abs(from), Math.Abs(to)) >= 1e4)));
        return ticks;
    }

    /// <summary>Powers of ten; with 2 and 5 times them where that leaves less than three; round numbers where that does too.</summary>
    public static IReadOnlyList<Tick> Log(double from, double to)
    {
        var powers = At([1], from, to);
        if (powers.Count >= 3)
            return powers;
        var more = At([1, 2, 5], from, to);
        return more.Count >= 3 ? more : Linear(from, to, 4);
    }

    /// <summary>A number as an axis shows it: 10k, 0.01, 1e−5.</summary>
    public static string Text(double value) => Text(value, thousands: false);

    // Beside 10k stands 5k, not 5000.
    private static string Text(double value, bool thousands)
    {
        double size = Math.Abs(value);
        string text = size switch
        {
            0 => "0",
            >= 1e6 => (value / 1e6).ToString("0.###", CultureInfo.InvariantCulture) + "M",
            >= 1e3 when thousands || size >= 1e4 => (value / 1e3).ToString("0.###", CultureInfo.InvariantCulture) + "k",
            < 1e-3 => value.ToString("0.##e0", CultureInfo.InvariantCulture),
            _ => value.ToString("0.######", CultureInfo.InvariantCulture),
        };
        return text.Replace('-', '−');
    }

    private static List<Tick> At(double[] factors, double from, double to) =>
        [.. Enumerable.Range((int)Math.Floor(Math.Log10(from)), (int)Math.Ceiling(Math.Log10(to / from)) + 2)
            .SelectMany(power => factors.Select(factor => factor * Math.Pow(10, power)))
            .Where(value => value >= from * (1 - 1e-9) && value <= to * (1 + 1e-9))
            .Select(value => new Tick(value, Text(value)))];
}
