using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace ToyPipeline.Core.Formats;

/// <summary>Reads and writes <see cref="Csr"/> in the .npz layout of <c>scipy.sparse.save_npz</c>: an archive of npy arrays.</summary>
/// <remarks>
/// Written: uncompressed, float32 data, int32 indices. Read: compressed too, float64 data and int64 indices as well.
/// What is read is treated as hostile: shapes and sizes are checked before anything is allocated.
/// </remarks>
public static partial class CsrNpz
{
    private const int MaxHeaderBytes = 1 << 16;

    // A byte of deflate stands for at most 1,032 bytes (RFC 1951: 258 bytes in two bits).
    private const int MaxDeflateRatio = 1032;

    // What arrays may unpack to: a file that is packed more tightly than samples can be is a bomb.
    private const long LeastUnpacked = 256L << 20;
    private const int MaxPacking = 100;

    private static readonly DateTimeOffset s_zipEpoch = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes the file's bytes to <paramref name="stream"/>; the same matrix gives the same bytes.</summary>
    public static void Save(Csr matrix, Stream stream)
    {
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        WriteArray(archive, "indices", "<i4", [matrix.ColumnIndices.Length], MemoryMarshal.AsBytes(matrix.ColumnIndices.Span));
        WriteArray(archive, "indptr", "<i4", [matrix.RowStart.Length], MemoryMarshal.AsBytes(matrix.RowStart.Span));
        WriteArray(archive, "format", "|S3", [], "csr"u8);
        long[] shape = [matrix.Rows, matrix.Columns];
        WriteArray(archive, "shape", "<i8", [2], MemoryMarshal.AsBytes(shape.AsSpan()));
        WriteArray(archive, "data", "<f4", [matrix.Values.Length], MemoryMarshal.AsBytes(matrix.Values.Span));
    }

