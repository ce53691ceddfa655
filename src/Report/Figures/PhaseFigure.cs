using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Figures;

/// <summary>The region of one feature over a plane of two axes, a panel for each value of further ones, measured beside theory (paper: "Superposition as a phase change").</summary>
internal sealed class PhaseFigure : IFigure
{
    /// <summary>Planes of a grid with further axes.</summary>
    private const int MostPlanes = 6;

    /// <summary>Bounds the size of the page: cells in all panels together.</summary>
    private const int MostCells = 2 * 256 * 256;

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
        if (run.Table("phase", "cell", "norm", "superposition", "region", "loss", "theory_region", "theory_loss") is not { } table || run.Experiment.Axes.Count < 2)
            return Drawing.Skipped;
        var (x, y) = Plane(run.Experiment.Axes);
        var others = run.Experiment.Axes.Where(axis => axis != x && axis != y).ToList();
        // Rows of cells that agree on the other axes are one plane.
        var found = table.Rows.GroupBy(row => CellLabel.Of([.. others.Select(axis => new Coordinate(axis.Path, table.Text(row, axis.Path)))]))
            .Select(rows => (Name: rows.Key, Rows: rows.ToList(), Places: new Places(table, rows, x, y))).ToList();
        var shown = CellChoice.Evenly(found, Math.Clamp(MostCells / (2 * x.Values.Count * y.Values.Count), 1, MostPlanes));
        bool theory = table.Rows.Any(row => table.Text(row, "theory_region").Length > 0);
        // Where the other axes say how, not what is solved, theory is the same for all planes.
        bool shared = theory && shown.All(plane => plane.Places.Of(Region("theory_region")).SequenceEqual(shown[0].Places.Of(Region("theory_region"))));
        var panels = new List<Panel>();
        foreach (var (name, _, places) in shown)
        {
            panels.Add(Panel(places, name.Length == 0 ? "measured" : $"measured, {name}", "region", [("norm", "norm"), ("superposition", "superposition"), ("loss", "loss")]));
            if (theory && !shared)
                panels.Add(Panel(places, $"theory, {name}", "theory_region", [("loss", "theory_loss")]));
        }

        if (shared)
            panels.Add(Panel(shown[0].Places, "theory", "theory_region", [("loss", "theory_loss")]));
        return new Drawing(
            new Chart(panels, 1)
            {
                // A plane's theory stands beside it.
                InARow = theory && !shared ? (shown.Count == 2 ? 4 : 2) : null,
                Legend = [.. s_regions.Select((name, i) => new LegendEntry(name, s_inks[i], 10))],
            },
            string.Join(" ", shown.Select(plane => Words(plane.Name, plane.Rows))),
            found.Count == shown.Count ? "" : $"Shown are {shown.Count} of {Numbers.Count(found.Count)} planes, evenly chosen from the grid.");

        Func<string[], double> Region(string column) => row => Array.IndexOf(s_regions, table.Text(row, column)) is >= 0 and var place ? place : double.NaN;

        Panel Panel(Places places, string title, string region, (string Name, string Column)[] values) => new(title, GridAxis.Of(x, reversed: false), GridAxis.Of(y, reversed: true), [
            new HeatMark(places.Of(Region(region)), x.Values.Count, 0, 1)
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

        string Words(string name, List<string[]> rows)
        {
            var measured = s_regions.Select(region => $"{Numbers.Count(rows.Count(row => table.Text(row, "region") == region))} {region}");
            int agree = rows.Count(row => table.Text(row, "region") == table.Text(row, "theory_region"));
            return $"{(name.Length == 0 ? "" : name + ": ")}Of {Numbers.Count(rows.Count, "cell")}: {string.Join(", ", measured)}." + (theory ? $" Theory agrees in {Numbers.Count(agree)}." : "");
        }
    }

    // The two finest axes of numbers span the plane; density goes along x, as the paper has it.
    private static (Core.Experiments.Axis X, Core.Experiments.Axis Y) Plane(IReadOnlyList<Core.Experiments.Axis> axes)
    {
        var plane = axes.OrderByDescending(axis => GridAxis.Values(axis) is not null).ThenByDescending(axis => axis.Values.Count).Take(2).ToHashSet();
        var (first, second) = (axes.First(plane.Contains), axes.Last(plane.Contains));
        return second.Path.StartsWith("data.", StringComparison.Ordinal) || !first.Path.StartsWith("data.", StringComparison.Ordinal) ? (second, first) : (first, second);
    }

    /// <summary>Rows of the table at their places of the matrix: the last value of the vertical axis on top.</summary>
    private sealed class Places
    {
        private readonly string[]?[] _rows;

        public Places(CsvTable table, IEnumerable<string[]> plane, Core.Experiments.Axis x, Core.Experiments.Axis y)
        {
            var columns = x.Values.Select((value, i) => (value, i)).ToDictionary(pair => pair.value, pair => pair.i);
            var rows = y.Values.Select((value, i) => (value, i)).ToDictionary(pair => pair.value, pair => y.Values.Count - 1 - pair.i);
            _rows = new string[]?[columns.Count * rows.Count];
            foreach (string[] row in plane)
            {
                if (!columns.TryGetValue(table.Text(row, x.Path), out int column) || !rows.TryGetValue(table.Text(row, y.Path), out int line))
                    throw new InvalidInputException($"analysis/phase.csv has a row with {x.Path} {table.Text(row, x.Path)} and {y.Path} {table.Text(row, y.Path)}, which the grid has not. Run `toy analyze --force` again.");
                _rows[(line * columns.Count) + column] = row;
            }
        }

        public double[] Of(Func<string[], double> value) => Array.ConvertAll(_rows, row => row is null ? double.NaN : value(row));
    }
}
