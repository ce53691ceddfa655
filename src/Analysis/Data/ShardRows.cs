using System.Security.Cryptography;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Data;

/// <summary>The samples of a dataset folder. One shard is in memory at a time, besides those that the cache keeps.</summary>
/// <param name="shards">Where shards come from.</param>
internal sealed class ShardRows(ShardCache shards) : ISampleRows
{
    private int _shard = -1;
    private int _row = -1;
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

    public int Read(Span<float> destination, int features)
    {
        int wanted = destination.Length / features;
        int done = 0;
        while (done < wanted && Next(wanted - done) is > 0 and var count)
        {
            SampleBlock.Unpack(_matrix!, _row - count + 1, count, destination[(done * features)..], features);
            done += count;
        }

        return done;
    }

    public int Take(SampleBlock block, int rows, int features)
    {
        int done = 0;
        while (done < rows && Next(rows - done) is > 0 and var count)
        {
            block.Add(_matrix!, _row - count + 1, count);
            done += count;
        }

        return done;
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
            throw new InvalidInputException($"{path} does not match its SHA-256 in {DatasetManifest.FileName}: it is truncated or was changed; make it again with `toy generate --force`.");
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

    // Moves past the next rows of one shard, at most so many; returns their number, 0 after the last.
    private int Next(int most)
    {
        while (_row + 1 >= _rows)
        {
            if (!NextShard(before: true))
                return 0;
        }

        int count = Math.Min(most, _rows - _row - 1);
        _row += count;
        return count;
    }

    // Stands on the first row of the next shard, or before it.
    private bool NextShard(bool before = false)
    {
        // The old shard goes before the new one comes, but for samples of it that have yet to be scored.
        _matrix = null;
        _row = 0;
        _rows = 0;
        if (_shard + 1 >= shards.Shards)
        {
            _shard = shards.Shards;
            return false;
        }

        _shard++;
        _matrix = shards.Load(_shard);
        _rows = _matrix.Rows;
        _row = before ? -1 : 0;
        return true;
    }
}
