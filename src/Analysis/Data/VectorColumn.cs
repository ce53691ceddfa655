using Microsoft.ML;
using Microsoft.ML.Data;
using ToyPipeline.Core;

namespace ToyPipeline.Analysis.Data;

/// <summary>Checks on the vector columns that we read.</summary>
internal static class VectorColumn
{
    /// <summary>The column <paramref name="name"/>: a float32 vector of known size.</summary>
    /// <exception cref="InvalidInputException">It is missing, or something else.</exception>
    public static DataViewSchema.Column Require(DataViewSchema schema, string name)
    {
        var column = schema.GetColumnOrNull(name)
            ?? throw new InvalidInputException($"The data has no column {name}; it has {string.Join(", ", schema.Select(column => column.Name))}.");
        return column.Type is VectorDataViewType { Size: > 0 } vector && vector.ItemType == NumberDataViewType.Single
            ? column
            : throw new InvalidInputException($"Column {name} holds {column.Type}; a vector of Single of known size is needed.");
    }

    /// <summary>The column <paramref name="name"/>: a float32 vector of <paramref name="features"/> values.</summary>
    /// <exception cref="InvalidInputException">It is missing, or something else.</exception>
    public static DataViewSchema.Column Require(DataViewSchema schema, string name, int features)
    {
        var column = Require(schema, name);
        return Size(column) == features
            ? column
            : throw new InvalidInputException($"Column {name} has vectors of {Size(column)} values for {features} features.");
    }

    public static int Size(DataViewSchema.Column column) => ((VectorDataViewType)column.Type).Size;
}
