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
    public static CellChoice Of(IReadOnlyList<CellData> cells, int most = MaxPanels) => new(Evenly(cells, most), cells.Count);

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

    /// <summary>At most <paramref name="most"/> of some things, the first and the last included.</summary>
    public static IReadOnlyList<T> Evenly<T>(IReadOnlyList<T> all, int most) => all.Count <= most
        ? all
        : [.. Enumerable.Range(0, most).Select(i => all[most == 1 ? 0 : (int)((long)i * (all.Count - 1) / (most - 1))])];
}
