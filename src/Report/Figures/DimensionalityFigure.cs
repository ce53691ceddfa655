using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Figures;

/// <summary>D* and D_i against 1/(1 − S) (paper: "The geometry of superposition", feature dimensionality).</summary>
internal sealed class DimensionalityFigure : IFigure
{
    /// <summary>Fewer densities make no curve.</summary>
    private const int LeastDensities = 4;

    /// <summary>Features of a cell whose dimensionalities are closer than this are one dot.</summary>
    private const double Near = 0.004;

    private static readonly (double D, string Name)[] s_fractions =
    [
        (1, "1"), (3 / 4.0, "3/4 tetrahedron"), (2 / 3.0, "2/3 triangle"), (1 / 2.0, "1/2 digon"), (4 / 9.0, "4/9"), (2 / 5.0, "2/5 pentagon"),
        (3 / 8.0, "3/8 square antiprism"), (0, "0 not represented"),
    ];

    public string Id => "dimensionality";

    public string Title => "Dimensions per feature, and each feature's dimensionality";

    public string Caption =>
        "Above: dimensions per feature D* = m/‖W‖²_F of the best instance of each cell against 1/(1 − S). Below: the dimensionality Dᵢ of each of its features. "
        + "Look for the steps at which D* stays (1 and 1/2), and for the lines on which Dᵢ gather: each is the fraction of a dimension that a feature has in a regular arrangement. "
        + "Where dots lie between the lines, one arrangement is giving way to another.";

    public Drawing Draw(RunData run)
    {
        // A phase diagram says the same of its whole plane.
        if (run.Experiment.Phase is not null)
            return Drawing.Skipped;
        var groups = run.Cells.Where(cell => cell.Features.Count > 0 && cell.Features.All(feature => feature.Density > 0 && feature.Density == cell.Features[0].Density))
            .GroupBy(Others).ToList();
        if (groups.Count == 0 || groups.Max(group => group.Count()) < LeastDensities)
            return Drawing.Skipped;
        var chosen = groups.First(group => group.Count() >= LeastDensities).OrderBy(Rarity).ToList();
        double[] rarity = [.. chosen.Select(Rarity)];
        double[] shared = [.. chosen.Select(cell => double.IsFinite(cell.DimensionsPerFeature) ? cell.DimensionsPerFeature : double.NaN)];
        double highest = Math.Max(1.1, 1.08 * shared.Where(double.IsFinite).DefaultIfEmpty(1).Max());
        var x = new Axis("1/(1 − S)", rarity[0] / 1.06, rarity[^1] * 1.06) { Log = true, Grid = true };
        return new Drawing(
            new Chart([Shared(x, rarity, shared, Math.Min(highest, 3)), Each(x, chosen)], 0.62) { InARow = 1, OwnY = true, Beside = 128 },
            $"D* goes from {Numbers.Short(shared[0])} at 1/(1 − S) = {Numbers.Short(rarity[0])} to {Numbers.Short(shared[^1])} at {Numbers.Short(rarity[^1])}. {Gathered(chosen)}",
            groups.Count == 1 ? "" : $"Shown are the cells with {(Others(chosen[0]) is { Length: > 0 } others ? others : "equal densities")}; the grid has {Numbers.Count(groups.Count - 1)} other such rows.");
    }

    private static double Rarity(CellData cell) => 1 / cell.Features[0].Density;

    private static string Others(CellData cell) => CellLabel.Of([.. cell.Coordinates.Where(coordinate => !coordinate.Path.StartsWith("data.", StringComparison.Ordinal))]);

    private static Panel Shared(Axis x, double[] rarity, double[] shared, double highest) => new("D*", x, new Axis("D* = m/‖W‖²", 0, highest) { Grid = true }, [
        .. new[] { 1, 0.5 }.SelectMany(d => new Mark[] { new LineMark([x.From, x.To], [d, d], Ink.Muted, 1) { Dashed = true }, new TextMark(x.To, d, d == 1 ? " 1" : " 1/2") }),
        new LineMark(rarity, shared, Ink.Hue(0), 2),
        new DotsMark(rarity, shared, [], 7) { Ink = Ink.Hue(0), Hover = "1/(1 − S) %{x:.4g}<br>D* %{y:.4f}<extra></extra>" },
    ]);

    private static Panel Each(Axis x, IReadOnlyList<CellData> cells)
    {
        // Equal dots are drawn once: hundreds of features gather on each line.
        var dots = cells.SelectMany(cell => cell.Features.Where(feature => double.IsFinite(feature.Dimensionality))
            .GroupBy(feature => Math.Round(feature.Dimensionality / Near))
            .Select(group => (X: Rarity(cell), Y: group.Average(feature => feature.Dimensionality), Count: group.Count()))).ToList();
        const double Top = 1.08;
        double[] places = Spread([.. s_fractions.Select(fraction => fraction.D)], 0.05);
        return new Panel("Dᵢ", x, new Axis("dimensionality Dᵢ", -0.06, Top) { Grid = false }, [
            .. s_fractions.SelectMany((fraction, i) => new Mark[]
            {
                new LineMark([x.From, x.To], [fraction.D, fraction.D], Ink.Faint, 1), new TextMark(x.To, places[i], " " + fraction.Name),
            }),
            new DotsMark([.. dots.Select(dot => dot.X)], [.. dots.Select(dot => dot.Y)], [], 4.5)
            {
                Ink = Ink.Hue(0),
                Texts = [.. dots.Select(dot => Numbers.Count(dot.Count, "feature"))],
                Hover = "%{text}<br>D %{y:.4f}<br>1/(1 − S) %{x:.4g}<extra></extra>",
            },
        ]);
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

    private static string Gathered(IReadOnlyList<CellData> cells)
    {
        var all = cells.SelectMany(cell => cell.Features).Where(feature => double.IsFinite(feature.Dimensionality)).ToList();
        var near = s_fractions.Select(fraction => (fraction.Name, Share: all.Count(feature => Math.Abs(feature.Dimensionality - fraction.D) <= 0.03) / (double)Math.Max(1, all.Count)))
            .Where(pair => pair.Share >= 0.005).Select(pair => $"{pair.Share:0%} near {pair.Name}");
        return $"Of {Numbers.Count(all.Count, "dimensionality").Replace("dimensionalitys", "dimensionalities", StringComparison.Ordinal)}, {string.Join(", ", near)}.";
    }
}
