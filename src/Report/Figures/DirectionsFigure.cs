using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Figures;

/// <summary>Rows of W as lines from the origin, m ≤ 3 (paper: the pentagon figure of the introduction).</summary>
internal sealed class DirectionsFigure : IFigure
{
    /// <summary>Tips closer than this share one label.</summary>
    private const double Near = 0.13;

    /// <summary>More features than this are not named: labels would cover the lines.</summary>
    private const int MostNames = 24;

    public string Id => "directions";

    public string Title => "Feature directions";

    public string Caption =>
        "Each line is a feature's direction Wᵢ in the best instance of a cell, coloured by importance; its length is the feature's norm, the faint circle is norm 1. "
        + "Look for right angles (features with a dimension of their own), opposite lines (antipodal pairs), regular polygons and, in three dimensions, polyhedra (grey edges; drag to turn); features that are not represented stay at the centre.";

    public Drawing Draw(RunData run)
    {
        var drawable = run.Cells.Where(cell => cell.Model is { W: not null, Hidden: <= 3 }).ToList();
        if (drawable.Count == 0)
            return Drawing.LeftOut(Reason(run));
        // One dimension has no angle to show: features are set below each other there, in a chart of its own kind.
        bool line = 2 * drawable.Count(cell => cell.Model!.Hidden == 1) > drawable.Count;
        drawable.RemoveAll(cell => (cell.Model!.Hidden == 1) != line);
        var choice = CellChoice.Of(drawable);
        var cells = choice.Cells;
        var importances = cells.SelectMany(cell => cell.Features).Select(feature => feature.Importance).ToList();
        bool equal = importances.Min() == importances.Max();
        var colors = new ColorScale("importance", equal ? 0 : importances.Min(), importances.Max(), Diverging: false) { Bar = !equal };
        double longest = cells.Max(cell => Enumerable.Range(0, cell.Model!.Features).Max(i => Length(Direction(cell.Model, i))));
        double reach = line ? Math.Max(1.1, 1.1 * longest) : Math.Max(1, longest) + (2 * Vectors.NameDistance);
        // Names of several features need room too.
        int letters = line ? 1 : cells.SelectMany(cell => Names(cell, [.. Enumerable.Range(0, cell.Model!.Features).Select(i => Direction(cell.Model, i))])).Select(name => name.Text.Length).DefaultIfEmpty(1).Max();
        reach += 2 * Vectors.LetterDistance * (Math.Min(letters, 6) - 1);
        var panels = cells.Select(cell => line ? OnLine(cell, reach, colors) : InSpace(cell, reach)).ToList();
        return new Drawing(
            new Chart(panels, line ? Math.Clamp(cells[0].Model!.Features * 0.14, 0.3, 1.2) : 1) { Colors = colors },
            string.Join(" ", cells.Select(Words)),
            Notes(choice, run.Cells.Count - drawable.Count, equal));
    }

    private static Panel InSpace(CellData cell, double reach)
    {
        var model = cell.Model!;
        var hidden = new Axis("", -reach, reach) { Hidden = true };
        var tips = Enumerable.Range(0, model.Features).Select(i => Direction(model, i)).ToList();
        var vectors = new VectorsMark(tips, [.. cell.Features.Select(feature => feature.Importance)])
        {
            Names = Names(cell, tips),
            Edges = model.Hidden == 3 ? Edges(cell, tips) : [],
            Hover = "feature %{text}<br>importance %{marker.color:.4g}<extra></extra>",
        };
        return new Panel(cell.Label, hidden, hidden, [vectors]) { EqualUnits = true };
    }

    // Of the features that are represented: the others are at the centre.
    private static List<(int From, int To)> Edges(CellData cell, List<double[]> tips)
    {
        int[] shown = [.. cell.Features.Where(feature => feature.Represented).Select(feature => feature.Feature)];
        return [.. Polytope.Edges([.. shown.Select(feature => tips[feature])]).Select(edge => (shown[edge.From], shown[edge.To]))];
    }

    private static Panel OnLine(CellData cell, double reach, ColorScale colors)
    {
        var model = cell.Model!;
        double[] places = [.. Enumerable.Range(0, model.Features).Select(i => (double)i)];
        var marks = new List<Mark> { new LineMark([0, 0], [-0.5, model.Features - 0.5], Ink.Faint, 1) };
        marks.AddRange(places.Select((y, i) => new LineMark([0, model.W![i]], [y, y], Ink.OnRamp(colors.Place(cell.Features[i].Importance)), 2.5)));
        marks.Add(new DotsMark(model.W!, places, [.. cell.Features.Select(feature => feature.Importance)], 8)
        {
            Hover = "feature %{y}<br>W %{x:.4f}<br>importance %{marker.color:.4g}<extra></extra>",
        });
        return new Panel(cell.Label, new Axis("Wᵢ", -reach, reach) { Grid = true }, Axis.OfFeatures("feature", model.Features) with { Reversed = true }, marks);
    }

    // Names of represented features beyond their tips; features that point the same way share a label.
    private static List<(double[] At, string Text)> Names(CellData cell, List<double[]> tips)
    {
        var groups = new List<(double[] At, List<int> Features)>();
        if (tips.Count > MostNames)
            return [];
        foreach (var feature in cell.Features.Where(feature => feature.Represented))
        {
            double[] tip = tips[feature.Feature];
            var near = groups.FirstOrDefault(group => Length([.. group.At.Zip(tip, (a, b) => a - b)]) < Near);
            if (near.Features is null)
                groups.Add((tip, [feature.Feature]));
            else
                near.Features.Add(feature.Feature);
        }

        return [.. groups.Select(group => (group.At, string.Join(",", group.Features)))];
    }

    private static string Words(CellData cell)
    {
        var represented = cell.Features.Where(feature => feature.Represented).Select(feature => feature.Feature).ToList();
        string where = cell.Label.Length == 0 ? "" : $"{cell.Label}: ";
        return $"{where}{Numbers.Count(represented.Count, "feature")} of {cell.Features.Count} represented"
            + (cell.Geometry.Length == 0 ? "." : $", geometry {cell.Geometry}.");
    }

    private static string Reason(RunData run) => run.Cells.All(cell => cell.Model is null)
        ? "Feature directions are not drawn: the analysis wrote no matrices (analysis/best-*.safetensors)."
        : run.Cells.All(cell => cell.Model?.W is null)
            ? "Feature directions are not drawn: this model has one direction for reading a feature and another for writing it."
            : $"Feature directions are drawn for up to 3 hidden dimensions; these models have {run.Cells.Min(cell => cell.Model?.Hidden ?? int.MaxValue)} or more.";

    private static string Notes(CellChoice choice, int others, bool equal) =>
        Drawing.Notes(equal ? "All features are equally important here." : "", choice.Note, others == 0 ? "" : $"{Numbers.Count(others, "cell")} of other dimensions or with two matrices left out.");

    private static double[] Direction(CellModel model, int feature) => model.W![(feature * model.Hidden)..((feature + 1) * model.Hidden)];

    private static double Length(double[] vector) => Math.Sqrt(vector.Sum(x => x * x));
}
