using System.Globalization;
using ToyPipeline.Analysis.Geometry;

namespace ToyPipeline.Analysis.Stage;

/// <summary>components.csv: a row per instance and component of its interference graph.</summary>
internal static class ComponentRows
{
    /// <summary>Angles that are listed one by one: those of nine members. More are described by their range.</summary>
    private const int MaxAngles = 36;

    public static IReadOnlyList<string> Columns { get; } =
    [
        "component", "kind", "members", "member_count", "dimensions", "dimensionality_mean", "dimensionality_sd", "angle_min", "angle_mean", "angle_max", "angles", "best",
    ];

    public static void Write(TableWriter table, InstanceAnalysis analysis, bool best)
    {
        for (int c = 0; c < analysis.Weights.Components.Count; c++)
        {
            var component = analysis.Weights.Components[c];
            var angles = component.Angles;
            table.WriteKey(analysis.Instance).Write(c).Write(FeatureGeometry.Name(component.Kind)).Write(component.Members).Write(component.Members.Count)
                .Write(component.Dimensions).Write(component.MeanDimensionality).Write(component.DimensionalityDeviation);
            if (angles.Count == 0)
                table.Write("").Write("").Write("");
            else
                table.Write(angles[0]).Write(angles.Average()).Write(angles[^1]);
            table.Write(angles.Count <= MaxAngles ? string.Join(' ', angles.Select(angle => angle.ToString("0.0", CultureInfo.InvariantCulture))) : "")
                .Write(best).EndRow();
        }
    }
}
