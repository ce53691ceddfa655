using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Report.Data;

/// <summary>A feature of the best instance of a cell: a row of <c>features.csv</c>.</summary>
internal sealed record FeatureRow(int Feature, double Importance, double Density, double Norm, double Superposition, double Dimensionality, bool Represented);

/// <summary>What the report knows of one cell.</summary>
/// <param name="Index">Place in the grid.</param>
/// <param name="Label">Short name, for example <c>S = 0.9</c>.</param>
/// <param name="Best">Index of its best instance.</param>
/// <param name="Geometry">Name of the best instance's geometry.</param>
/// <param name="Features">Features of the best instance.</param>
/// <param name="Model">Matrices of the best instance, where the analysis wrote them.</param>
internal sealed record CellData(int Index, string Label, int Best, string Geometry, IReadOnlyList<FeatureRow> Features, CellModel? Model)
{
    /// <summary>Where on the axes it is, in the order of the axes.</summary>
    public required IReadOnlyList<Coordinate> Coordinates { get; init; }

    /// <summary>D*, dimensions per feature; not a number where the analysis did not give it.</summary>
    public double DimensionsPerFeature { get; init; } = double.NaN;

    /// <summary>Features per dimension, its inverse.</summary>
    public double FeaturesPerDimension { get; init; } = double.NaN;
}

/// <summary>All that the report reads from a run folder.</summary>
internal sealed class RunData
{
    /// <summary>Rows of the large tables that the page has; the rest is in their files.</summary>
    public const int MaxRows = 200;

    private const string CellsFile = "analysis/cells.csv";
    private const string FeaturesFile = "analysis/features.csv";
    private const string ClaimsFile = "analysis/claims.csv";

    /// <summary>Tables that some experiments have; a figure asks for its own.</summary>
    private static readonly string[] s_further =
    [
        "analysis/phase.csv", "analysis/branches.csv", "analysis/crossings.csv", "analysis/neurons.csv", "analysis/dynamics.csv", "analysis/snapshots.csv", "analysis/jumps.csv",
        "analysis/adversarial.csv", "analysis/pca.csv",
    ];

    private readonly Dictionary<string, CsvTable> _further;
    private readonly Grid _grid;

    private RunData(RunFolder run)
    {
        Experiment = run.Experiment;
        _grid = new Grid(run.Experiment);
        _further = s_further.Where(file => File.Exists(run.Path(file))).ToDictionary(file => file, file => CsvTable.Load(run.Path(file)));
    }

    /// <summary>The experiment of the run.</summary>
    public Experiment Experiment { get; }

    /// <summary>What a cell is trained on.</summary>
    public CellSpec Spec(CellData cell) => _grid.Spec(new Cell(cell.Index, cell.Coordinates));

    /// <summary>Cells in the order of the grid.</summary>
    public IReadOnlyList<CellData> Cells { get; private init; } = [];

    /// <summary>Training loss of every instance of the cells that a figure would show; empty where none was recorded.</summary>
    public IReadOnlyList<LossCurve> Losses { get; private init; } = [];

    /// <summary>Weights through training of the best instances that a figure would show; empty where none were recorded, or their dimensions cannot be drawn.</summary>
    public IReadOnlyList<WeightPath> Paths { get; private init; } = [];

    /// <summary>claims.csv; null where the analysis wrote none.</summary>
    public CsvTable? ClaimTable { get; private init; }

    /// <summary>cells.csv, its first <see cref="MaxRows"/> rows.</summary>
    public required CsvTable CellTable { get; init; }

    /// <summary>features.csv, rows of best instances only, the first <see cref="MaxRows"/>.</summary>
    public required CsvTable FeatureTable { get; init; }

    /// <summary>A table that only some experiments have, <c>phase</c> for analysis/phase.csv; null where it is missing or lacks a column.</summary>
    public CsvTable? Table(string name, params ReadOnlySpan<string> columns) =>
        _further.GetValueOrDefault($"analysis/{name}.csv") is { Rows.Count: > 0 } table && table.Has(columns) ? table : null;

    /// <summary>The files that the report is made of, relative to the run folder. Matrices, claims and histories may be missing.</summary>
    public static IReadOnlyList<string> Inputs(RunFolder run) =>
        [CellsFile, FeaturesFile, .. Optional(run), .. Best(run), .. Histories(run)];

