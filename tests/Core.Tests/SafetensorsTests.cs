using System.Buffers.Binary;
using System.Text;
using CsCheck;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Core.Tests;

public class SafetensorsTests
{
    private static readonly Gen<Tensor> s_tensor =
        from shape in Gen.Int[0, 4].Array[0, 3]
        from values in Gen.Float.Array[shape.Aggregate(1, (product, size) => product * size)]
        select new Tensor(shape, values);

    [Test]
    public void What_is_written_is_read_back_bit_by_bit() =>
        Gen.Select(Gen.Dictionary(Gen.String.AlphaNumeric, s_tensor)[0, 4], Gen.Dictionary(Gen.String, Gen.String)[0, 3]).Sample((tensors, metadata) =>
        {
            // Lone surrogates have no UTF-8: they are no text.
            metadata = metadata.Where(pair => IsText(pair.Key) && IsText(pair.Value)).ToDictionary();
            var read = Load(Bytes(new Safetensors { Tensors = tensors, Metadata = metadata }));
            Assert.That(read.Metadata, Is.EquivalentTo(metadata));
            Assert.That(read.Tensors.Keys, Is.EqualTo(tensors.Keys));
            foreach (var (name, tensor) in tensors)
            {
                Assert.That(read.Tensors[name].Shape, Is.EqualTo(tensor.Shape));
                Assert.That(read.Tensors[name].Values.Select(BitConverter.SingleToInt32Bits), Is.EqualTo(tensor.Values.Select(BitConverter.SingleToInt32Bits)));
            }
        });

    [Test]
    public void The_bytes_of_a_small_file_are_known()
    {
        byte[] bytes = Bytes(new Safetensors
        {
            Tensors = new Dictionary<string, Tensor> { ["W"] = new([1, 2, 1], [1f, -2f]), ["b"] = new([1, 2], [0.5f, 0f]) },
            Metadata = new Dictionary<string, string> { ["kind"] = "linear" },
        });
        string header = Encoding.UTF8.GetString(bytes, 8, bytes.Length - 8 - 16);
        Assert.That(BinaryPrimitives.ReadInt64LittleEndian(bytes), Is.EqualTo(header.Length));
        Assert.That(header.Length % 8, Is.Zero);
        Assert.That(header.TrimEnd(' '), Is.EqualTo(
            """{"__metadata__":{"kind":"linear"},"W":{"dtype":"F32","shape":[1,2,1],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]}}"""));
        Assert.That(Convert.ToHexStringLower(bytes.AsSpan(bytes.Length - 16)), Is.EqualTo("0000803f000000c00000003f00000000"));
    }

    [Test]
    public void Slices_in_any_order_give_the_bytes_of_the_whole()
    {
        var metadata = new Dictionary<string, string> { ["kind"] = "linear" };
        byte[] whole = Bytes(new Safetensors { Tensors = new Dictionary<string, Tensor> { ["W"] = new([2, 3], [1, 2, 3, 4, 5, 6]), ["b"] = new([2], [7, 8]) }, Metadata = metadata });
        using var stream = new MemoryStream();
        var writer = new SafetensorsWriter(stream, [("W", [2, 3]), ("b", [2])], metadata);
        writer.Write("b", 1, [8]);
        writer.Write("W", 1, [4, 5, 6]);
        writer.Write("W", 0, [1, 2, 3]);
        Assert.That(writer.Complete, Throws.InvalidOperationException);
        Assert.That(() => writer.Write("b", 2, [0]), Throws.ArgumentException);
        Assert.That(() => writer.Write("W", 0, [0]), Throws.ArgumentException);
        writer.Write("b", 0, [7]);
        writer.Complete();
        Assert.That(stream.ToArray(), Is.EqualTo(whole));
    }

