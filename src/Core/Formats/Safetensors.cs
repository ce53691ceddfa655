using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace ToyPipeline.Core.Formats;

/// <summary>A float32 tensor in memory: row-major values and their shape.</summary>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Values">Row-major values; their number is the product of <paramref name="Shape"/>.</param>
public sealed record Tensor(IReadOnlyList<int> Shape, float[] Values)
{
    /// <summary>Number of values that <paramref name="shape"/> holds.</summary>
    public static long Count(IEnumerable<int> shape) => shape.Aggregate(1L, (product, size) => checked(product * size));
}

/// <summary>A safetensors file: named float32 tensors and text metadata, little endian.</summary>
/// <remarks>
/// Layout: header length (uint64), JSON header, data. Other float types are widened to float32 on reading.
/// What is read is treated as hostile: sizes and offsets are checked before anything is allocated.
/// </remarks>
public sealed class Safetensors
{
    private const int MaxHeaderBytes = 64 << 20;
    private const string MetadataKey = "__metadata__";

    /// <summary>Tensors by name, in the order of the file.</summary>
    public required IReadOnlyDictionary<string, Tensor> Tensors { get; init; }

    /// <summary>Text metadata by key.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>Writes the file whole or not at all. The same content gives the same bytes.</summary>
    /// <inheritdoc cref="AtomicFile.Write" path="/exception"/>
    public void Save(string path) => AtomicFile.Write(path, Save);

    /// <summary>Writes the file's bytes to <paramref name="stream"/>.</summary>
    public void Save(Stream stream)
    {
        foreach (var (name, tensor) in Tensors)
        {
            if (tensor.Values.LongLength != Tensor.Count(tensor.Shape))
                throw new ArgumentException($"Tensor {name} has {tensor.Values.LongLength} values, its shape [{string.Join(", ", tensor.Shape)}] wants {Tensor.Count(tensor.Shape)}.");
        }

        WriteHeader(stream, Tensors.Select(pair => (pair.Key, pair.Value.Shape)), Metadata);
        foreach (var tensor in Tensors.Values)
            WriteLittleEndian(stream, tensor.Values);
    }