    /// <summary>Reads the run folder.</summary>
    /// <exception cref="InvalidInputException">A file is damaged or has another format than expected.</exception>
    public static RunData Load(RunFolder run, CancellationToken cancellation = default)
    {
        var features = new Dictionary<int, List<FeatureRow>>();
        var featureTable = CsvTable.Load(run.Path(FeaturesFile), where: "best", keep: MaxRows, each: (table, row) =>
        {
            int cell = table.Integer(row, "cell");
            if (!features.TryGetValue(cell, out var own))
                features.Add(cell, own = []);
            own.Add(Feature(table, row));
        });
        cancellation.ThrowIfCancellationRequested();
        var models = CellModel.Load(Best(run).Select(run.Path)).DistinctBy(model => model.Cell).ToDictionary(model => model.Cell);
        cancellation.ThrowIfCancellationRequested();
        var cells = new List<CellData>();
        var cellTable = CsvTable.Load(run.Path(CellsFile), keep: MaxRows, each: (table, row) => cells.Add(Cell(run.Experiment, table, row, features, models)));
        cells.Sort((one, other) => one.Index.CompareTo(other.Index));
        var shown = CellChoice.Of(cells).Cells.Select(cell => cell.Index).ToHashSet();
        return new RunData(run)
        {
            CellTable = cellTable,
            FeatureTable = featureTable,
            ClaimTable = File.Exists(run.Path(ClaimsFile)) ? CsvTable.Load(run.Path(ClaimsFile)) : null,
            Cells = cells,
            Paths = [.. WeightPath.Load(Histories(run).Select(run.Path), [.. cells.Where(cell => shown.Contains(cell.Index) && cell.Model is { W: not null, Hidden: 2 or 3 })])],
            Losses = [.. LossCurve.Load(Histories(run).Select(run.Path), shown.Contains)],
        };
    }

    private static CellData Cell(
        Experiment experiment, CsvTable table, string[] row, Dictionary<int, List<FeatureRow>> features, Dictionary<int, CellModel> models)
    {
        int index = table.Integer(row, "cell");
        var model = models.GetValueOrDefault(index);
        var rows = features.GetValueOrDefault(index, []);
        rows.Sort((one, other) => one.Feature.CompareTo(other.Feature));
        if (model is not null && rows.Count != model.Features)
            throw new InvalidInputException($"{FeaturesFile} has {rows.Count} rows of the best instance of cell {index}, which has {model.Features} features. Run `toy analyze --force` again.");
        Coordinate[] coordinates = [.. experiment.Axes.Select(axis => new Coordinate(axis.Path, table.Text(row, axis.Path)))];
        return new CellData(index, CellLabel.Of(coordinates), table.Integer(row, "best_instance"), table.Text(row, "geometry"), rows, model)
        {
            Coordinates = coordinates,
            DimensionsPerFeature = table.Has("dimensions_per_feature") ? table.Number(row, "dimensions_per_feature") : double.NaN,
            FeaturesPerDimension = table.Has("features_per_dimension") ? table.Number(row, "features_per_dimension") : double.NaN,
        };
    }

    private static FeatureRow Feature(CsvTable table, string[] row) => new(
        table.Integer(row, "feature"), table.Number(row, "importance"), table.Number(row, "density"), table.Number(row, "norm"), table.Number(row, "superposition"),
        table.Number(row, "dimensionality"), table.Flag(row, "represented"));

    private static IEnumerable<string> Optional(RunFolder run) => s_further.Prepend(ClaimsFile).Where(file => File.Exists(run.Path(file)));

    private static IEnumerable<string> Best(RunFolder run) => Files(run, "analysis", "best-*.safetensors");

    private static IEnumerable<string> Histories(RunFolder run) => Files(run, "weights", "pack-*.history.safetensors");

    private static IEnumerable<string> Files(RunFolder run, string folder, string pattern) =>
        Directory.Exists(run.Path(folder))
            ? Directory.EnumerateFiles(run.Path(folder), pattern).Select(path => $"{folder}/{Path.GetFileName(path)}").Order(StringComparer.Ordinal)
            : [];
}
