namespace ToyPipeline.Core.Formats;

/// <summary>A sparse matrix in compressed sparse rows: one row per sample, one column per feature.</summary>
/// <param name="Columns">Number of columns.</param>
/// <param name="RowStart">Where each row's entries start, length rows + 1; the first is 0.</param>
/// <param name="ColumnIndices">Column of each entry, ascending within a row.</param>
/// <param name="Values">Value of each entry.</param>
public sealed record Csr(int Columns, ReadOnlyMemory<int> RowStart, ReadOnlyMemory<int> ColumnIndices, ReadOnlyMemory<float> Values)
{
    /// <summary>Number of rows.</summary>
    public int Rows => RowStart.Length - 1;

    /// <summary>Number of entries.</summary>
    public int Entries => RowStart.Span[^1];

    /// <summary>Writes row <paramref name="row"/> densely into <paramref name="destination"/>, length <see cref="Columns"/>.</summary>
    public void CopyRow(int row, Span<float> destination)
    {
        destination.Clear();
        var columns = ColumnIndices.Span;
        var values = Values.Span;
        for (int k = RowStart.Span[row]; k < RowStart.Span[row + 1]; k++)
            destination[columns[k]] = values[k];
    }
}
