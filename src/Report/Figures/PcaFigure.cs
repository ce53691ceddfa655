using System.Globalization;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;
using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Figures;

/// <summary>What principal components keep beside what the model keeps (paper: correlated features, collapse onto principal components).</summary>
internal sealed class PcaFigure : IFigure
{
    private const int MostCells = 4;
    private const int MostFeatures = 60;

    public string Id => "pca";

    public string Title => "Principal components beside superposition";

    public string Caption =>
        "Above: the matrix Σ v vᵀ over the first m principal components of a cell's data, which is what the best linear model has in place of G. Below: G = W·Wᵀ of the best instance. "
        + "Look for a model that repeats the pattern above it: it keeps principal components, for example the mean of two correlated features. A model in superposition keeps the features themselves, and pays with interference.";

    public Drawing Draw(RunData run)
    {
        if (run.Table("pca", "cell", "component", "vector") is not { } table)
            return Drawing.Skipped;
        var components = table.Rows.ToLookup(row => table.Integer(row, "cell"), row => (Place: table.Integer(row, "component"), Vector: Vector(table, row)));
        var choice = CellChoice.Of([.. run.Cells.Where(cell => cell.Model is { W: not null, Features: <= MostFeatures } && components.Contains(cell.Index))], MostCells);
        if (choice.Cells.Count == 0)
            return Drawing.Skipped;
        var (colors, beyond) = ColorScale.Around0("PCA, G", choice.Cells.SelectMany(cell => cell.Model!.G));
        var above = choice.Cells.Select(cell => Panel("PCA", cell, Kept(cell.Model!, components[cell.Index])));
        var below = choice.Cells.Select(cell => Panel("G", cell, cell.Model!.G));
        return new Drawing(
            new Chart([.. above, .. below], 1) { InARow = choice.Cells.Count, Colors = colors },
            string.Join(" ", choice.Cells.Select(cell => Words(cell, Kept(cell.Model!, components[cell.Index])))),
            $"{choice.Note} {beyond}".Trim());
    }

    private static Panel Panel(string what, CellData cell, double[] matrix) => new(
        cell.Label.Length == 0 ? what : $"{what}, {cell.Label}",
        Axis.OfFeatures("feature j", cell.Model!.Features),
        Axis.OfFeatures("feature i", cell.Model.Features) with { Reversed = true },
        [new HeatMark(matrix, cell.Model.Features, 0, 1) { Hover = "[%{y}, %{x}] = %{z:.4f}<extra></extra>" }])
    { EqualUnits = true };

    // Σ_c v_c v_cᵀ over the first m components.
    private static double[] Kept(CellModel model, IEnumerable<(int Place, double[] Vector)> components)
    {
        int n = model.Features;
        double[] sum = new double[n * n];
        foreach (var (_, v) in components.Where(component => component.Place < model.Hidden))
        {
            if (v.Length != n)
                throw new InvalidInputException($"analysis/pca.csv has a vector of {v.Length} numbers for {n} features. Run `toy analyze --force` again.");
            for (int i = 0; i < n * n; i++)
                sum[i] += v[i / n] * v[i % n];
        }

        return sum;
    }

    private static double[] Vector(CsvTable table, string[] row) =>
        [.. table.Text(row, "vector").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text =>
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value
            : throw new InvalidInputException($"analysis/pca.csv: a vector holds {text}, which is no number."))];

    private static string Words(CellData cell, double[] kept)
    {
        double distance = Math.Sqrt(cell.Model!.G.Zip(kept, (g, k) => (g - k) * (g - k)).Sum());
        return $"{(cell.Label.Length == 0 ? "" : cell.Label + ": ")}the two matrices are {Numbers.Short(distance)} apart (root of the summed squares).";
    }
}
