using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;
using Axis = ToyPipeline.Report.Charts.Axis;

namespace ToyPipeline.Report.Figures;

/// <summary>Dᵢ and the loss through training, with the jumps marked (paper: "energy levels" of features).</summary>
internal sealed class DynamicsFigure : IFigure
{
    private const int MostCells = 3;

    /// <summary>More marks than this would hide what they mark.</summary>
    private const int MostMarks = 40;

    public string Id => "dynamics";

    public string Title => "Dimensionality and loss through training";

    public string Caption =>
        "Above: the dimensionality Dᵢ of each feature of the best instance of a cell through training. Below: its loss at the same steps. Dashed: where a feature jumps from one plateau to another. "
        + "Look for features that stay on a level for long and change it at once, and for the loss, which falls at those steps and hardly between them.";

    public Drawing Draw(RunData run)
    {
        if (run.Table("dynamics", "cell", "step", "feature", "dimensionality") is not { } table)
            return Drawing.Skipped;
        var rows = table.Rows.ToLookup(row => table.Integer(row, "cell"));
        var choice = CellChoice.Of([.. run.Cells.Where(cell => rows.Contains(cell.Index))], MostCells);
        if (choice.Cells.Count == 0)
            return Drawing.Skipped;
        bool log = run.Spec(choice.Cells[0]).Training.History.Spacing == SnapshotSpacing.Log;
        double last = choice.Cells.SelectMany(cell => rows[cell.Index]).Max(row => table.Number(row, "step"));
        var x = new Axis("step", log ? 1 : 0, Math.Max(2, last)) { Log = log, Grid = true };
        var jumps = Jumps(run);
        var losses = Losses(run);
        var above = choice.Cells.Select(cell => Levels(cell, table, rows[cell.Index], x, jumps[cell.Index])).ToList();
        var curves = choice.Cells.Select(cell => losses[cell.Index].Where(point => point.Step >= x.From && point.Loss > 0).OrderBy(point => point.Step).ToList()).ToList();
        bool loss = curves.All(curve => curve.Count > 1);
        if (loss)
        {
            var all = curves.SelectMany(curve => curve).ToList();
            var y = new Axis("loss", all.Min(point => point.Loss) / 1.15, all.Max(point => point.Loss) * 1.15) { Log = true, Grid = true };
            above.AddRange(choice.Cells.Select((cell, i) => Loss(cell, curves[i], x, y, jumps[cell.Index])));
        }

        return new Drawing(
            new Chart(above, choice.Cells.Count == 1 ? 0.5 : 0.75) { InARow = choice.Cells.Count },
            string.Join(" ", choice.Cells.Select(cell => $"{(cell.Label.Length == 0 ? "" : cell.Label + ": ")}{Numbers.Count(jumps[cell.Index].Count(), "jump")} of a dimensionality.")),
            choice.Note);
    }

    private static Panel Levels(CellData cell, CsvTable table, IEnumerable<string[]> rows, Axis x, IEnumerable<double> jumps)
    {
        // One mark for all features, with gaps between them: hundreds of lines stay one trace.
        var (at, levels) = (new List<double>(), new List<double>());
        foreach (var feature in rows.GroupBy(row => table.Integer(row, "feature")))
        {
            foreach (string[] row in feature.OrderBy(row => table.Number(row, "step")).Where(row => table.Number(row, "step") >= x.From))
            {
                at.Add(table.Number(row, "step"));
                levels.Add(table.Number(row, "dimensionality"));
            }

            at.Add(double.NaN);
            levels.Add(double.NaN);
        }

        bool many = cell.Features.Count > 40;
        return new Panel(cell.Label.Length == 0 ? "Dimensionality" : cell.Label, x, new Axis("dimensionality Dᵢ", -0.04, 1.08) { Grid = true }, [
            .. Marks(jumps, -0.04, 1.08), new LineMark(at, levels, Ink.Hue(0), many ? 0.7 : 1.4) { Hover = "step %{x}<br>D %{y:.3f}<extra></extra>" },
        ]);
    }

    private static Panel Loss(CellData cell, List<(double Step, double Loss)> curve, Axis x, Axis y, IEnumerable<double> jumps) =>
        new(cell.Label.Length == 0 ? "Loss" : "loss, " + cell.Label, x, y, [
            .. Marks(jumps, y.From, y.To),
            new LineMark([.. curve.Select(point => point.Step)], [.. curve.Select(point => point.Loss)], Ink.Hue(5), 2) { Hover = "step %{x}<br>loss %{y:.4g}<extra></extra>" },
        ]);

    private static IEnumerable<Mark> Marks(IEnumerable<double> jumps, double from, double to) => jumps.Distinct().ToList() is { Count: <= MostMarks } marks
        ? marks.Select(step => new LineMark([step, step], [from, to], Ink.Muted, 0.9) { Dashed = true })
        : [];

    private static ILookup<int, double> Jumps(RunData run) => run.Table("jumps", "cell", "of", "step") is { } table
        ? table.Rows.Where(row => table.Text(row, "of") == "dimensionality").ToLookup(row => table.Integer(row, "cell"), row => table.Number(row, "step"))
        : Array.Empty<int>().ToLookup(cell => cell, _ => 0.0);

    // On the evaluation samples where the analysis measured that; else what training recorded.
    private static ILookup<int, (double Step, double Loss)> Losses(RunData run)
    {
        if (run.Table("snapshots", "cell", "step", "loss") is { } table)
            return table.Rows.ToLookup(row => table.Integer(row, "cell"), row => (table.Number(row, "step"), table.Number(row, "loss")));
        var best = run.Cells.ToDictionary(cell => cell.Index, cell => cell.Best);
        return run.Losses.Where(curve => best.GetValueOrDefault(curve.Cell, -1) == curve.Instance)
            .SelectMany(curve => curve.Steps.Zip(curve.Loss, (step, loss) => (curve.Cell, step, loss))).ToLookup(point => point.Cell, point => (point.step, point.loss));
    }
}
