using Microsoft.ML;
using Microsoft.ML.Data;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Data;

/// <summary>Samples as dense batches: whole blocks of rows written into one array, in order.</summary>
public sealed class SampleBatches : IDisposable
{
    private readonly IDisposable _source;
    private readonly ReadRows _read;
    private readonly ISampleRows? _rows;

    private SampleBatches(int features, IDisposable source, ReadRows read)
    {
        Features = features;
        _source = source;
        _read = read;
    }

    private SampleBatches(int features, ISampleRows rows)
    {
        Features = features;
        _source = _rows = rows;
        _read = rows.Read;
    }

    private delegate int ReadRows(Span<float> destination, int features);

    /// <summary>n, the length of a row.</summary>
    public int Features { get; }

    /// <summary>The samples of a dataset folder.</summary>
    /// <inheritdoc cref="DatasetCatalog.LoadFromDataset" path="/exception"/>
    public static SampleBatches Open(string folder)
    {
        var manifest = DatasetManifest.Load(folder);
        return new SampleBatches(manifest.Features, new ShardRows(new ShardCache(folder, manifest, bytes: 0)));
    }

    /// <summary>The samples of a vector column, dense or sparse, of known size.</summary>
    /// <exception cref="InvalidInputException">The column is missing, or no float32 vector of known size.</exception>
    public static SampleBatches Open(IDataView data, string column = DatasetCatalog.FeaturesColumn)
    {
        ArgumentNullException.ThrowIfNull(data);
        // Our own datasets need no detour through vectors of their own.
        if (data is SampleDataView view && column == DatasetCatalog.FeaturesColumn)
            return new SampleBatches(view.Features, view.Open());

        var source = VectorColumn.Require(data.Schema, column);
        int features = VectorColumn.Size(source);
        var cursor = data.GetRowCursor([source]);
        var getter = cursor.GetGetter<VBuffer<float>>(source);
        var buffer = default(VBuffer<float>);
        return new SampleBatches(features, cursor, (destination, size) =>
        {
            int rows = destination.Length / size;
            for (int row = 0; row < rows; row++)
            {
                if (!cursor.MoveNext())
                    return row;
                getter(ref buffer);
                buffer.CopyTo(destination.Slice(row * size, size));
            }

            return rows;
        });
    }

    /// <summary>Writes the next rows into <paramref name="destination"/>, as many as fit: [rows, features].</summary>
    /// <returns>Number of rows written; fewer than fit only at the end, then 0.</returns>
    /// <exception cref="InvalidInputException">The data is damaged.</exception>
    public int Read(Span<float> destination) => _read(destination, Features);

    /// <summary>Gives the next rows to a block, at most <paramref name="rows"/>; returns their number.</summary>
    /// <exception cref="InvalidInputException">The data is damaged.</exception>
    internal int Take(SampleBlock block, int rows) => _rows?.Take(block, rows, Features) ?? _read(block.Dense(rows), Features);

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();
}
