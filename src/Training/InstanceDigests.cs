using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Training;

/// <summary>
/// Digests of all that decides what training makes of an instance: version, specification of its cell, training dataset, seed.
/// Where the cell lies in the grid, and what else the experiment holds, is not among it.
/// </summary>
/// <param name="dataset">Digest of the training dataset of a cell that trains from disk.</param>
internal sealed class InstanceDigests(Func<CellSpec, string> dataset)
{
    /// <summary>Characters of one digest: 12 bytes as base64.</summary>
    public const int Length = 16;

    private const int Bytes = Length / 4 * 3;

    // Replicas share their cell's specification.
    private readonly ConcurrentDictionary<CellSpec, byte[]> _cells = new(ReferenceEqualityComparer.Instance);

    /// <summary>The digests of a pack's instances one behind the other, as <see cref="Core.Formats.EnsembleWeights.MadeFrom"/> has them.</summary>
    public string Of(Pack pack)
    {
        byte[] all = new byte[pack.Instances.Count * Bytes];
        byte[] text = new byte[SHA256.HashSizeInBytes + sizeof(ulong)];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        for (int place = 0; place < pack.Instances.Count; place++)
        {
            Cell(pack.Specs[place]).CopyTo(text, 0);
            BinaryPrimitives.WriteUInt64LittleEndian(text.AsSpan(SHA256.HashSizeInBytes), pack.Instances[place].Seed);
            SHA256.HashData(text, hash);
            hash[..Bytes].CopyTo(all.AsSpan(place * Bytes));
        }

        if (pack.Training.Objective == ObjectiveKind.Autograd)
            BindToPack(all);
        _cells.Clear();
        return Base64Url.EncodeToString(all);
    }

    // In eager mode the last digits depend on what else is in the tensors: an instance is the same only in the same pack.
    private static void BindToPack(byte[] all)
    {
        byte[] pack = SHA256.HashData(all);
        for (int at = 0; at < all.Length; at += Bytes)
            SHA256.HashData([.. pack, .. all.AsSpan(at, Bytes)]).AsSpan(0, Bytes).CopyTo(all.AsSpan(at));
    }

    private byte[] Cell(CellSpec spec) => _cells.GetOrAdd(spec, _ => SHA256.HashData(Encoding.UTF8.GetBytes(
        $"{RunFolder.Version}\n{JsonSerializer.Serialize(spec)}\n{(spec.Data.TrainSamples is null ? "" : dataset(spec))}")));
}
