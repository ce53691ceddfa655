using System.Buffers.Binary;
using Google.Protobuf;
using ToyPipeline.Core;
using Types = ToyPipeline.Export.Onnx.TensorProto.Types.DataType;

namespace ToyPipeline.Export.Onnx;

/// <summary>Reads the values of a stored tensor, of any number type, raw or typed; every claim is checked before memory is taken for it.</summary>
internal static class TensorReader
{
    private const int MaxAxes = 16;

    /// <summary>The tensor as float64; float32 and narrower types are exact.</summary>
    /// <param name="proto">What the file says.</param>
    /// <param name="error">Makes the exception from what is wrong and what to do.</param>
    public static Value Read(TensorProto proto, Func<string, string, InvalidInputException> error)
    {
        string name = Shown.Name(proto.Name);
        if (proto.DataLocation != TensorProto.Types.DataLocation.Default || proto.ExternalData.Count > 0)
            throw error($"{name} lies in another file, and external data is not opened here", "save it with the weights inside (onnx.save(..., save_as_external_data=False))");
        if (Width((Types)proto.DataType) is not { } width)
            throw error($"{name} has ONNX data type {proto.DataType}, which is not read", "convert it to float32");
        Int128 count = 1, room = 1;
        foreach (long size in proto.Dims)
        {
            count *= size;
            // A size of 0 must not hide that the others are too large.
            room *= Math.Max(size, 1);
            if (size is < 0 or > int.MaxValue || room > Array.MaxLength || proto.Dims.Count > MaxAxes)
                throw error($"{name} claims the shape [{Shown.Sizes(proto.Dims)}]", "export it again");
        }

        int typed = proto.FloatData.Count + proto.DoubleData.Count + proto.Int32Data.Count + proto.Int64Data.Count;
        bool raw = proto.HasRawData;
        if (raw && typed > 0)
            throw error($"{name} has its values twice, as raw_data and typed", "export it again");
        Int128 wanted = raw ? count * width : count;
        long held = raw ? proto.RawData.Length : typed;
        if (held != wanted)
            throw error($"{name} of shape [{Shown.Sizes(proto.Dims)}] wants {wanted} {(raw ? "bytes" : "values")} and has {held}", "it may be truncated, so export it again");
        double[] data = raw ? Raw(proto.RawData.Span, (Types)proto.DataType, width) : Typed(proto, error);
        if (!Array.TrueForAll(data, double.IsFinite))
            throw error($"{name} has values that are not finite", "train again, and check the learning rate");
        bool integer = (Types)proto.DataType is not (Types.Float or Types.Double or Types.Float16 or Types.Bfloat16);
        return new Value([.. proto.Dims.Select(size => (int)size)], data, integer);
    }

    /// <summary>Bytes of a value; null of a type that is not read.</summary>
    public static int? Width(Types type) => type switch
    {
        Types.Double or Types.Int64 => 8,
        Types.Float or Types.Int32 => 4,
        Types.Float16 or Types.Bfloat16 or Types.Int16 => 2,
        Types.Bool or Types.Int8 or Types.Uint8 => 1,
        _ => null,
    };

    private static double[] Raw(ReadOnlySpan<byte> bytes, Types type, int width)
    {
        double[] data = new double[bytes.Length / width];
        for (int i = 0; i < data.Length; i++)
        {
            var word = bytes.Slice(i * width, width);
            data[i] = type switch
            {
                Types.Float => BinaryPrimitives.ReadSingleLittleEndian(word),
                Types.Double => BinaryPrimitives.ReadDoubleLittleEndian(word),
                Types.Float16 => (double)BinaryPrimitives.ReadHalfLittleEndian(word),
                Types.Bfloat16 => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadInt16LittleEndian(word) << 16),
                Types.Int64 => BinaryPrimitives.ReadInt64LittleEndian(word),
                Types.Int32 => BinaryPrimitives.ReadInt32LittleEndian(word),
                Types.Int16 => BinaryPrimitives.ReadInt16LittleEndian(word),
                Types.Int8 => (sbyte)word[0],
                _ => word[0],
            };
        }

        return data;
    }

    // 16-bit floats lie as bits in int32_data.
    private static double[] Typed(TensorProto proto, Func<string, string, InvalidInputException> error)
    {
        var type = (Types)proto.DataType;
        return type switch
        {
            Types.Float when proto.FloatData.Count == Held(proto) => [.. proto.FloatData.Select(value => (double)value)],
            Types.Double when proto.DoubleData.Count == Held(proto) => [.. proto.DoubleData],
            Types.Int64 when proto.Int64Data.Count == Held(proto) => [.. proto.Int64Data.Select(value => (double)value)],
            Types.Float16 when proto.Int32Data.Count == Held(proto) => [.. proto.Int32Data.Select(bits => (double)BitConverter.Int16BitsToHalf((short)bits))],
            Types.Bfloat16 when proto.Int32Data.Count == Held(proto) => [.. proto.Int32Data.Select(bits => (double)BitConverter.Int32BitsToSingle(bits << 16))],
            Types.Int32 or Types.Int16 or Types.Int8 or Types.Uint8 or Types.Bool when proto.Int32Data.Count == Held(proto) => [.. proto.Int32Data.Select(value => (double)value)],
            _ => throw error($"{Shown.Name(proto.Name)} has its values in a field of another type", "export it again"),
        };
    }

    private static int Held(TensorProto proto) => proto.FloatData.Count + proto.DoubleData.Count + proto.Int32Data.Count + proto.Int64Data.Count;
}

/// <summary>Words from a foreign file as messages show them: short, and without control characters.</summary>
internal static class Shown
{
    public static string Name(string name) => new([.. name.Take(40).Select(c => char.IsControl(c) ? '?' : c)]);

    public static string Sizes(IEnumerable<long> dims) => string.Join(", ", dims.Take(8));
}
