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
/// Digests of all that decides what training makes of an instance: code, specification of its cell, training dataset, seed.
/// Where the cell lies in the grid, and what else the experiment holds, is not among it.
/// </summary>
/// <param name="dataset">Digest of the training dataset of a cell that trains from disk.</param>
internal sealed class InstanceDigests(Func<CellSpec, string> dataset)
{
    /// <summary>Characters of one digest: 12 bytes as base64.</summary>
    private const int Length = 16;

    private const int Bytes = Length / 4 * 3;

    /// <summary>Digest of the code that trains here.</summary>
    public static string Code => StageCode.Of(typeof(InstanceDigests));

    // Replicas share their cell's specification.
    private readonly ConcurrentDictionary<CellSpec, byte[]> _cells = new(ReferenceEqualityComparer.Instance);

    /// <summary>The digests of the code and of a pack's instances one behind the other, as <see cref="Core.Formats.EnsembleWeights.MadeFrom"/> has them.</summary>
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
        return Code + Base64Url.EncodeToString(all);
    }

    /// <summary>Whether <paramref name="madeFrom"/> is of this form.</summary>
    /// <param name="madeFrom">What a file says.</param>
    /// <param name="instances">Number of its instances.</param>
    public static bool AreOf(string madeFrom, int instances) => madeFrom.Length == StageCode.Length + (instances * Length);

    /// <summary>Whether the code that trains here made what <paramref name="madeFrom"/> describes.</summary>
    public static bool AreOfThisCode(string madeFrom) => madeFrom.StartsWith(Code, StringComparison.Ordinal);

    /// <summary>The digest of the instance at <paramref name="place"/> of a pack.</summary>
    public static string At(string madeFrom, int place) => madeFrom.Substring(StageCode.Length + (place * Length), Length);

    // In eager mode the last digits depend on what else is in the tensors: an instance is the same only in the same pack.
    private static void BindToPack(byte[] all)
    {
        byte[] pack = SHA256.HashData(all);
        for (int at = 0; at < all.Length; at += Bytes)
            SHA256.HashData([.. pack, .. all.AsSpan(at, Bytes)]).AsSpan(0, Bytes).CopyTo(all.AsSpan(at));
    }

    private byte[] Cell(CellSpec spec) => _cells.GetOrAdd(spec, _ => SHA256.HashData(Encoding.UTF8.GetBytes(
        $"{JsonSerializer.Serialize(spec)}\n{(spec.Data.TrainSamples is null ? "" : dataset(spec))}")));
}
