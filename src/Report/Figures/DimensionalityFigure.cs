using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Figures;

/// <summary>D* and D_i against 1/(1 − S) (paper: "The geometry of superposition", feature dimensionality).</summary>
internal sealed class DimensionalityFigure : IFigure
{
    /// <summary>Fewer densities make no curve.</summary>
    private const int LeastDensities = 4;

    /// <summary>Rows of cells side by side, D* above Dᵢ; more take a small panel each.</summary>
    private const int MostColumns = 3;

    /// <summary>Rows of cells in small panels; more would be too small to read.</summary>
    private const int MostSeries = 15;

    /// <summary>Features of a cell whose dimensionalities are closer than this are one dot.</summary>
    private const double Near = 0.004;

    private static readonly (double D, string Value, string Name)[] s_fractions =
    [
        (1, "1", ""), (3 / 4.0, "3/4", " tetrahedron"), (2 / 3.0, "2/3", " triangle"), (1 / 2.0, "1/2", " digon"), (4 / 9.0, "4/9", ""), (2 / 5.0, "2/5", " pentagon"),
        (3 / 8.0, "3/8", " square antiprism"), (0, "0", " not represented"),
    ];

    public string Id => "dimensionality";

    public string Title => "Dimensions per feature, and each feature's dimensionality";

    public string Caption =>
        "Dimensions per feature D* = m/‖W‖²_F of the best instance of each cell against 1/(1 − S) (line), and the dimensionality Dᵢ of each of its features (dots). "
        + "Look for the steps at which D* stays (1 and 1/2), and for the lines on which Dᵢ gather: each is the fraction of a dimension that a feature has in a regular arrangement. "
        + "Where dots lie between the lines, one arrangement is giving way to another.";

    public Drawing Draw(RunData run)
    {
        // A phase diagram says the same of its whole plane.
        if (run.Experiment.Phase is not null)
            return Drawing.Skipped;
        var found = run.Cells.Where(cell => cell.Features.Count > 0 && cell.Features.All(feature => feature.Density > 0 && feature.Density == cell.Features[0].Density))
            .GroupBy(Others).Where(group => group.Count() >= LeastDensities).Select(group => Series.Of(group.Key, group)).ToList();
        if (found.Count == 0)
            return Drawing.Skipped;
        var shown = CellChoice.Evenly(found, MostSeries);
        var (dense, sparse) = (shown.Min(series => series.Rarity[0]), shown.Max(series => series.Rarity[^1]));
        double margin = Math.Max(1.06, Math.Pow(sparse / dense, 0.025));
        var x = new Axis("1/(1 − S)", dense / margin, sparse * margin) { Log = true, Grid = true };
        double highest = Math.Max(1.1, 1.08 * shown.SelectMany(series => series.Shared).Where(double.IsFinite).DefaultIfEmpty(1).Max());
        double most = shown.Count <= MostColumns ? 3 : 1.65;
        string[] notes = [
            found.Count == shown.Count ? "" : $"Shown are {shown.Count} of {Numbers.Count(found.Count)} rows of cells, evenly chosen from the grid.",
            highest > 1.08 * most ? $"D* beyond {Numbers.Short(most)} is not shown; it goes up to {Numbers.Short(highest / 1.08)}." : "",
        ];
        return new Drawing(
            shown.Count <= MostColumns ? TwoRows(shown, x, Math.Min(highest, most)) : Small(shown, x, Math.Min(highest, most), Columns(run, shown.Count)),
            string.Join(" ", shown.Select(Words)),
            Drawing.Notes(notes));
    }

    // Cells that differ in nothing else are one row.
    private static string Others(CellData cell) => CellLabel.Of([.. cell.Coordinates.Where(coordinate => coordinate.Path is not ("data.density" or "data.sparsity"))]);

    private static Chart TwoRows(IReadOnlyList<Series> shown, Axis x, double highest)
    {
        double apart = shown.Count == 1 ? 0.066 : 0.07;
        return new Chart([
            .. shown.Select((series, i) => new Panel(series.Titled("D*"), x, new Axis("D* = m/‖W‖²", 0, highest) { Grid = true }, [.. Halves(x, named: i == shown.Count - 1), .. Line(series, Ink.Hue(0), 7)])),
            .. shown.Select((series, i) => new Panel(series.Titled("Dᵢ"), x, new Axis("dimensionality Dᵢ", -0.06, 1.08), [
                .. Fractions(x, s_fractions.Select(fraction => (fraction.D, fraction.Value + fraction.Name)), apart, named: i == shown.Count - 1), Dots(series, 4.5),
            ])),
        ], shown.Count switch { 1 => 0.62, 2 => 0.8, _ => 1.05 })
        { InARow = shown.Count, Beside = 128 };
    }

    private static Chart Small(IReadOnlyList<Series> shown, Axis x, double highest, int columns)
    {
        // Too low for every name: the last two lines share one.
        var named = s_fractions.Where(fraction => fraction.Value is not ("4/9" or "2/5" or "3/8")).Select(fraction => (fraction.D, fraction.Value)).Append((0.3875, "2/5, 3/8")).OrderByDescending(name => name.Item1);
        return new Chart([
            .. shown.Select((series, i) => new Panel(series.Name, x, new Axis("D*, Dᵢ", -0.06, highest), [
                .. Fractions(x, named, (columns > 3 ? 0.1 : 0.08) * (highest + 0.06), (i + 1) % columns == 0 || i == shown.Count - 1), .. Line(series, Ink.Hue(1), 0), Dots(series, 5),
            ])),
        ], 0.75)
        {
            InARow = columns,
            Beside = 48,
            Legend = [new("dimensions per feature D*", Ink.Hue(1), 2.5), new("dimensionalities Dᵢ of its features", Ink.Hue(0), 6)],
        };
    }

