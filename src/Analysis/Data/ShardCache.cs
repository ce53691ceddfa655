using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Data;

/// <summary>The shards of a dataset folder: checked once, and kept for the next pass as far as they fit. Cursors of a view share it.</summary>
/// <param name="folder">The folder.</param>
/// <param name="manifest">Its manifest.</param>
/// <param name="bytes">Memory that kept shards may take.</param>
internal sealed class ShardCache(string folder, DatasetManifest manifest, long bytes)
{
    private readonly Csr?[] _kept = new Csr?[manifest.Shards.Count];
    private readonly bool[] _verified = new bool[manifest.Shards.Count];
    private readonly Lock _lock = new();
    private long _left = bytes;

    public int Shards => manifest.Shards.Count;

    /// <summary>A shard of the dataset.</summary>
    /// <exception cref="Core.InvalidInputException">The shard is missing, truncated, or not the one that the manifest describes.</exception>
    public Csr Load(int index)
    {
        var shard = manifest.Shards[index];
        bool verified;
        lock (_lock)
        {
            if (_kept[index] is { } kept)
                return kept;
            verified = _verified[index];
        }

        var matrix = verified ? manifest.LoadShard(folder, shard) : ShardRows.Load(folder, manifest, shard);
        long size = (8L * matrix.Entries) + (4L * matrix.Rows);
        lock (_lock)
        {
            _verified[index] = true;
            if (_kept[index] is null && size <= _left)
            {
                _kept[index] = matrix;
                _left -= size;
            }
        }

        return matrix;
    }
}
