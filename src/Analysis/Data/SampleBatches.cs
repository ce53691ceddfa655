using Microsoft.ML;
using Microsoft.ML.Data;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Data;

/// <summary>Samples as dense batches: whole blocks of rows written into one array, in order.</summary>
public sealed class SampleBatches : IDisposable
{
    private readonly IDisposable _source;
    private readonly Func<Span<float>, bool> _next;

    private SampleBatches(int features, IDisposable source, Func<Span<float>, bool> next)
    {
        Features = features;
        _source = source;
        _next = next;
    }

    /// <summary>n, the length of a row.</summary>
    public int Features { get; }

    /// <summary>The samples of a dataset folder.</summary>
    /// <inheritdoc cref="DatasetCatalog.LoadFromDataset" path="/exception"/>
    public static SampleBatches Open(string folder)
    {
        var manifest = DatasetManifest.Load(folder);
        return From(manifest.Features, new ShardRows(folder, manifest));
    }

    /// <summary>The samples of a vector column, dense or sparse, of known size.</summary>
    /// <exception cref="InvalidInputException">The column is missing, or no float32 vector of known size.</exception>
    public static SampleBatches Open(IDataView data, string column = DatasetCatalog.FeaturesColumn)
    {
        ArgumentNullException.ThrowIfNull(data);
        // Our own datasets need no detour through vectors of their own.
        if (data is SampleDataView view && column == DatasetCatalog.FeaturesColumn)
            return From(view.Features, view.Open());
        var source = VectorColumn.Require(data.Schema, column);
        int features = VectorColumn.Size(source);
        var cursor = data.GetRowCursor([source]);
        var getter = cursor.GetGetter<VBuffer<float>>(source);
        var buffer = default(VBuffer<float>);
        return new SampleBatches(features, cursor, row =>
        {
            if (!cursor.MoveNext())
                return false;
            getter(ref buffer);
            buffer.CopyTo(row);
            return true;
        });
    }

    /// <summary>Writes the next rows into <paramref name="destination"/>, as many as fit: [rows, features].</summary>
    /// <returns>Number of rows written; fewer than fit only at the end, then 0.</returns>
    /// <exception cref="InvalidInputException">The data is damaged.</exception>
    public int Read(Span<float> destination)
    {
        int rows = destination.Length / Features;
        for (int row = 0; row < rows; row++)
        {
            if (!_next(destination.Slice(row * Features, Features)))
                return row;
        }

        return rows;
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();

    private static SampleBatches From(int features, ISampleRows rows) => new(features, rows, row =>
    {
        if (!rows.MoveNext())
            return false;
        row.Clear();
        var columns = rows.Columns;
        var values = rows.Values;
        for (int k = 0; k < columns.Length; k++)
            row[columns[k]] = values[k];
        return true;
    });
}
