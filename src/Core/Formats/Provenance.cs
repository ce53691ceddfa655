using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ToyPipeline.Core.Formats;

/// <summary>How a file of a pack says what it was made from, so that a command that goes on after another knows it again.</summary>
/// <remarks>
/// Metadata: <c>made_from</c>, the digest of the code (16 characters, hexadecimal) and of each instance in turn (16 characters of base64), and <c>content</c>, the SHA-256 of the tensors' values:
/// a file that somebody changed since is no longer what training made.
/// </remarks>
internal static class Provenance
{
    private const string MadeFromKey = "made_from";
    private const string ContentKey = "content";

    /// <summary>Adds both to the metadata of a file, unless <paramref name="madeFrom"/> is empty.</summary>
    public static void Add(Dictionary<string, string> metadata, string madeFrom, IReadOnlyDictionary<string, Tensor> tensors)
    {
        if (madeFrom.Length == 0)
            return;
        metadata[MadeFromKey] = madeFrom;
        metadata[ContentKey] = Content(tensors);
    }

    /// <summary>What a file was made from; empty where it does not say, or has other values by now.</summary>
    public static string Of(Safetensors file) =>
        file.Metadata.TryGetValue(MadeFromKey, out string? madeFrom) && file.Metadata.GetValueOrDefault(ContentKey) == Content(file.Tensors) ? madeFrom : "";

    // By name: other programs write the tensors in an order of their own.
    private static string Content(IReadOnlyDictionary<string, Tensor> tensors)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (_, tensor) in tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            digest.AppendData(MemoryMarshal.AsBytes(tensor.Values.AsSpan()));
        return Convert.ToHexStringLower(digest.GetHashAndReset());
    }
}
