using System.Globalization;

namespace ToyPipeline.Report.Charts;

/// <summary>What a figure draws, free of any plotting library: panels side by side, each with axes and marks.</summary>
/// <remarks>Static and interactive figures are both made from this, so that they cannot show different data.</remarks>
/// <param name="Panels">Panels in reading order.</param>
/// <param name="Aspect">Height of a panel's data area relative to its width.</param>
internal sealed record Chart(IReadOnlyList<Panel> Panels, double Aspect)
{
    /// <summary>Scale of the marks that are coloured by a value; null where there are none.</summary>
    public ColorScale? Colors { get; init; }

    /// <summary>Explains inks that repeat in every panel.</summary>
    public IReadOnlyList<LegendEntry> Legend { get; init; } = [];

    /// <summary>Moments that a slider of the interactive figure steps through; static figures show the panels as they are.</summary>
    public IReadOnlyList<Moment> Moments { get; init; } = [];

    /// <summary>Every panel has a vertical axis of its own; elsewhere those of a row share the first one's names.</summary>
    public bool OwnY { get; init; }

    /// <summary>Room to the right of panels for words that begin at their edge, px.</summary>
    public int Beside { get; init; }

    /// <summary>Panels of one row, as the paper sets bars of several sparsities; null for as many as fit well.</summary>
    public int? InARow { get; init; }

    /// <summary>Panels side by side.</summary>
    public int Columns => InARow ?? (Panels.Count <= 4 ? Panels.Count : Panels.Count is 5 or 6 or 9 ? 3 : 4);

    /// <summary>Rows of panels.</summary>
    public int Rows => (Panels.Count + Columns - 1) / Columns;
}

/// <summary>One panel of a chart.</summary>
/// <param name="Title">Written above it.</param>
/// <param name="X">Horizontal axis.</param>
/// <param name="Y">Vertical axis.</param>
/// <param name="Marks">Drawn in order.</param>
internal sealed record Panel(string Title, Axis X, Axis Y, IReadOnlyList<Mark> Marks)
{
    /// <summary>One unit is as long on both axes.</summary>
    public bool EqualUnits { get; init; }

    /// <summary>The interactive panel is a space that can be turned.</summary>
    public bool InSpace => Marks.Any(mark => mark is VectorsMark { Dimensions: 3 } or LineMark { Z: not null });
}

/// <summary>An axis with fixed limits.</summary>
/// <param name="Label">Quantity and unit; empty for none.</param>
/// <param name="From">Lower limit.</param>
/// <param name="To">Upper limit.</param>
internal sealed record Axis(string Label, double From, double To)
{
    /// <summary>Logarithmic; both limits are positive.</summary>
    public bool Log { get; init; }

    /// <summary>Values grow downwards.</summary>
    public bool Reversed { get; init; }

    /// <summary>No line, ticks or grid.</summary>
    public bool Hidden { get; init; }

    /// <summary>Grid lines at the ticks.</summary>
    public bool Grid { get; init; }

    /// <summary>Ticks at names, as on an axis of features; null for round numbers.</summary>
    public IReadOnlyList<Tick>? Names { get; init; }

    /// <summary>Features 0 to n − 1, each a unit wide, at most ten named.</summary>
    public static Axis OfFeatures(string label, int features)
    {
        int step = features <= 10 ? 1 : features <= 25 ? 5 : features <= 50 ? 10 : features <= 120 ? 20 : (int)Math.Ceiling(features / 500.0) * 100;
        return new Axis(label, -0.5, features - 0.5)
        {
            Names = [.. Enumerable.Range(0, (features + step - 1) / step).Select(i => new Tick(i * step, $"{i * step}"))],
        };
    }
}

/// <summary>A named place on an axis.</summary>
internal readonly record struct Tick(double At, string Text);

/// <summary>A colour scale and the values at its ends.</summary>
/// <param name="Label">The quantity.</param>
/// <param name="From">Value of the first colour.</param>
/// <param name="To">Value of the last colour.</param>
/// <param name="Diverging">Two hues that meet at the middle, rather than one ramp from faint to strong.</param>
internal sealed record ColorScale(string Label, double From, double To, bool Diverging)
{
    /// <summary>Share of the values that a scale around outliers shows.</summary>
    private const double Shown = 0.95;

    /// <summary>A bar beside the panels explains it; not needed where all values are equal.</summary>
    public bool Bar { get; init; } = true;

    /// <summary>Values lie beyond the ends, and have the end's colour.</summary>
    public bool Clipped { get; init; }

    /// <summary>A diverging scale around 0 that a few outliers do not make pale: it ends at ±1 or at the 95th percentile of the values' sizes.</summary>
    /// <returns>The scale, and a sentence on what lies beyond it; empty where nothing does.</returns>
    public static (ColorScale Scale, string Note) Around0(string label, IEnumerable<double> values)
    {
        double[] sizes = [.. values.Where(double.IsFinite).Select(Math.Abs).Order()];
        double most = Math.Max(1, sizes.LastOrDefault());
        double usual = Math.Max(1, sizes.Length == 0 ? 1 : sizes[(int)(Shown * (sizes.Length - 1))]);
        bool clipped = most > 1.5 * usual;
        double bound = Math.Ceiling(10 * (clipped ? usual : most)) / 10;
        int beyond = sizes.Count(size => size > bound);
        return (
            new ColorScale(label, -bound, bound, Diverging: true) { Clipped = clipped },
            clipped ? string.Create(CultureInfo.InvariantCulture, $"Colours end at ±{bound:0.#}, the larger of 1 and the 95th percentile of all sizes; {100.0 * beyond / sizes.Length:0.##} % of the entries lie beyond, up to {most:0.#}.") : "");
    }

