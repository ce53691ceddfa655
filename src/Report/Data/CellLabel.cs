using System.Globalization;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Report.Data;

/// <summary>Names a cell as the paper does: <c>S = 0.9</c>.</summary>
internal static class CellLabel
{
    private static readonly Dictionary<string, string> s_symbols = new()
    {
        ["data.sparsity"] = "S",
        ["data.density"] = "p",
        ["model.features"] = "n",
        ["model.hidden"] = "m",
        ["importance.decay"] = "I decay",
        ["training.optimizer.lr"] = "learning rate",
    };

    /// <summary>Short name of a cell, empty where the grid has one cell only.</summary>
    public static string Of(IReadOnlyList<Coordinate> coordinates) => string.Join(", ", coordinates.Select(Of));

    private static string Of(Coordinate coordinate)
    {
        if (coordinate.Path == "model.kind")
            return coordinate.Value;
        return $"{Symbol(coordinate.Path)} = {Value(coordinate.Value)}";
    }

    /// <summary>Short name of what an axis varies: <c>S</c>, <c>I₁</c>.</summary>
    public static string Symbol(string axis)
    {
        var (path, index) = Indexed(axis);
        string symbol = path == "importance.values" ? "I" : s_symbols.GetValueOrDefault(path) ?? path[(path.LastIndexOf('.') + 1)..].Replace('_', ' ');
        return symbol + Subscript(index);
    }

    // 0.0 and 0 are the same place.
    private static string Value(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? Numbers.Short(value) : text;

    private static (string Path, string Index) Indexed(string path)
    {
        int open = path.IndexOf('[', StringComparison.Ordinal);
        return open < 0 ? (path, "") : (path[..open], path[(open + 1)..^1]);
    }

    private static string Subscript(string digits) => string.Concat(digits.Select(digit => char.IsAsciiDigit(digit) ? (char)('₀' + (digit - '0')) : digit));
}
