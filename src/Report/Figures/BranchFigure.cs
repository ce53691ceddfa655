using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Figures;

/// <summary>Losses of competing branches of solutions along an axis, and where they cross (paper: non-uniform superposition).</summary>
internal sealed class BranchFigure : IFigure
{
    /// <summary>More branches than this have no hues left, and are drawn alike.</summary>
    private const int MostNamed = 6;

    private static readonly string[] s_sides = ["a", "b"];

    public string Id => "branches";

    public string Title => "Competing solutions";

    public string Caption =>
        "Each line is one solution, followed along the axis from where it was found: left its exact loss, right how far that is over the lowest of all. Solid where it is a local minimum, dashed where it no longer is one. "
        + "Look for the crossing (dots): left and right of it different arrangements are best, and as both go on as minima, the change is of first order.";

    public Drawing Draw(RunData run)
    {
        if (run.Table("branches", "branch", "loss", "local_minimum", "geometry") is not { } table || run.Experiment.Axes.FirstOrDefault(axis => table.Has(axis.Path)) is not { } along)
            return Drawing.Skipped;
        var branches = table.Rows.Select(row => new Point(table.Integer(row, "branch"), table.Number(row, along.Path), table.Number(row, "loss"), table.Flag(row, "local_minimum"), table.Text(row, "geometry")))
            .Concat(Meetings(run, along.Path)).Where(point => double.IsFinite(point.At) && point.Loss > 0).GroupBy(point => point.Branch).Select(branch => branch.OrderBy(point => point.At).ToList()).ToList();
        if (branches.Count == 0)
            return Drawing.Skipped;
        var all = branches.SelectMany(branch => branch).ToList();
        // Where two branches meet between two values of the axis, a third may lie lower.
        var lowest = all.Select(point => point.At).Distinct().ToDictionary(at => at, at => branches.Min(branch => LossAt(branch, at)));
        bool log = GridAxis.IsLog([.. all.Select(point => point.At)]);
        var x = new Axis(CellLabel.Symbol(along.Path), all.Min(point => point.At), all.Max(point => point.At)) { Log = log, Grid = true };
        double top = all.Max(point => 100 * ((point.Loss / lowest[point.At]) - 1));
        var crossings = Crossings(run, along.Path);
        string[] names = Names([.. branches.Take(MostNamed).Select(Name)]);
        var loss = new Axis("exact loss", 0, 1.08 * all.Max(point => point.Loss)) { Grid = true };
        var over = new Axis("over the lowest, %", -0.04 * Math.Max(1e-6, top), Math.Max(1e-6, 1.06 * top)) { Grid = true };
        return new Drawing(
            new Chart([
                new Panel("Loss", x, loss, [.. branches.SelectMany(branch => Lines(branch, point => point.Loss)), Dots(crossings, crossing => crossing.Loss)]),
                new Panel("Over the lowest", x, over, [.. branches.SelectMany(branch => Lines(branch, point => 100 * ((point.Loss / lowest[point.At]) - 1))), Dots(crossings, _ => 0)]),
            ], 0.8)
            {
                OwnY = true,
                Legend = [.. branches.Take(MostNamed).Select((branch, i) => new LegendEntry(names[i], InkOf(branch[0].Branch), 2.5))],
            },
            string.Join(" ", branches.Take(MostNamed).Select((branch, i) => $"{names[i]}: from {Numbers.Short(branch[0].At)} to {Numbers.Short(branch[^1].At)}."))
                + string.Concat(crossings.Select(crossing => $" The best arrangement changes at {Numbers.Short(crossing.At)}.")),
            branches.Count > MostNamed ? $"{Numbers.Count(branches.Count - MostNamed, "further branch").Replace("branchs", "branches", StringComparison.Ordinal)} in grey." : "");
    }

    private static List<(double At, double Loss)> Crossings(RunData run, string path) =>
        run.Table("crossings", path, "loss", "critical") is { } table
            ? [.. table.Rows.Where(row => table.Flag(row, "critical")).Select(row => (table.Number(row, path), table.Number(row, "loss")))]
            : [];

    // Both branches pass through a crossing, which lies between two values of the axis.
    private static IEnumerable<Point> Meetings(RunData run, string path) =>
        run.Table("crossings", "branch_a", "branch_b", "geometry_a", "geometry_b", path, "loss", "smallest_eigenvalue_a", "smallest_eigenvalue_b") is { } table
            ? table.Rows.SelectMany(row => s_sides.Select(side => new Point(
                table.Integer(row, "branch_" + side), table.Number(row, path), table.Number(row, "loss"), table.Number(row, "smallest_eigenvalue_" + side) > 0, table.Text(row, "geometry_" + side))))
            : [];

    // Straight from one point of the branch to the next; infinite where it does not go.
    private static double LossAt(List<Point> branch, double at)
    {
        int right = branch.FindIndex(point => point.At >= at);
        if (right < 0 || (right == 0 && branch[0].At > at))
            return double.PositiveInfinity;
        if (branch[right].At == at)
            return branch.Where(point => point.At == at).Min(point => point.Loss);
        var (a, b) = (branch[right - 1], branch[right]);
        return a.Loss + ((b.Loss - a.Loss) * (at - a.At) / (b.At - a.At));
    }

    // Pieces that are minima solid, the others dashed; neighbouring pieces meet.
    private static IEnumerable<Mark> Lines(List<Point> branch, Func<Point, double> y)
    {
        for (int from = 0; from < branch.Count;)
        {
            int to = from;
            while (to + 1 < branch.Count && branch[to + 1].Minimum == branch[from].Minimum)
                to++;
            var piece = branch[from..Math.Min(branch.Count, to + 2)];
            yield return new LineMark([.. piece.Select(point => point.At)], [.. piece.Select(y)], InkOf(branch[0].Branch), 2.2)
            {
                Dashed = !branch[from].Minimum,
                Hover = $"{Charts.Interactive.PlotlyFigure.Escape(branch[from].Geometry)}<br>%{{x:.4g}}<br>%{{y:.6g}}<extra></extra>",
            };
            from = to + 1;
        }
    }

    private static DotsMark Dots(List<(double At, double Loss)> crossings, Func<(double At, double Loss), double> y) =>
        new([.. crossings.Select(crossing => crossing.At)], [.. crossings.Select(y)], [], 9) { Ink = Ink.Text, Hover = "crossing at %{x:.5g}<extra></extra>" };

    private static string Name(List<Point> branch) => branch.GroupBy(point => point.Geometry).MaxBy(group => group.Count())!.Key;

    // Solutions of one geometry are told apart by letters.
    private static string[] Names(string[] geometries) => [.. geometries.Select((name, i) =>
        geometries.Count(other => other == name) == 1 ? name : $"{name} ({(char)('a' + geometries.Take(i).Count(other => other == name))})")];

    private static Ink InkOf(int branch) => branch < MostNamed ? Ink.Hue(branch) : Ink.Muted;

    private readonly record struct Point(int Branch, double At, double Loss, bool Minimum, string Geometry);
}
