using ToyPipeline.Core;
using ToyPipeline.Core.Formats;
using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Figures;

/// <summary>The region of one feature over a grid of two axes, measured beside theory (paper: "Superposition as a phase change").</summary>
internal sealed class PhaseFigure : IFigure
{
    private static readonly string[] s_regions = ["not represented", "superposition", "own dimension"];
    private static readonly Ink[] s_inks = [Ink.Hue(6), Ink.Hue(0), Ink.Hue(1)];

    public string Id => "phases";

    public string Title => "Phase diagram";

    public string Caption =>
        "What becomes of the feature in each cell of the grid: not represented, in superposition, or with a dimension of its own. Measured in the best instance of each cell; "
        + "beside it the ideal arrangement with the lowest loss. Look for sharp boundaries, which are changes of first order, and for the strip by which the measured superposition is wider: "
        + "norms and biases that adjust gain there what the ideal arrangement does not have.";

    public Drawing Draw(RunData run)
    {
        if (run.Table("phase", "cell", "norm", "superposition", "region", "loss", "theory_region", "theory_loss") is not { } table || run.Experiment.Axes.Count != 2)
            return Drawing.Skipped;
        // Density along x, as the paper has it.
        var axes = run.Experiment.Axes;
        int across = axes[1].Path.StartsWith("data.", StringComparison.Ordinal) || !axes[0].Path.StartsWith("data.", StringComparison.Ordinal) ? 1 : 0;
        var (x, y) = (axes[across], axes[1 - across]);
        var places = new Places(table, x, y);
        var panels = new List<Panel> { Panel("measured", "region", [("norm", "norm"), ("superposition", "superposition"), ("loss", "loss")]) };
        bool theory = table.Rows.Any(row => table.Text(row, "theory_region").Length > 0);
        if (theory)
            panels.Add(Panel("theory", "theory_region", [("loss", "theory_loss")]));
        var measured = s_regions.Select(name => $"{Numbers.Count(table.Rows.Count(row => table.Text(row, "region") == name))} {name}");
        int agree = table.Rows.Count(row => table.Text(row, "region") == table.Text(row, "theory_region"));
        return new Drawing(
            new Chart(panels, 1) { Legend = [.. s_regions.Select((name, i) => new LegendEntry(name, s_inks[i], 10))] },
            $"Of {Numbers.Count(table.Rows.Count, "cell")}: {string.Join(", ", measured)}." + (theory ? $" Theory agrees in {Numbers.Count(agree)}." : ""),
            "");

        Panel Panel(string title, string region, (string Name, string Column)[] values) => new(title, GridAxis.Of(x, reversed: false), GridAxis.Of(y, reversed: true), [
            new HeatMark(places.Of(row => Array.IndexOf(s_regions, table.Text(row, region)) is >= 0 and var place ? place : double.NaN), x.Values.Count, 0, 1)
            {
                Classes = s_inks,
                Words = new CellWords(
                    (CellLabel.Symbol(x.Path), [.. x.Values.Select(Numbers.Short)]),
                    (CellLabel.Symbol(y.Path), [.. y.Values.Reverse().Select(Numbers.Short)]),
                    [.. values.Select(value => (value.Name, places.Of(row => table.Number(row, value.Column))))])
                { Classes = s_regions },
            },
        ])
        { EqualUnits = x.Values.Count == y.Values.Count };
    }

    /// <summary>Rows of the table at their places of the matrix: the last value of the vertical axis on top.</summary>
    private sealed class Places
    {
        private readonly string[]?[] _rows;

        public Places(CsvTable table, Core.Experiments.Axis x, Core.Experiments.Axis y)
        {
            var columns = x.Values.Select((value, i) => (value, i)).ToDictionary(pair => pair.value, pair => pair.i);
            var rows = y.Values.Select((value, i) => (value, i)).ToDictionary(pair => pair.value, pair => y.Values.Count - 1 - pair.i);
            _rows = new string[]?[columns.Count * rows.Count];
            foreach (string[] row in table.Rows)
            {
                if (!columns.TryGetValue(table.Text(row, x.Path), out int column) || !rows.TryGetValue(table.Text(row, y.Path), out int line))
                    throw new InvalidInputException($"analysis/phase.csv has a row with {x.Path} {table.Text(row, x.Path)} and {y.Path} {table.Text(row, y.Path)}, which the grid has not. Run `toy analyze --force` again.");
                _rows[(line * columns.Count) + column] = row;
            }
        }

        public double[] Of(Func<string[], double> value) => Array.ConvertAll(_rows, row => row is null ? double.NaN : value(row));
    }
}
