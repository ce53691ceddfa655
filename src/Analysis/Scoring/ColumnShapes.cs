using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using ToyPipeline.Core;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>What estimators say about columns before there is data.</summary>
internal static class ColumnShapes
{
    /// <summary>Checks that the column <paramref name="name"/> is a float32 vector of known size.</summary>
    /// <exception cref="InvalidInputException">It is missing, or something else.</exception>
    public static void RequireVector(SchemaShape schema, string name)
    {
        var found = schema.Where(column => column.Name == name).Cast<SchemaShape.Column?>().FirstOrDefault()
            ?? throw new InvalidInputException($"The data has no column {name}; it has {string.Join(", ", schema.Select(column => column.Name))}.");
        if (found.Kind != SchemaShape.Column.VectorKind.Vector || found.ItemType != NumberDataViewType.Single)
            throw new InvalidInputException($"Column {name} holds {found.Kind} of {found.ItemType}; a vector of Single of known size is needed.");
    }

    /// <summary>The schema with further columns, in place of those of their names.</summary>
    public static SchemaShape With(SchemaShape schema, IEnumerable<(string Name, DataViewType Type)> columns)
    {
        var builder = new DataViewSchema.Builder();
        foreach (var (name, type) in columns)
            builder.AddColumn(name, type);
        var added = Create(null, builder.ToSchema());
        return new SchemaShape(schema.Where(column => added.All(output => output.Name != column.Name)).Concat(added));
    }

    // ML.NET gives no public way to make a SchemaShape.Column.
    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod, Name = "Create")]
    private static extern SchemaShape Create(SchemaShape? target, DataViewSchema schema);
}
