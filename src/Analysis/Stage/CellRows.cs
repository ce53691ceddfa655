namespace ToyPipeline.Analysis.Stage;

/// <summary>cells.csv: a row per cell, with its best instance and the spread over its replicas.</summary>
internal static class CellRows
{
    // The loss has its own columns; what depends on the model's shape alone has no spread.
    private static readonly string[] s_measures = [.. InstanceMeasures.Names.Where(name => name is not ("loss" or "basis_alignment_random"))];

    public static IReadOnlyList<string> Columns { get; } =
    [
        "replicas", "best_instance", "loss_best", "loss_mean", "loss_sd", "loss_max", "represented", "geometry", "geometry_replicas", "basis_alignment_random",
        .. s_measures, .. s_measures.SelectMany(name => (string[])[$"{name}_mean", $"{name}_sd"]),
    ];

    public static void Write(TableWriter table, CellAnalysis cell)
    {
        var best = cell.Best;
        var (mean, deviation) = cell.Spread("loss");
        table.Write(cell.Cell.Index).WriteAxes(cell.Cell).Write(cell.Replicas.Count).Write(best.Instance.Index)
            .Write(best.Loss.Mean).Write(mean).Write(deviation).Write(cell.Replicas.Max(replica => replica.Loss.Mean))
            .Write(best.Weights.Represented).Write(best.Weights.Geometry)
            .Write(cell.Replicas.Count(replica => replica.Weights.Geometry == best.Weights.Geometry)).Write(best.Weights.BasisAlignmentRandom);
        foreach (string name in s_measures)
            table.Write(InstanceMeasures.Of(best, name));
        foreach (string name in s_measures)
        {
            (mean, deviation) = cell.Spread(name);
            table.Write(mean).Write(deviation);
        }

        table.EndRow();
    }
}
