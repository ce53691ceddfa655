using System.IO.Compression;
using System.Text;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Fuzz;

/// <summary>Changes the arrays inside .npz archives: their headers, their values, which of them are there.</summary>
internal static class NpzGrammar
{
    private static readonly string[] s_arrays = ["indices", "indptr", "format", "shape", "data", "more"];
    private static readonly string[] s_types = ["<f4", "<f8", "<i4", "<i8", ">f4", ">i4", "|S3", "<U3", "|O", "|V8", "<c8", "|b1"];

    public static FuzzTarget Target { get; } = new("npz", bytes => CsrNpz.Load(new MemoryStream(bytes), "fuzz.npz"), Mutate, [Seed()]);

    private static byte[]? Mutate(byte[] input, byte[] other, Random random)
    {
        var parts = new List<(string Name, byte[] Npy)>();
        try
        {
            using var archive = new ZipArchive(new MemoryStream(input));
            foreach (var entry in archive.Entries.Take(8))
            {
                byte[] npy = new byte[Math.Min(entry.Length, 4096)];
                using var stream = entry.Open();
                stream.ReadAtLeast(npy, npy.Length, throwOnEndOfStream: false);
                parts.Add((entry.FullName, npy));
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or ArgumentException or NotSupportedException)
        {
            return null;
        }

        if (parts.Count == 0)
            return null;
        Change(parts, random);
        return Archive(parts, (CompressionLevel)random.Next(4));
    }

    private static void Change(List<(string Name, byte[] Npy)> parts, Random random)
    {
        int at = random.Next(parts.Count);
        var (name, npy) = parts[at];
        switch (random.Next(6))
        {
            case 0:
                parts[at] = (name, ByteMutator.Mutate(npy, npy, random));
                break;
            case 1:
                parts[at] = (s_arrays[random.Next(s_arrays.Length)] + ".npy", npy);
                break;
            case 2:
                parts.RemoveAt(at);
                break;
            case 3:
                parts.Add((name, npy));
                break;
            case 4:
                string shape = random.Next(3) switch { 0 => "()", 1 => $"({ByteMutator.Telling(random)},)", _ => $"({random.Next(5)}, {random.Next(5)})" };
                parts[at] = (name, Npy(s_types[random.Next(s_types.Length)], shape, npy[Math.Min(npy.Length, 128)..], random.Next(2) == 0));
                break;
            default:
                // Another number among the values: where an array's data begins is a matter of its header.
                byte[] changed = [.. npy];
                if (changed.Length > 136)
                    BitConverter.GetBytes(ByteMutator.Telling(random)).CopyTo(changed, 128 + (random.Next((changed.Length - 128) / 4) * 4) is var place && place <= changed.Length - 8 ? place : changed.Length - 8);
                parts[at] = (name, changed);
                break;
        }
    }

    private static byte[] Npy(string type, string shape, byte[] data, bool fortran)
    {
        string header = $"{{'descr': '{type}', 'fortran_order': {(fortran ? "True" : "False")}, 'shape': {shape}, }}".PadRight(117) + "\n";
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8), .. Encoding.ASCII.GetBytes(header), .. data];
    }

    private static byte[] Archive(List<(string Name, byte[] Npy)> parts, CompressionLevel level)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, npy) in parts)
            {
                using var entry = archive.CreateEntry(name.Length == 0 ? "x" : name, level).Open();
                entry.Write(npy);
            }
        }

        return stream.ToArray();
    }

    private static byte[] Seed()
    {
        using var stream = new MemoryStream();
        CsrNpz.Save(new Csr(4, new[] { 0, 2, 2, 3 }, new[] { 1, 3, 0 }, new[] { 0.5f, 1f, 2f }), stream);
        return stream.ToArray();
    }
}