    [Test]
    public void Wider_and_narrower_floats_are_read()
    {
        byte[] data = new byte[8 + 2 + 2];
        BinaryPrimitives.WriteDoubleLittleEndian(data, 0.1);
        BinaryPrimitives.WriteHalfLittleEndian(data.AsSpan(8), (Half)(-1.5));
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(10), 0x4049);
        var file = Load(File(
            """{"d":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"h":{"dtype":"F16","shape":[1],"data_offsets":[8,10]},"bf":{"dtype":"BF16","shape":[1],"data_offsets":[10,12]}}""", data));
        Assert.That(file.Tensors["d"].Values, Is.EqualTo(new[] { 0.1f }));
        Assert.That(file.Tensors["h"].Values, Is.EqualTo(new[] { -1.5f }));
        Assert.That(file.Tensors["bf"].Values, Is.EqualTo(new[] { 3.140625f }));
    }

    [Test]
    public void An_empty_tensor_may_share_its_place_with_the_next_one()
    {
        var file = Load(File("""{"full":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"empty":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}""", new byte[4]));
        Assert.That(file.Tensors["empty"].Values, Is.Empty);
    }

    [TestCase("""{"W":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "overlap", TestName = "Overlapping tensors")]
    [TestCase("""{"W":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "overlap", TestName = "Two tensors in one place")]
    [TestCase("""{"W":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "gap", TestName = "A gap before the first tensor")]
    [TestCase("""{"W":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8, "belong to no tensor", TestName = "Bytes after the last tensor")]
    [TestCase("""{"W":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4, "truncated", TestName = "Truncated data")]
    [TestCase("""{"W":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "wants 12 bytes", TestName = "A shape larger than its bytes")]
    [TestCase("""{"W":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "claims the shape", TestName = "A shape whose product overflows to 0")]
    [TestCase("""{"W":{"dtype":"F32","shape":[0,4611686018427387904],"data_offsets":[0,0]}}""", 0, "claims the shape", TestName = "A huge size behind a size of 0")]
    [TestCase("""{"W":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}""", 4, "claims the shape", TestName = "Negative sizes")]
    [TestCase("""{"W":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 4, "lies at bytes", TestName = "A negative offset")]
    [TestCase("""{"W":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "lies at bytes", TestName = "Offsets in the wrong order")]
    [TestCase("""{"W":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", 4, "lies at bytes", TestName = "One offset")]
    [TestCase("""{"W":{"dtype":"F32","shape":[1],"data_offsets":[0,1e30]}}""", 4, "header cannot be read", TestName = "An offset beyond 64 bits")]
    [TestCase("""{"W":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "header cannot be read", TestName = "A fractional size")]
    [TestCase("""{"W":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}""", 8, "type I64", TestName = "A type that is not read")]
    [TestCase("""{"W":{"shape":[1],"data_offsets":[0,4]}}""", 4, "header cannot be read", TestName = "No type")]
    [TestCase("""{"W":null}""", 0, "header cannot be read", TestName = "A tensor that is null")]
    [TestCase("""{"W":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"W":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "header cannot be read", TestName = "Duplicate names")]
    [TestCase("""{"W":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0057":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "header cannot be read", TestName = "Duplicate names, one of them escaped")]
    [TestCase("""{"__metadata__":{"a":1}}""", 0, "header cannot be read", TestName = "Metadata that is no text")]
    [TestCase("""{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "header cannot be read", TestName = "A name that is no Unicode")]
    [TestCase("""[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]""", 0, "header cannot be read", TestName = "Deep nesting")]
    [TestCase("""  []""", 0, "header cannot be read", TestName = "A header that is no object")]
    [TestCase("""{"W":""", 0, "header cannot be read", TestName = "A header that breaks off")]
    public void Damage_is_refused(string header, int dataBytes, string saying) =>
        Assert.That(() => Load(File(header, new byte[dataBytes])), Throws.TypeOf<InvalidInputException>().With.Message.Contains(saying).And.Message.Contains("test.safetensors"));

    [TestCase(new byte[0])]
    [TestCase(new byte[] { 1, 2, 3 })]
    [TestCase(new byte[] { 255, 255, 255, 255, 255, 255, 255, 127, 123, 125 })]
    [TestCase(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255, 123, 125 })]
    [TestCase(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0 })]
    public void Headers_that_are_not_there_are_refused(byte[] bytes) =>
        Assert.That(() => Load(bytes), Throws.TypeOf<InvalidInputException>());

    [Test]
    public void A_header_of_100_MB_is_refused_before_it_is_read()
    {
        string path = Path.GetTempFileName();
        try
        {
            // A file with a hole: the bytes are there, and take no disk.
            using (var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite))
            {
                file.SetLength(100_000_008);
                file.Write(BitConverter.GetBytes(100_000_000L));
                file.Write("{\"W\":"u8);
            }

            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.That(() => Safetensors.Load(path), Throws.TypeOf<InvalidInputException>().With.Message.Contains("header claims 100000000 bytes"));
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1_000_000));
        }
        finally
        {
            System.IO.File.Delete(path);
        }
    }

    [Test]
    public void A_name_is_shown_short_and_without_control_characters()
    {
        string name = "\\u001b[31m" + new string('x', 100_000);
        var refused = Assert.Throws<InvalidInputException>(() => Load(File($$$"""{"{{{name}}}":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}""", new byte[8])));
        Assert.That(refused!.Message, Does.Contain("tensor ?[31mxxx").And.Length.LessThan(300));
    }

    [Test]
    public void Whatever_is_cut_off_is_missed()
    {
        byte[] bytes = Sample();
        for (int length = 0; length < bytes.Length; length++)
            Assert.That(() => Load(bytes[..length]), Throws.TypeOf<InvalidInputException>(), $"{length} bytes");
    }

    [Test]
    public void Changed_bytes_give_a_file_or_an_error_and_nothing_else()
    {
        byte[] bytes = Sample();
        Gen.Select(Gen.Int[0, bytes.Length - 1], Gen.Byte).Array[1, 4].Sample(changes =>
        {
            byte[] changed = [.. bytes];
            foreach (var (place, value) in changes)
                changed[place] = value;
            try
            {
                Load(changed);
            }
            catch (InvalidInputException)
            {
                // A sentence is what the user is owed.
            }
        });
    }

    [Test]
    public void A_tensor_that_does_not_fill_its_shape_is_not_written() =>
        Assert.That(() => Bytes(new Safetensors { Tensors = new Dictionary<string, Tensor> { ["W"] = new([2, 2], [1f]) } }), Throws.ArgumentException);

    [Test]
    public void The_order_of_metadata_does_not_change_the_bytes()
    {
        var tensors = new Dictionary<string, Tensor> { ["b"] = new([1], [1f]) };
        byte[] one = Bytes(new Safetensors { Tensors = tensors, Metadata = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" } });
        byte[] other = Bytes(new Safetensors { Tensors = tensors, Metadata = new Dictionary<string, string> { ["b"] = "2", ["a"] = "1" } });
        Assert.That(one, Is.EqualTo(other));
    }

    private static byte[] Sample() => Bytes(new Safetensors
    {
        Tensors = new Dictionary<string, Tensor> { ["W"] = new([2, 3], [1, 2, 3, 4, 5, 6]), ["b"] = new([2], [7, 8]) },
        Metadata = new Dictionary<string, string> { ["b"] = "zwei", ["a"] = "eins" },
    });

    private static bool IsText(string text)
    {
        try
        {
            new UTF8Encoding(false, throwOnInvalidBytes: true).GetByteCount(text);
            return true;
        }
        catch (EncoderFallbackException)
        {
            return false;
        }
    }

    private static byte[] Bytes(Safetensors file)
    {
        using var stream = new MemoryStream();
        file.Save(stream);
        return stream.ToArray();
    }

    private static byte[] File(string header, byte[] data)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        return [.. length, .. text, .. data];
    }

    private static Safetensors Load(byte[] bytes) => Safetensors.Load(new MemoryStream(bytes), "test.safetensors");
}
