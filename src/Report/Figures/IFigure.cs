using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Figures;

/// <summary>A recipe: what a figure is called, what to look for in it, and how a run's data becomes a chart.</summary>
internal interface IFigure
{
    /// <summary>Name of its files and of its place on the page: lowercase letters and <c>-</c>.</summary>
    string Id { get; }

    /// <summary>A few words above it.</summary>
    string Title { get; }

    /// <summary>What to look for, in a sentence or two.</summary>
    string Caption { get; }

    /// <summary>The chart of a run, or a sentence on why there is none.</summary>
    Drawing Draw(RunData run);
}

/// <summary>What came of a recipe.</summary>
/// <param name="Chart">The chart; null where the run has nothing to draw.</param>
/// <param name="Alt">The chart's data in words, for who cannot see it.</param>
/// <param name="Note">What is left out and why; empty where nothing is.</param>
internal sealed record Drawing(Chart? Chart, string Alt, string Note)
{
    /// <summary>No chart, and nothing to say about it: the figure belongs to experiments of another kind.</summary>
    public static Drawing Skipped { get; } = new(null, "", "");

    /// <summary>No chart, because of <paramref name="why"/>: a whole sentence.</summary>
    public static Drawing LeftOut(string why) => new(null, "", why);

    /// <summary>One note of several sentences, of which some may be empty.</summary>
    public static string Notes(params IEnumerable<string> sentences) => string.Join(" ", sentences.Where(sentence => sentence.Length > 0));
}

/// <summary>All figures, in the order of the page. A new figure is a new recipe and a line here.</summary>
internal static class Gallery
{
    public static IReadOnlyList<IFigure> Figures { get; } =
    [
        new PhaseFigure(), new BranchFigure(), new DirectionsFigure(), new TrajectoryFigure(), new PcaFigure(), new DimensionalityFigure(), new VulnerabilityFigure(),
        new NeuronFigure(), new InterferenceFigure(), new NormFigure(), new DynamicsFigure(), new LossFigure(),
    ];

    /// <summary>Figures by how much of a run they tell at a glance.</summary>
    public static IReadOnlyList<string> AtAGlance { get; } =
        ["phases", "branches", "vulnerability", "neurons", "dynamics", "pca", "directions", "interference", "dimensionality", "norms", "loss"];
}
