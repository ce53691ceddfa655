using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Figures;

/// <summary>Paths of the feature directions through training, m = 2 or 3 (paper: "Geometric transformations").</summary>
internal sealed class TrajectoryFigure : IFigure
{
    private const int MostCells = 3;

    public string Id => "trajectories";

    public string Title => "Directions through training";

    public string Caption =>
        "Each line is the path of a feature's direction Wᵢ from the initialization to the end of training, in the best instance of a cell; dots are where it stands. "
        + "The slider below goes through training. Look for times at which all features stay where they are, and for the moments at which they regroup.";

    public Drawing Draw(RunData run)
    {
        var cells = run.Cells.ToDictionary(cell => cell.Index);
        var paths = run.Paths.OrderBy(path => path.Cell).ToList();
        if (paths.Count == 0)
            return Drawing.Skipped;
        // One shape and one schedule: the slider moves all panels at once.
        paths.RemoveAll(path => path.Hidden != paths[0].Hidden || !path.Steps.SequenceEqual(paths[0].Steps));
        int found = paths.Count;
        paths = [.. Enumerable.Range(0, Math.Min(found, MostCells)).Select(i => paths[found <= MostCells ? i : i * (found - 1) / (MostCells - 1)])];
        double reach = 1.08 * paths.Max(path => path.W.Max(w => w.Max(Math.Abs)));
        var hidden = new Axis("", -reach, reach) { Hidden = true };
        return new Drawing(
            new Chart([.. paths.Select(path => new Panel(cells[path.Cell].Label, hidden, hidden, [.. Frame(path.Hidden, reach), .. Trails(path, Groups(run, path)), Dots(path, path.W.Length - 1)]) { EqualUnits = true })], 1)
            {
                Moments = [.. paths[0].Steps.Select((step, s) => new Moment(Numbers.Short(step), [.. paths.Select(path => Dots(path, s))]))],
            },
            $"{Numbers.Count(paths[0].Steps.Length, "snapshot")} from step {Numbers.Short(paths[0].Steps[0])} to step {Numbers.Short(paths[0].Steps[^1])}.",
            Drawing.Notes(found > paths.Count ? $"Shown are {paths.Count} of {found} cells." : "", Coloured(run)));
    }

    // The axes, which meet where features that are not represented stay.
    private static IEnumerable<Mark> Frame(int hidden, double reach)
    {
        for (int axis = 0; axis < hidden; axis++)
        {
            double[][] ends = [.. new[] { -reach, reach }.Select(end => Enumerable.Range(0, hidden).Select(k => k == axis ? 0.92 * end : 0).ToArray())];
            yield return new LineMark([ends[0][0], ends[1][0]], [ends[0][1], ends[1][1]], Ink.Faint, 1) { Z = hidden == 3 ? [ends[0][2], ends[1][2]] : null };
        }
    }

    private static IEnumerable<Mark> Trails(WeightPath path, int[] groups)
    {
        for (int i = 0; i < path.Features; i++)
        {
            double[][] places = [.. Enumerable.Range(0, path.W.Length).Select(s => path.Direction(s, i))];
            yield return new LineMark([.. places.Select(place => place[0])], [.. places.Select(place => place[1])], InkOf(groups, i, path.Features), 1.6)
            {
                Z = path.Hidden == 3 ? [.. places.Select(place => place[2])] : null,
                Hover = $"feature {i}<extra></extra>",
            };
        }
    }

    private static DotsMark Dots(WeightPath path, int snapshot)
    {
        double[][] places = [.. Enumerable.Range(0, path.Features).Select(i => path.Direction(snapshot, i))];
        return new DotsMark([.. places.Select(place => place[0])], [.. places.Select(place => place[1])], [], path.Hidden == 3 ? 4 : 9)
        {
            Ink = Ink.Text,
            Z = path.Hidden == 3 ? [.. places.Select(place => place[2])] : null,
            Texts = [.. Enumerable.Range(0, path.Features).Select(i => $"feature {i}")],
            Hover = "%{text}<extra></extra>",
        };
    }

    // The set of each feature; features outside of sets are groups of their own.
    private static int[] Groups(RunData run, WeightPath path)
    {
        int[] groups = [.. Enumerable.Range(0, path.Features)];
        var sets = run.Spec(run.Cells.First(cell => cell.Index == path.Cell)).Data.Sets;
        for (int s = 0; s < sets.Count; s++)
        {
            foreach (int member in sets[s].Members)
                groups[member] = s;
        }

        return groups;
    }

    private static string Coloured(RunData run) => run.Cells.Count > 0 && run.Spec(run.Cells[0]).Data.Sets.Count > 0 ? "Features of a set have one colour." : "";

    private static Ink InkOf(int[] groups, int feature, int features) =>
        groups.Max() < Palette.Light.Hues.Count ? Ink.Hue(groups[feature]) : Ink.OnRamp(feature / (double)Math.Max(1, features - 1));
}
