using System.Globalization;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Report.Data;

/// <summary>The best instance of one cell, from <c>analysis/best-NNNNN.safetensors</c>.</summary>
/// <param name="Cell">Index of the cell.</param>
/// <param name="Features">n.</param>
/// <param name="Hidden">m.</param>
/// <param name="G">Gram matrix, [n, n].</param>
/// <param name="W">Feature directions, [n, m]; null for a model whose encoder and decoder differ.</param>
/// <param name="B">Bias, [n].</param>
internal sealed record CellModel(int Cell, int Features, int Hidden, double[] G, double[]? W, double[] B)
{
    /// <summary>Encoder and decoder where they differ, [n, m] each; both null elsewhere.</summary>
    public double[]? W1 { get; private init; }

    /// <inheritdoc cref="W1"/>
    public double[]? W2 { get; private init; }

    /// <summary>Reads all files of the pattern, in the order of their names.</summary>
    /// <exception cref="InvalidInputException">A file is damaged, or its tensors do not fit each other.</exception>
    public static IEnumerable<CellModel> Load(IEnumerable<string> paths) => paths.SelectMany(Load);

    private static IEnumerable<CellModel> Load(string path)
    {
        var file = Safetensors.Load(path);
        var instances = InstancesJson.Read(file.Metadata.GetValueOrDefault("instances", "[]"), path);
        var g = Named(file, "G", path);
        var b = Named(file, "b", path);
        var w = file.Tensors.GetValueOrDefault("W");
        var shape = (w ?? Named(file, "W1", path)).Shape;
        Tensor? w1 = w is null ? Named(file, "W1", path) : null, w2 = w is null ? Named(file, "W2", path) : null;
        if (g.Shape is not [var cells, var n, var columns] || columns != n || cells != instances.Count || !b.Shape.SequenceEqual([cells, n])
            || (w2 is not null && !w2.Shape.SequenceEqual(shape)) || shape is not [var rows, var features, var m] || rows != cells || features != n)
        {
            throw new InvalidInputException(
                $"{path}: G [{string.Join(", ", g.Shape)}], W [{string.Join(", ", shape)}] and b [{string.Join(", ", b.Shape)}] do not fit {instances.Count} cells.");
        }

        for (int i = 0; i < cells; i++)
        {
            yield return new CellModel(
                instances[i].Cell.Index, n, m, Slice(g, i, n * n), w is null ? null : Slice(w, i, n * m), Slice(b, i, n))
            {
                W1 = w1 is null ? null : Slice(w1, i, n * m),
                W2 = w2 is null ? null : Slice(w2, i, n * m),
            };
        }
    }

    private static Tensor Named(Safetensors file, string name, string path) =>
        file.Tensors.GetValueOrDefault(name)
        ?? throw new InvalidInputException($"{path} has no tensor {name}; it has {string.Join(", ", file.Tensors.Keys)}. Run `toy analyze --force` again.");

    private static double[] Slice(Tensor tensor, int index, int length) =>
        Array.ConvertAll(tensor.Values.AsSpan(index * length, length).ToArray(), Shortest);

    /// <summary>The number that a float32 prints as: 0.1f becomes 0.1, so that figures show the file's digits and no others.</summary>
    internal static double Shortest(float value) =>
        float.IsFinite(value) ? double.Parse(value.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) : double.NaN;
}
