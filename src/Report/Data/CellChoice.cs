namespace ToyPipeline.Report.Data;

/// <summary>The cells that a figure with one panel a cell shows: all, or evenly chosen ones of a large grid.</summary>
/// <param name="Cells">Chosen cells in the order of the grid.</param>
/// <param name="Total">Number of cells to choose from.</param>
internal sealed record CellChoice(IReadOnlyList<CellData> Cells, int Total)
{
    /// <summary>Most panels that a figure may have.</summary>
    public const int MaxPanels = 12;

    /// <summary>A sentence on what is not shown; empty where everything is.</summary>
    public string Note => Cells.Count == Total ? "" : $"Shown are {Cells.Count} of {Numbers.Count(Total)} cells, evenly chosen from the grid.";

    /// <summary>At most <paramref name="most"/> of the cells, the first and the last included.</summary>
    public static CellChoice Of(IReadOnlyList<CellData> cells, int most = MaxPanels)
    {
        if (cells.Count <= most)
            return new CellChoice(cells, cells.Count);
        var chosen = Enumerable.Range(0, most).Select(i => cells[most == 1 ? 0 : (int)((long)i * (cells.Count - 1) / (most - 1))]);
        return new CellChoice([.. chosen], cells.Count);
    }
}