    /// <summary>Reads and checks a whole file.</summary>
    /// <exception cref="InvalidInputException">The file is missing, truncated, or no CSR matrix.</exception>
    public static Csr Load(string path)
    {
        if (!File.Exists(path))
            throw new InvalidInputException($"{path} does not exist.");
        try
        {
            using var stream = File.OpenRead(path);
            return Load(stream, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Reads and checks a whole file from a seekable stream; <paramref name="name"/> is what errors call it.</summary>
    /// <exception cref="InvalidInputException">The stream is truncated, or holds no CSR matrix.</exception>
    public static Csr Load(Stream stream, string name)
    {
        try
        {
            long room = Math.Max(LeastUnpacked, stream.Length * MaxPacking);
            using var archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            return Load(archive, name, ref room);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            // What ZipArchive throws for archives that are cut short, damaged or compressed in an unknown way.
            throw new InvalidInputException($"{name} is no usable .npz file: {e.Message} It may be truncated; generate it again.", e);
        }
    }

    private static Csr Load(ZipArchive archive, string name, ref long room)
    {
        string format = Encoding.ASCII.GetString(ReadArray(archive, "format", name, ref room, out _)).Replace("\0", "", StringComparison.Ordinal);
        if (format != "csr")
            throw Broken(name, $"its format is {format}, not csr");
        int[] shape = ReadIntegers(archive, "shape", name, ref room);
        int[] rowStart = ReadIntegers(archive, "indptr", name, ref room);
        int[] columns = ReadIntegers(archive, "indices", name, ref room);
        float[] values = ReadFloats(archive, "data", name, ref room);
        if (shape.Length != 2 || rowStart.Length == 0 || shape[0] != rowStart.Length - 1 || shape[1] < 1)
            throw Broken(name, $"its shape [{string.Join(", ", shape.Take(8))}] does not fit its {rowStart.Length} row starts");
        if (columns.Length != values.Length || rowStart[0] != 0 || rowStart[^1] != values.Length)
            throw Broken(name, $"its rows go from entry {rowStart[0]} to {rowStart[^1]}, with {columns.Length} columns and {values.Length} values");
        for (int row = 0; row < rowStart.Length - 1; row++)
        {
            if (rowStart[row + 1] < rowStart[row] || rowStart[row + 1] > values.Length)
                throw Broken(name, $"row {row} starts at entry {rowStart[row]} and ends at {rowStart[row + 1]}");
            int previous = -1;
            for (int k = rowStart[row]; k < rowStart[row + 1]; k++)
            {
                if (columns[k] <= previous || columns[k] >= shape[1])
                    throw Broken(name, $"row {row} has column {columns[k]} after {previous}; columns must ascend (x.sum_duplicates() in scipy) and stay below {shape[1]}");
                if (!float.IsFinite(values[k]))
                    throw Broken(name, $"row {row}, column {columns[k]} is {values[k]}; values must be finite");
                previous = columns[k];
            }
        }

        return new Csr(shape[1], rowStart, columns, values);
    }

    private static void WriteArray(ZipArchive archive, string name, string type, ReadOnlySpan<int> shape, ReadOnlySpan<byte> data)
    {
        var entry = archive.CreateEntry(name + ".npy", CompressionLevel.NoCompression);
        entry.LastWriteTime = s_zipEpoch;
        using var stream = entry.Open();
        string dimensions = shape.Length switch { 0 => "()", 1 => $"({shape[0]},)", _ => throw new ArgumentException("At most one dimension is written.", nameof(shape)) };
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': {dimensions}, }}";
        // The data starts at a multiple of 64 bytes: magic and version 8, length 2, header, newline.
        header = header.PadRight(((10 + header.Length + 1 + 63) / 64 * 64) - 11) + "\n";
        Span<byte> start = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0, 0, 0];
        BinaryPrimitives.WriteUInt16LittleEndian(start[8..], (ushort)header.Length);
        stream.Write(start);
        stream.Write(Encoding.ASCII.GetBytes(header));
        stream.Write(data);
    }

    private static int[] ReadIntegers(ZipArchive archive, string array, string file, ref long room)
    {
        byte[] data = ReadArray(archive, array, file, ref room, out string type);
        return type switch
        {
            "<i4" => MemoryMarshal.Cast<byte, int>(data).ToArray(),
            "<i8" => Narrow(MemoryMarshal.Cast<byte, long>(data), array, file),
            _ => throw Broken(file, $"{array} has the type {type}; <i4 and <i8 are read"),
        };
    }

    private static int[] Narrow(ReadOnlySpan<long> values, string array, string file)
    {
        int[] narrow = new int[values.Length];
        for (int i = 0; i < narrow.Length; i++)
            narrow[i] = values[i] is >= int.MinValue and <= int.MaxValue ? (int)values[i] : throw Broken(file, $"{array} holds {values[i]}, which needs more than 32 bits");
        return narrow;
    }

    private static float[] ReadFloats(ZipArchive archive, string array, string file, ref long room)
    {
        byte[] data = ReadArray(archive, array, file, ref room, out string type);
        return type switch
        {
            "<f4" => MemoryMarshal.Cast<byte, float>(data).ToArray(),
            "<f8" => Array.ConvertAll(MemoryMarshal.Cast<byte, double>(data).ToArray(), value => (float)value),
            _ => throw Broken(file, $"{array} has the type {type}; <f4 and <f8 are read"),
        };
    }

    private static byte[] ReadArray(ZipArchive archive, string array, string file, ref long room, out string type)
    {
        var entries = archive.Entries.Where(entry => entry.FullName == array + ".npy").ToList();
        if (entries.Count != 1)
            throw Broken(file, entries.Count == 0 ? $"{array}.npy is not in it" : $"{array}.npy is in it {entries.Count} times");
        using var stream = entries[0].Open();
        var header = ReadHeader(stream, array, file);
        type = header.Groups["type"].Value;
        int width = int.TryParse(type.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out int size) && size is > 0 and <= 16
            ? (type[1] == 'U' ? 4 * size : size)
            : throw Broken(file, $"{array}.npy has values of type {type}");

        // One axis at most: the order of its values is then the same whether fortran_order is True or False.
        string shape = header.Groups["shape"].Value;
        string[] sizes = shape.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        long count = 1;
        if (sizes.Length > 1 || (sizes.Length == 1 && !long.TryParse(sizes[0], NumberStyles.None, CultureInfo.InvariantCulture, out count)))
            throw Broken(file, $"{array}.npy has the shape ({shape}); at most one axis is read");

        // A claim is refused before memory is taken for it: against what the archive says, and against what its bytes can hold.
        long most = Math.Min(entries[0].Length, (entries[0].CompressedLength + 1) * MaxDeflateRatio);
        if (count > Array.MaxLength / width || count * width > most)
            throw Broken(file, $"{array}.npy claims {count} values of {width} bytes and can hold {most} bytes");
        if ((room -= count * width) < 0)
            throw Broken(file, "its arrays unpack to far more than a file of this size can hold of samples");
        byte[] data = new byte[count * width];
        stream.ReadExactly(data);
        return data;
    }

    private static Match ReadHeader(Stream stream, string array, string file)
    {
        byte[] start = new byte[12];
        stream.ReadExactly(start, 0, 10);
        if (!start.AsSpan(0, 6).SequenceEqual<byte>([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y']))
            throw Broken(file, $"{array}.npy is no npy array");
        int length = BinaryPrimitives.ReadUInt16LittleEndian(start.AsSpan(8));
        if (start[6] > 1)
        {
            stream.ReadExactly(start, 10, 2);
            length = BinaryPrimitives.ReadInt32LittleEndian(start.AsSpan(8));
        }

        if (length is < 0 or > MaxHeaderBytes)
            throw Broken(file, $"{array}.npy has a header of {length} bytes");
        byte[] header = new byte[length];
        stream.ReadExactly(header);
        string text = Encoding.ASCII.GetString(header);
        var match = Header().Match(text);
        return match.Success ? match : throw Broken(file, $"{array}.npy has the header {text.Trim()[..Math.Min(text.Trim().Length, 200)]}");
    }

    private static InvalidInputException Broken(string file, string what) =>
        new($"{file} is no usable CSR matrix: {what}; generate it again, or save it with scipy.sparse.save_npz.");

    [GeneratedRegex(@"'descr':\s*'(?<type>[<|>=][a-zA-Z]\d{1,4})',\s*'fortran_order':\s*(False|True),\s*'shape':\s*\((?<shape>[\d,\s]*)\)", RegexOptions.CultureInvariant)]
    private static partial Regex Header();
}
