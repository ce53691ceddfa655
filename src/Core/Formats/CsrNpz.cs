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
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new InvalidInputException($"{path} is no usable .npz file: {e.Message} It may be truncated; generate it again.", e);
        }
    }

    /// <summary>Reads and checks a whole file from a seekable stream; <paramref name="name"/> is what errors call it.</summary>
    /// <exception cref="InvalidInputException">The stream holds no CSR matrix.</exception>
    /// <exception cref="InvalidDataException">The stream is no zip archive.</exception>
    public static Csr Load(Stream stream, string name)
    {
        using var archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
        string format = Encoding.ASCII.GetString(ReadBytes(archive, "format", name)).Trim('\0');
        if (format.Replace("\0", "", StringComparison.Ordinal) != "csr")
            throw Broken(name, $"its format is {format}, not csr");
        int[] shape = ReadIntegers(archive, "shape", name);
        int[] rowStart = ReadIntegers(archive, "indptr", name);
        int[] columns = ReadIntegers(archive, "indices", name);
        float[] values = ReadFloats(archive, "data", name);
        if (shape.Length != 2 || shape[0] != rowStart.Length - 1 || shape[1] < 1)
            throw Broken(name, $"its shape [{string.Join(", ", shape)}] does not fit its {rowStart.Length} row starts");
        if (columns.Length != values.Length || rowStart[0] != 0 || rowStart[^1] != values.Length)
            throw Broken(name, $"its rows end at entry {rowStart[^1]}, with {columns.Length} columns and {values.Length} values");
        for (int row = 0; row < rowStart.Length - 1; row++)
        {
            if (rowStart[row + 1] < rowStart[row] || rowStart[row + 1] > values.Length)
                throw Broken(name, $"row {row} starts at entry {rowStart[row]} and ends at {rowStart[row + 1]}");
            int previous = -1;
            for (int k = rowStart[row]; k < rowStart[row + 1]; k++)
            {
                if (columns[k] <= previous || columns[k] >= shape[1])
                    throw Broken(name, $"row {row} has column {columns[k]} after {previous}; columns must ascend and stay below {shape[1]}");
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

    private static int[] ReadIntegers(ZipArchive archive, string array, string file)
    {
        using var stream = OpenArray(archive, array, file, out string type, out int count);
        return type switch
        {
            "<i4" => ReadValues<int>(stream, count),
            "<i8" => Array.ConvertAll(ReadValues<long>(stream, count), value => value is >= 0 and <= int.MaxValue
                ? (int)value
                : throw Broken(file, $"{array} has the value {value}; 0 to {int.MaxValue} are read")),
            _ => throw Broken(file, $"{array} has {count} values of type {type}; <i4 and <i8 are read"),
        };
    }

    private static float[] ReadFloats(ZipArchive archive, string array, string file)
    {
        using var stream = OpenArray(archive, array, file, out string type, out int count);
        return type switch
        {
            "<f4" => ReadValues<float>(stream, count),
            "<f8" => Array.ConvertAll(ReadValues<double>(stream, count), value => (float)value),
            _ => throw Broken(file, $"{array} has {count} values of type {type}; <f4 and <f8 are read"),
        };
    }

    private static byte[] ReadBytes(ZipArchive archive, string array, string file)
    {
        using var stream = OpenArray(archive, array, file, out string type, out int count);
        return ReadValues<byte>(stream, count * Width(type, array, file));
    }

    // Straight into the array that is kept. Like the format, it is little endian.
    private static T[] ReadValues<T>(Stream stream, int count)
        where T : unmanaged
    {
        var values = new T[count];
        stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private static int Width(string type, string array, string file) =>
        int.TryParse(type.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out int bytes) && bytes is > 0 and <= 16
            ? (type[1] == 'U' ? 4 * bytes : bytes)
            : throw Broken(file, $"{array}.npy has values of type {type}");

    // Reads and checks the header; the stream stands at the data.
    private static Stream OpenArray(ZipArchive archive, string array, string file, out string type, out int count)
    {
        var entry = archive.GetEntry(array + ".npy") ?? throw Broken(file, $"{array}.npy is not in it");
        var stream = entry.Open();
        byte[] start = new byte[12];
        stream.ReadExactly(start, 0, 10);
        if (!start.AsSpan(0, 6).SequenceEqual<byte>([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y']))
            throw Broken(file, $"{array}.npy is no npy array");
        int headerLength = BinaryPrimitives.ReadUInt16LittleEndian(start.AsSpan(8));
        if (start[6] > 1)
        {
            stream.ReadExactly(start, 10, 2);
            headerLength = BinaryPrimitives.ReadInt32LittleEndian(start.AsSpan(8));
        }

        if (headerLength is < 0 or > MaxHeaderBytes)
            throw Broken(file, $"{array}.npy has a header of {headerLength} bytes");
        byte[] header = new byte[headerLength];
        stream.ReadExactly(header);
        string text = Encoding.ASCII.GetString(header);
        var match = Header().Match(text);
        if (!match.Success)
            throw Broken(file, $"{array}.npy has the header {text.Trim()}");
        type = match.Groups["type"].Value;
        long values = 1;
        foreach (string size in match.Groups["shape"].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            values *= long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value < int.MaxValue && values < int.MaxValue ? value : long.MaxValue / Math.Max(1, values);
        // The archive says how much there is: a claim beyond it is refused before memory is taken.
        int width = Width(type, array, file);
        if (values > Array.MaxLength / width || values * width > entry.Length)
            throw Broken(file, $"{array}.npy claims {values} values and holds {entry.Length} bytes");
        count = (int)values;
        return stream;
    }

    private static InvalidInputException Broken(string file, string what) =>
        new($"{file} is no usable CSR matrix: {what}; generate it again, or save it with scipy.sparse.save_npz.");

    [GeneratedRegex(@"'descr':\s*'(?<type>[<|>=][a-zA-Z]\d{1,4})',\s*'fortran_order':\s*(False|True),\s*'shape':\s*\((?<shape>[\d,\s]*)\)", RegexOptions.CultureInvariant)]
    private static partial Regex Header();
}