    // The last of the other axes goes to the right, as in a table.
    private static int Columns(RunData run, int shown) =>
        run.Experiment.Axes.LastOrDefault(axis => axis.Path is not ("data.density" or "data.sparsity"))?.Values.Count is { } count and >= 2 and <= 5 && shown % count == 0 ? count : 4;

    private static IEnumerable<Mark> Halves(Axis x, bool named)
    {
        foreach (double d in (double[])[1, 0.5])
        {
            yield return new LineMark([x.From, x.To], [d, d], Ink.Muted, 1) { Dashed = true };
            if (named)
                yield return new TextMark(x.To, d, d == 1 ? " 1" : " 1/2");
        }
    }

    private static IEnumerable<Mark> Fractions(Axis x, IEnumerable<(double D, string Text)> names, double apart, bool named)
    {
        foreach (var (d, _, _) in s_fractions)
            yield return new LineMark([x.From, x.To], [d, d], Ink.Faint, 1);
        var texts = (named ? names : []).ToList();
        foreach (var (name, place) in texts.Zip(Spread([.. texts.Select(name => name.D)], apart)))
            yield return new TextMark(x.To, place, " " + name.Text);
    }

    private static IEnumerable<Mark> Line(Series series, Ink ink, double dots)
    {
        const string Hover = "1/(1 − S) %{x:.4g}<br>D* %{y:.4f}<extra></extra>";
        yield return new LineMark(series.Rarity, series.Shared, ink, 2) { Hover = dots > 0 ? null : Hover };
        if (dots > 0)
            yield return new DotsMark(series.Rarity, series.Shared, [], dots) { Ink = ink, Hover = Hover };
    }

    private static DotsMark Dots(Series series, double size)
    {
        // Equal dots are drawn once: hundreds of features gather on each line.
        var dots = series.Cells.SelectMany(cell => cell.Features.Where(feature => double.IsFinite(feature.Dimensionality))
            .GroupBy(feature => Math.Round(feature.Dimensionality / Near))
            .Select(group => (X: Series.RarityOf(cell), Y: group.Average(feature => feature.Dimensionality), Count: group.Count()))).ToList();
        return new DotsMark([.. dots.Select(dot => dot.X)], [.. dots.Select(dot => dot.Y)], [], size)
        {
            Ink = Ink.Hue(0),
            Texts = [.. dots.Select(dot => Numbers.Count(dot.Count, "feature"))],
            Hover = "%{text}<br>D %{y:.4f}<br>1/(1 − S) %{x:.4g}<extra></extra>",
        };
    }

    // Descending places at least this far apart, moved as little as that takes from above and from below.
    private static double[] Spread(double[] places, double apart)
    {
        double[] result = [.. places];
        for (int round = 0; round < 50; round++)
        {
            for (int i = 1; i < result.Length; i++)
            {
                double missing = apart - (result[i - 1] - result[i]);
                if (missing > 1e-9)
                    (result[i - 1], result[i]) = (result[i - 1] + (missing / 2), result[i] - (missing / 2));
            }
        }

        return result;
    }

    private static string Words(Series series) =>
        $"{(series.Name.Length == 0 ? "" : series.Name + ": ")}D* goes from {Numbers.Short(series.Shared[0])} at 1/(1 − S) = {Numbers.Short(series.Rarity[0])} "
        + $"to {Numbers.Short(series.Shared[^1])} at {Numbers.Short(series.Rarity[^1])}. {Gathered(series.Cells)}";

    private static string Gathered(IReadOnlyList<CellData> cells)
    {
        var all = cells.SelectMany(cell => cell.Features).Where(feature => double.IsFinite(feature.Dimensionality)).ToList();
        var near = s_fractions.Select(fraction => (Name: fraction.Value + fraction.Name, Share: all.Count(feature => Math.Abs(feature.Dimensionality - fraction.D) <= 0.03) / (double)Math.Max(1, all.Count)))
            .Where(pair => pair.Share >= 0.005).Select(pair => $"{pair.Share:0%} near {pair.Name}");
        return $"Of {Numbers.Count(all.Count, "dimensionality").Replace("dimensionalitys", "dimensionalities", StringComparison.Ordinal)}, {string.Join(", ", near)}.";
    }

    /// <summary>Cells that differ in density only, densest first.</summary>
    /// <param name="Name">What they have in common; empty where the grid has no other axis.</param>
    /// <param name="Cells">The cells.</param>
    /// <param name="Rarity">1/(1 − S) of each.</param>
    /// <param name="Shared">D* of each; NaN where it has none.</param>
    private sealed record Series(string Name, IReadOnlyList<CellData> Cells, double[] Rarity, double[] Shared)
    {
        public static Series Of(string name, IEnumerable<CellData> cells)
        {
            var ordered = cells.OrderBy(RarityOf).ToList();
            return new Series(name, ordered, [.. ordered.Select(RarityOf)], [.. ordered.Select(cell => double.IsFinite(cell.DimensionsPerFeature) ? cell.DimensionsPerFeature : double.NaN)]);
        }

        public static double RarityOf(CellData cell) => 1 / cell.Features[0].Density;

        public string Titled(string quantity) => Name.Length == 0 ? quantity : $"{quantity}, {Name}";
    }
}
