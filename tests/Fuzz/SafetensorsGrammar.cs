using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

using ToyPipeline.Core.Formats;
using ToyPipeline.Export.Import;

namespace ToyPipeline.Fuzz;

/// <summary>Changes the header of safetensors files entry by entry, and tries what is read as a model.</summary>
internal static class SafetensorsGrammar
{
    private static readonly string[] s_types = ["F32", "F64", "F16", "BF16", "I64", "U8", ""];
    private static readonly string[] s_names = ["W", "W1", "W2", "b", "b_final", "weight", "bias", "encoder.weight", "decoder.weight", "decoder.bias", "__metadata__", ""];

    public static FuzzTarget Target { get; } = new("safetensors", Read, Mutate, [Seed("W", "b"), Seed("encoder.weight", "decoder.bias")]);

    private static void Read(byte[] bytes)
    {
        string path = Path.Combine(Path.GetTempPath(), $"toy-fuzz-{Environment.ProcessId}.safetensors");
        Safetensors.Load(new MemoryStream(bytes), "fuzz.safetensors");
        // What is a file is tried as a model too, which takes a path.
        System.IO.File.WriteAllBytes(path, bytes);
        try
        {
            ImportedModel.FromSafetensors(path, new ImportOptions { Name = "fuzz" });
        }
        finally
        {
            System.IO.File.Delete(path);
        }
    }

    private static byte[]? Mutate(byte[] input, byte[] other, Random random)
    {
        if (input.Length < 8 || BinaryPrimitives.ReadInt64LittleEndian(input) is var length && (length < 2 || length > input.Length - 8))
            return null;
        JsonObject? header;
        try
        {
            header = JsonNode.Parse(input.AsSpan(8, (int)length)) as JsonObject;
            if (header is null || header.Count == 0)
                return null;
            Change(header, random);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }

        return File(header.ToJsonString(), input[(8 + (int)length)..]);
    }

    private static void Change(JsonObject header, Random random)
    {
        var (name, entry) = header.ElementAt(random.Next(header.Count));
        switch (random.Next(6))
        {
            case 0 when entry is JsonObject tensor:
                tensor["dtype"] = s_types[random.Next(s_types.Length)];
                break;
            case 1 when entry is JsonObject tensor && tensor["shape"] is JsonArray { Count: > 0 } shape:
                shape[random.Next(shape.Count)] = random.Next(2) == 0 ? ByteMutator.Telling(random) : random.Next(9);
                break;
            case 2 when entry is JsonObject tensor && tensor["data_offsets"] is JsonArray { Count: > 0 } offsets:
                offsets[random.Next(offsets.Count)] = random.Next(2) == 0 ? ByteMutator.Telling(random) : random.Next(200);
                break;
            case 3:
                header.Remove(name);
                header[s_names[random.Next(s_names.Length)]] = entry;
                break;
            case 4:
                header[s_names[random.Next(s_names.Length)]] = entry?.DeepClone();
                break;
            default:
                header["__metadata__"] = new JsonObject { ["format"] = "toypipeline-weights-1", ["kind"] = random.Next(2) == 0 ? "linear" : "none", ["instances"] = random.Next(2) == 0 ? "[]" : "[null]" };
                break;
        }
    }

    private static byte[] Seed(string w, string b)
    {
        using var stream = new MemoryStream();
        new Safetensors { Tensors = new Dictionary<string, Tensor> { [w] = new([3, 2], [1, 2, 3, 4, 5, 6]), [b] = new([3], [7, 8, 9]) } }.Save(stream);
        return stream.ToArray();
    }

    private static byte[] File(string header, byte[] data)
    {
        byte[] text = Encoding.UTF8.GetBytes(header), length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        return [.. length, .. text, .. data];
    }
}
