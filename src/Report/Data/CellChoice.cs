namespace ToyPipeline.Report.Data;

/// <summary>The cells that a figure with one panel a cell shows: all, or evenly chosen ones of a large grid.</summary>
/// <param name="Cells">Chosen cells in the order of the grid.</param>
/// <param name="Total">Number of cells to choose from.</param>
internal sealed record CellChoice(IReadOnlyList<CellData> Cells, int Total)
{
    /// <summary>Most panels that a figure may have.</summary>
    public const int MaxPanels = 12;

    /// <summary>Rows of a grid that is drawn as it is.</summary>
    private const int MostRows = 3;

    /// <summary>Panels side by side, where the grid is drawn as it is; null elsewhere.</summary>
    public int? InARow { get; private init; }

    /// <summary>A sentence on what is not shown; empty where everything is.</summary>
    public string Note => Cells.Count == Total ? "" : $"Shown are {Cells.Count} of {Numbers.Count(Total)} cells, evenly chosen from the grid.";

    /// <summary>At most <paramref name="most"/> of the cells, the first and the last included.</summary>
    /// <remarks>Of a grid of several axes some values of each: along the grid's order alone, all axes would rise together.</remarks>
    public static CellChoice Of(IReadOnlyList<CellData> cells, int most = MaxPanels) => new(AlongAxes(cells, most) ?? Evenly(cells, most), cells.Count);

    /// <summary>All cells of a small grid of several axes, with the last one from left to right as the paper sets sparsities; else some of them, in no rows of their own.</summary>
    /// <param name="run">The run.</param>
    /// <param name="cells">Those of its cells that can be drawn.</param>
    /// <param name="mostInARow">Panels side by side that can still be read.</param>
    /// <param name="most">Most panels otherwise.</param>
    public static CellChoice InRows(RunData run, IReadOnlyList<CellData> cells, int mostInARow, int most = MaxPanels) =>
        run.Experiment.Axes is [.., _, { Values.Count: >= 2 and var columns }] && columns <= mostInARow && most >= MaxPanels && cells.Count == run.Cells.Count && cells.Count <= MostRows * columns
            ? new CellChoice(cells, cells.Count) { InARow = columns }
            : Of(cells, most);

    /// <summary>Name of a cell's panel; the rest of it is on the axis where the grid is drawn as it is.</summary>
    public string Title(CellData cell) => InARow is null ? cell.Label : CellLabel.Of([cell.Coordinates[^1]]);

    /// <summary>Label of the vertical axis of a cell's panel.</summary>
    public string Vertical(CellData cell, string label) => InARow is null ? label : $"{CellLabel.Of([.. cell.Coordinates.SkipLast(1)])}: {label}";

    // Null where all are shown, there is one axis, or the cells are no whole grid.
    private static List<CellData>? AlongAxes(IReadOnlyList<CellData> cells, int most)
    {
        if (cells.Count <= most || cells[0].Coordinates.Count < 2)
            return null;
        var values = Enumerable.Range(0, cells[0].Coordinates.Count).Select(axis => cells.Select(cell => cell.Coordinates[axis]).Distinct().ToList()).ToList();
        if (values.Aggregate(1L, (product, axis) => product * axis.Count) != cells.Count)
            return null;
        // One value more of the axis that shows the fewest, as long as there is room.
        int[] counts = [.. values.Select(_ => 1)];
        while (Enumerable.Range(0, counts.Length).Where(HasRoom).ToList() is { Count: > 0 } open)
            counts[open.MinBy(axis => (counts[axis], -values[axis].Count))]++;
        bool HasRoom(int axis) =>
            counts[axis] < values[axis].Count && counts.Aggregate(1L, (product, count) => product * count) / counts[axis] * (counts[axis] + 1) <= most;

        var shown = values.Select((axis, a) => Evenly(axis, counts[a])).ToList();
        return [.. cells.Where(cell => shown.Select((axis, a) => axis.Contains(cell.Coordinates[a])).All(contained => contained))];
    }

    /// <summary>At most <paramref name="most"/> of some things, the first and the last included.</summary>
    public static IReadOnlyList<T> Evenly<T>(IReadOnlyList<T> all, int most) => all.Count <= most
        ? all
        : [.. Enumerable.Range(0, most).Select(i => all[most == 1 ? 0 : (int)((long)i * (all.Count - 1) / (most - 1))])];
}
