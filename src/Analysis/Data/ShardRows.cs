using System.Security.Cryptography;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Data;

/// <summary>The samples of a dataset folder. One shard is in memory at a time.</summary>
internal sealed class ShardRows(string folder, DatasetManifest manifest) : ISampleRows
{
    private int _shard = -1;
    private int _row;
    private int _rows;
    private Csr? _matrix;
    private int _start;
    private int _end;

    public ReadOnlySpan<int> Columns => _matrix!.ColumnIndices.Span[_start.._end];

    public ReadOnlySpan<float> Values => _matrix!.Values.Span[_start.._end];

    public bool MoveNext()
    {
        if (++_row >= _rows && !NextShard())
            return false;
        var rowStart = _matrix!.RowStart.Span;
        _start = rowStart[_row];
        _end = rowStart[_row + 1];
        return true;
    }

    public void Dispose() => _matrix = null;

    /// <summary>Reads a shard and checks its digest, its shape and every row.</summary>
    /// <exception cref="InvalidInputException">The shard is missing, truncated, or not the one that the manifest describes.</exception>
    public static Csr Load(string folder, DatasetManifest manifest, DatasetShard shard)
    {
        string path = Path.Combine(folder, shard.File);
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message} Generate the dataset again.", e);
        }

        if (Convert.ToHexStringLower(SHA256.HashData(bytes)) != shard.Sha256)
            throw new InvalidInputException($"{path} does not match its SHA-256 in {DatasetManifest.FileName}: it is truncated or was changed; generate the dataset again.");
        Csr matrix;
        try
        {
            matrix = CsrNpz.Load(new MemoryStream(bytes, writable: false), path);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw new InvalidInputException($"{path} is no usable .npz file: {e.Message} Generate the dataset again.", e);
        }

        return matrix.Rows == shard.Samples && matrix.Columns == manifest.Features
            ? matrix
            : throw new InvalidInputException(
                $"{path} has {matrix.Rows} samples of {matrix.Columns} features where {DatasetManifest.FileName} says {shard.Samples} of {manifest.Features}; generate the dataset again.");
    }

    private bool NextShard()
    {
        // The old shard goes before the new one comes: never two at once.
        _matrix = null;
        _row = 0;
        _rows = 0;
        if (_shard + 1 >= manifest.Shards.Count)
        {
            _shard = manifest.Shards.Count;
            return false;
        }

        _matrix = Load(folder, manifest, manifest.Shards[++_shard]);
        _rows = _matrix.Rows;
        return true;
    }
}
