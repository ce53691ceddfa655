using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Figures;

/// <summary>Bars of ‖Wᵢ‖ coloured by superposition (paper: "Basic results").</summary>
internal sealed class NormFigure : IFigure
{
    /// <summary>Sparsities side by side, as in the paper; more take several rows.</summary>
    private const int MostInARow = 7;

    /// <summary>A feature counts as represented from this norm on.</summary>
    private const double Represented = 0.5;

    public string Id => "norms";

    public string Title => "Feature norms and superposition";

    public string Caption =>
        "One bar a feature of the best instance of each cell: its length is the norm ‖Wᵢ‖, its colour the superposition Σⱼ (Ŵᵢ·Wⱼ)² over the other features. "
        + "A feature counts as represented from 0.5 on (dashed line). Look for how many bars pass it, and for colour: faint bars have their dimensions to themselves, strong ones share them.";

    public Drawing Draw(RunData run)
    {
        var choice = CellChoice.InRows(run, [.. run.Cells.Where(cell => cell.Features.Count > 0)], MostInARow);
        int? row = choice.InARow ?? (choice.Cells.Count <= MostInARow ? choice.Cells.Count : null);
        if (choice.Cells.Count == 0)
            return Drawing.LeftOut("Feature norms are not drawn: analysis/features.csv has no row of a best instance.");
        var all = choice.Cells.SelectMany(cell => cell.Features).ToList();
        int n = choice.Cells.Max(cell => cell.Features.Count);
        double longest = Math.Max(1.1, 1.05 * all.Select(feature => feature.Norm).Where(double.IsFinite).DefaultIfEmpty(0).Max());
        // Of features that are not represented, superposition is a ratio of small numbers and would stretch the scale.
        double most = Math.Max(1, all.Where(feature => feature.Represented && double.IsFinite(feature.Superposition)).Select(feature => feature.Superposition).DefaultIfEmpty(0).Max());
        return new Drawing(
            new Chart([.. choice.Cells.Select(cell => Panel(choice, cell, n, longest))], Math.Clamp(0.3 + (n * 0.07), 0.5, 1.6) * (row > 4 ? 1.8 : 1))
            {
                InARow = row,
                Colors = new ColorScale("superposition", 0, most, Diverging: false),
            },
            string.Join(" ", choice.Cells.Select(Words)),
            choice.Note);
    }

    private static Panel Panel(CellChoice choice, CellData cell, int n, double longest) => new(
        choice.Title(cell),
        new Axis("norm ‖Wᵢ‖", 0, longest) { Grid = true },
        Axis.OfFeatures(choice.Vertical(cell, "feature"), n) with { Reversed = true },
        [
            new BarsMark(
                [.. cell.Features.Select(feature => (double)feature.Feature)],
                [.. cell.Features.Select(feature => feature.Norm)],
                [.. cell.Features.Select(feature => feature.Superposition)])
            {
                Hover = "feature %{y}<br>norm %{x:.4f}<br>superposition %{marker.color:.4f}<extra></extra>",
            },
            new LineMark([Represented, Represented], [-0.5, n - 0.5], Ink.Text, 1) { Dashed = true },
        ]);

    private static string Words(CellData cell)
    {
        string where = cell.Label.Length == 0 ? "" : $"{cell.Label}: ";
        string norms = cell.Features.Count <= 8
            ? "norms " + string.Join(", ", cell.Features.Select(feature => Numbers.Short(feature.Norm)))
            : $"{cell.Features.Count(feature => feature.Represented)} of {cell.Features.Count} features represented";
        return $"{where}{norms}; largest superposition of a represented feature {Numbers.Short(cell.Features.Where(feature => feature.Represented).Select(feature => feature.Superposition).DefaultIfEmpty(0).Max())}.";
    }
}
