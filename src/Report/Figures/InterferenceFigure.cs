using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Figures;

/// <summary>G = W·Wᵀ with the bias beside it (paper: "Basic results").</summary>
internal sealed class InterferenceFigure : IFigure
{
    /// <summary>Bounds the size of the page: entries of G in all panels together.</summary>
    private const int MostEntries = 120_000;

    public string Id => "interference";

    public string Title => "Interference G and bias b";

    public string Caption =>
        "The Gram matrix G = W·Wᵀ of the best instance of each cell, and its bias b as a column of its own. On the diagonal: how much of a feature comes back. "
        + "Off the diagonal: interference, how much of feature j leaks into output i. Look for a diagonal that ends where dimensions run out (no superposition), "
        + "and for entries off the diagonal, which ReLU hides best where they are negative.";

    public Drawing Draw(RunData run)
    {
        var drawable = run.Cells.Where(cell => cell.Model is not null).ToList();
        if (drawable.Count == 0)
            return Drawing.LeftOut("G is not drawn: the analysis wrote no matrices (analysis/best-*.safetensors).");
        int n = drawable.Max(cell => cell.Model!.Features);
        if ((long)n * n > MostEntries)
            return Drawing.LeftOut($"G is not drawn: with {n} features it has more entries than a page can show; it is in analysis/best-*.safetensors.");
        var choice = CellChoice.InRows(run, drawable, mostInARow: 5, (int)Math.Clamp(MostEntries / ((long)n * n), 1, CellChoice.MaxPanels));
        var (colors, beyond) = ColorScale.Around0("G, b", choice.Cells.SelectMany(cell => cell.Model!.G.Concat(cell.Model.B)));
        double biasWidth = Math.Max(1, n * 0.08);
        double right = n - 0.5 + (0.6 * biasWidth) + biasWidth;
        var panels = choice.Cells.Select(cell => Panel(choice, cell, n, biasWidth, right)).ToList();
        return new Drawing(
            new Chart(panels, n / (right + 0.5)) { Colors = colors, InARow = choice.InARow },
            string.Join(" ", choice.Cells.Select(Words)),
            $"{choice.Note} {beyond}".Trim());
    }

    private static Panel Panel(CellChoice choice, CellData cell, int n, double biasWidth, double right)
    {
        var model = cell.Model!;
        double biasCentre = right - (biasWidth / 2);
        var x = Axis.OfFeatures("feature j", n);
        return new Panel(
            choice.Title(cell),
            x with { To = right, Names = [.. x.Names!, new Tick(biasCentre, "b")] },
            Axis.OfFeatures(choice.Vertical(cell, "feature i"), n) with { Reversed = true },
            [
                new HeatMark(model.G, model.Features, 0, 1) { Hover = "G[%{y}, %{x}] = %{z:.4f}<extra></extra>" },
                new HeatMark(model.B, 1, biasCentre, biasWidth) { Hover = "b[%{y}] = %{z:.4f}<extra></extra>" },
            ])
        { EqualUnits = true };
    }

    private static string Words(CellData cell)
    {
        var model = cell.Model!;
        int n = model.Features;
        var diagonal = Enumerable.Range(0, n).Select(i => model.G[(i * n) + i]).ToList();
        var others = Enumerable.Range(0, n * n).Where(k => k / n != k % n).Select(k => model.G[k]).DefaultIfEmpty(0).ToList();
        string where = cell.Label.Length == 0 ? "" : $"{cell.Label}: ";
        return $"{where}diagonal from {Numbers.Short(diagonal.Min())} to {Numbers.Short(diagonal.Max())}, "
            + $"interference from {Numbers.Short(others.Min())} to {Numbers.Short(others.Max())}, bias from {Numbers.Short(model.B.Min())} to {Numbers.Short(model.B.Max())}.";
    }
}
