using System.Globalization;

namespace ToyPipeline.Core.Experiments;

/// <summary>One dimension of an experiment's grid: a setting and the values that it takes.</summary>
/// <param name="Path">The setting, for example <c>data.sparsity</c> or <c>importance.values[1]</c>.</param>
/// <param name="Values">Its values as text, in order.</param>
public sealed record Axis(string Path, IReadOnlyList<string> Values)
{
    /// <summary>The shortest text that reads back as the same number.</summary>
    public static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary><paramref name="count"/> values in equal ratios, both ends exact, the others to 12 digits: 0.1 is 0.1.</summary>
    public static IReadOnlyList<string> Log(double from, double to, int count) =>
        Spaced(count, i => Round(from * Math.Pow(to / from, i / (count - 1.0))), from, to);

    /// <summary><paramref name="count"/> values in equal steps, both ends exact; whole numbers where the step is whole.</summary>
    public static IReadOnlyList<string> Linear(double from, double to, int count) =>
        Spaced(count, i => Round(from + (i * (to - from) / (count - 1))), from, to);

    private static string[] Spaced(int count, Func<int, double> at, double from, double to) =>
        [.. Enumerable.Range(0, count).Select(i => Text(i == 0 ? from : i == count - 1 ? to : at(i)))];

    private static double Round(double value) =>
        double.Parse(value.ToString("E11", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
