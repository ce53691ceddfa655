namespace ToyPipeline.Analysis.Stage;

/// <summary>instances.csv: a row per instance.</summary>
internal static class InstanceRows
{
    public static IReadOnlyList<string> Columns { get; } =
        ["seed", "geometry", "represented", "loss", "loss_se", .. InstanceMeasures.Names.Where(name => name != "loss"), "best"];

    public static void Write(TableWriter table, InstanceAnalysis analysis, bool best)
    {
        table.WriteKey(analysis.Instance).Write(analysis.Instance.Seed).Write(analysis.Weights.Geometry).Write(analysis.Weights.Represented)
            .Write(analysis.Loss.Mean).Write(analysis.Loss.StandardError);
        foreach (string name in InstanceMeasures.Names)
        {
            if (name != "loss")
                table.Write(InstanceMeasures.Of(analysis, name));
        }

        table.Write(best).EndRow();
    }
}