    /// <summary>Reads and checks a whole file.</summary>
    /// <exception cref="InvalidInputException">The file is missing, truncated, or not what its header says.</exception>
    public static Safetensors Load(string path)
    {
        if (!File.Exists(path))
            throw new InvalidInputException($"{path} does not exist.");
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            return Load(stream, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Reads and checks a whole file from a seekable stream; <paramref name="name"/> is what errors call it.</summary>
    /// <exception cref="InvalidInputException">The stream is truncated, or not what its header says.</exception>
    public static Safetensors Load(Stream stream, string name)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (stream.ReadAtLeast(prefix, 8, throwOnEndOfStream: false) < 8)
            throw Broken(name, "it is shorter than the 8 bytes of a header length");
        long headerLength = BinaryPrimitives.ReadInt64LittleEndian(prefix);
        long available = stream.Length - stream.Position;
        if (headerLength < 2 || headerLength > available || headerLength > MaxHeaderBytes)
            throw Broken(name, $"its header claims {headerLength.ToString(CultureInfo.InvariantCulture)} bytes, {available} are there and {MaxHeaderBytes} are allowed");
        byte[] header = new byte[headerLength];
        stream.ReadExactly(header);
        long dataStart = stream.Position;
        long dataLength = stream.Length - dataStart;

        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var entries = new List<Entry>();
        try
        {
            if (header[0] != '{')
                throw new JsonException("It does not begin with {.");
            using var json = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            foreach (var property in json.RootElement.EnumerateObject())
            {
                if (property.Name == MetadataKey)
                {
                    foreach (var pair in property.Value.EnumerateObject())
                        metadata[pair.Name] = pair.Value.GetString() ?? "";
                }
                else
                {
                    entries.Add(ReadEntry(property, name, dataLength));
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new InvalidInputException($"{name} is not a safetensors file: its header cannot be read ({e.Message})", e);
        }

        long end = 0;
        foreach (var entry in entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.Begin != end)
                throw Broken(name, $"tensor {Shown(entry.Name)} starts at byte {entry.Begin} of the data where {end} is expected (overlap or gap)");
            end = entry.End;
        }

        if (end != dataLength)
            throw Broken(name, $"its tensors end at byte {end} of {dataLength}: it is truncated or has bytes that belong to no tensor");

        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            stream.Position = dataStart + entry.Begin;
            byte[] bytes = new byte[entry.End - entry.Begin];
            stream.ReadExactly(bytes);
            tensors.Add(entry.Name, new Tensor(entry.Shape, ToSingle(bytes, entry.DType)));
        }

        return new Safetensors { Tensors = tensors, Metadata = metadata };
    }

    /// <summary>Writes length and JSON of the header: metadata, then float32 tensors one behind the other.</summary>
    internal static void WriteHeader(Stream stream, IEnumerable<(string Name, IReadOnlyList<int> Shape)> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var header = new MemoryStream();
        using (var json = new Utf8JsonWriter(header))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject(MetadataKey);
                foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }

            long offset = 0;
            foreach (var (name, shape) in tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", "F32");
                json.WriteStartArray("shape");
                foreach (int size in shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                offset += 4 * Tensor.Count(shape);
                json.WriteNumberValue(offset);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (header.Length % 8 != 0)
            header.WriteByte((byte)' ');

        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        header.WriteTo(stream);
    }

    private readonly record struct Entry(string Name, string DType, int[] Shape, long Begin, long End);

    private static Entry ReadEntry(JsonProperty property, string file, long dataLength)
    {
        string dtype = property.Value.GetProperty("dtype").GetString() ?? "";
        int width = dtype switch
        {
            "F32" => 4,
            "F64" => 8,
            "F16" or "BF16" => 2,
            _ => throw Broken(file, $"tensor {Shown(property.Name)} has type {Shown(dtype)}; F16, BF16, F32 and F64 are read"),
        };
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        long[] offsets = [.. property.Value.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt64())];
        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > dataLength)
            throw Broken(file, $"tensor {Shown(property.Name)} lies at bytes [{string.Join(", ", offsets.Take(8))}] of {dataLength} bytes of data: it is truncated or damaged");
        Int128 bytes = width;
        foreach (long size in shape)
        {
            bytes *= size;
            // Each size by itself too: after a size of 0 the product no longer bounds the others.
            if (size is < 0 or > int.MaxValue || bytes > Array.MaxLength)
                throw Broken(file, $"tensor {Shown(property.Name)} claims the shape [{string.Join(", ", shape.Take(8))}]");
        }

        if (bytes != offsets[1] - offsets[0])
            throw Broken(file, $"tensor {Shown(property.Name)} of shape [{string.Join(", ", shape.Take(8))}] wants {bytes} bytes and has {offsets[1] - offsets[0]}");
        return new Entry(property.Name, dtype, Array.ConvertAll(shape, size => (int)size), offsets[0], offsets[1]);
    }

    private static float[] ToSingle(byte[] bytes, string dtype)
    {
        if (dtype == "F32" && BitConverter.IsLittleEndian)
            return MemoryMarshal.Cast<byte, float>(bytes).ToArray();
        int width = dtype switch { "F32" => 4, "F64" => 8, _ => 2 };
        float[] values = new float[bytes.Length / width];
        for (int i = 0; i < values.Length; i++)
        {
            var span = bytes.AsSpan(i * width, width);
            values[i] = dtype switch
            {
                "F32" => BinaryPrimitives.ReadSingleLittleEndian(span),
                "F64" => (float)BinaryPrimitives.ReadDoubleLittleEndian(span),
                "F16" => (float)BinaryPrimitives.ReadHalfLittleEndian(span),
                _ => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadInt16LittleEndian(span) << 16),
            };
        }

        return values;
    }

    internal static void WriteLittleEndian(Stream stream, ReadOnlySpan<float> values)
    {
        if (BitConverter.IsLittleEndian)
        {
            stream.Write(MemoryMarshal.AsBytes(values));
            return;
        }

        byte[] word = new byte[4];
        foreach (float value in values)
        {
            BinaryPrimitives.WriteSingleLittleEndian(word, value);
            stream.Write(word);
        }
    }

    // Names from a foreign file go into messages: short, and without control characters.
    private static string Shown(string name) => new([.. name.Take(60).Select(c => char.IsControl(c) ? '?' : c)]);

    private static InvalidInputException Broken(string file, string what) =>
        new($"{file} is not a usable safetensors file: {what}.");
}