    /// <summary>Round numbers along the scale; the ends say where values lie beyond them.</summary>
    public IReadOnlyList<Tick> Ticks(int about)
    {
        var round = Charts.Ticks.Linear(From, To, about);
        return Clipped
            ? [new(From, "≤" + Charts.Ticks.Text(From)), .. round.Where(tick => Math.Min(tick.At - From, To - tick.At) > 0.1 * (To - From)), new(To, "≥" + Charts.Ticks.Text(To))]
            : round;
    }

    /// <summary>Place of a value on the scale, 0 to 1.</summary>
    public double Place(double value) => To > From ? Math.Clamp((value - From) / (To - From), 0, 1) : 1;
}

/// <summary>A line of the legend.</summary>
internal sealed record LegendEntry(string Text, Ink Ink, double Width);

/// <summary>A place of the slider: what it is called, and the marks that each panel ends with there instead of its last one.</summary>
/// <param name="Name">Short name.</param>
/// <param name="Last">The last mark of each panel.</param>
internal sealed record Moment(string Name, IReadOnlyList<DotsMark> Last);

/// <summary>Something drawn in a panel.</summary>
internal abstract record Mark
{
    /// <summary>What a pointer resting on it is told: a Plotly hover template; null for nothing.</summary>
    public string? Hover { get; init; }
}

/// <summary>A polyline; values that are not finite leave a gap.</summary>
internal sealed record LineMark(IReadOnlyList<double> X, IReadOnlyList<double> Y, Ink Ink, double Width) : Mark
{
    /// <summary>Third coordinates, in a panel of space.</summary>
    public IReadOnlyList<double>? Z { get; init; }

    /// <summary>Dashed rather than solid.</summary>
    public bool Dashed { get; init; }
}

/// <summary>Dots coloured by value on the chart's colour scale.</summary>
internal sealed record DotsMark(IReadOnlyList<double> X, IReadOnlyList<double> Y, IReadOnlyList<double> Values, double Size) : Mark
{
    /// <summary>One ink for all dots, which have no values then.</summary>
    public Ink? Ink { get; init; }

    /// <summary>What the hover template calls <c>%{text}</c>, one a dot.</summary>
    public IReadOnlyList<string> Texts { get; init; } = [];

    /// <summary>Third coordinates, in a panel of space.</summary>
    public IReadOnlyList<double>? Z { get; init; }
}

/// <summary>Words that begin at a place of the panel, for example the name of a line.</summary>
internal sealed record TextMark(double X, double Y, string Text) : Mark;

/// <summary>Upright boxes with a thin gap between them: neurons as stacks of weights.</summary>
/// <param name="At">Centre of each box along x.</param>
/// <param name="Base">Its lower end.</param>
/// <param name="Heights">Its height; negative heights hang from the base.</param>
/// <param name="Inks">Its colour.</param>
internal sealed record BoxesMark(IReadOnlyList<double> At, IReadOnlyList<double> Base, IReadOnlyList<double> Heights, IReadOnlyList<Ink> Inks) : Mark
{
    /// <summary>Width of a box.</summary>
    public const double Width = 0.86;

    /// <summary>What the hover template calls <c>%{text}</c>, one a box.</summary>
    public IReadOnlyList<string> Texts { get; init; } = [];
}

/// <summary>Horizontal bars from 0, one at each whole number, coloured by value on the chart's colour scale.</summary>
internal sealed record BarsMark(IReadOnlyList<double> At, IReadOnlyList<double> Lengths, IReadOnlyList<double> Values) : Mark;

/// <summary>A matrix as coloured cells one unit high, row 0 at y = 0, column 0 at <paramref name="Left"/>.</summary>
/// <param name="Values">[rows, columns], row-major.</param>
/// <param name="Columns">Number of columns.</param>
/// <param name="Left">x of the first column's centre.</param>
/// <param name="ColumnWidth">Width of a column; a row is one unit high.</param>
internal sealed record HeatMark(IReadOnlyList<double> Values, int Columns, double Left, double ColumnWidth) : Mark
{
    /// <summary>Inks of the values 0, 1, …; null for the chart's colour scale.</summary>
    public IReadOnlyList<Ink>? Classes { get; init; }

    /// <summary>What a cell is told by; the page puts the words together, so that large grids stay small files.</summary>
    public CellWords? Words { get; init; }
}

/// <summary>Words about each cell of a matrix.</summary>
/// <param name="Column">Name and values of the columns.</param>
/// <param name="Row">Name and values of the rows.</param>
/// <param name="Values">Named values of the cells, [rows, columns] each, row-major.</param>
internal sealed record CellWords(
    (string Name, IReadOnlyList<string> Values) Column, (string Name, IReadOnlyList<string> Values) Row, IReadOnlyList<(string Name, IReadOnlyList<double> Values)> Values)
{
    /// <summary>Names of the classes 0, 1, … of the matrix; empty where it has none.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];
}

/// <summary>Lines with dots at their ends, from the origin, in two or three dimensions, coloured by value; with a faint unit circle or sphere.</summary>
/// <param name="Tips">One end a vector; its length is the dimension.</param>
/// <param name="Values">Values on the chart's colour scale, one a vector.</param>
internal sealed record VectorsMark(IReadOnlyList<double[]> Tips, IReadOnlyList<double> Values) : Mark
{
    /// <summary>Names written beyond the tips.</summary>
    public IReadOnlyList<(double[] At, string Text)> Names { get; init; } = [];

    /// <summary>Faint lines between tips, by their places in <see cref="Tips"/>: edges of the polytope.</summary>
    public IReadOnlyList<(int From, int To)> Edges { get; init; } = [];

    /// <summary>2 or 3.</summary>
    public int Dimensions => Tips.Count == 0 ? 2 : Tips[0].Length;
}
