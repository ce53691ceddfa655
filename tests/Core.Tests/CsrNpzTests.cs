using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using CsCheck;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Core.Tests;

public class CsrNpzTests
{
    // [0 .5 0 1]
    // [0  0 0 0]
    // [2  0 0 0]
    private static readonly Csr s_small = new(4, new[] { 0, 2, 2, 3 }, new[] { 1, 3, 0 }, new[] { 0.5f, 1f, 2f });

    private static readonly Gen<Csr> s_matrix =
        from columns in Gen.Int[1, 12]
        from rows in Gen.Bool.Array[columns].Array[0, 9]
        from values in Gen.Float[-10, 10].Array[rows.Sum(row => row.Count(present => present))]
        select new Csr(
            columns,
            rows.Aggregate(new List<int> { 0 }, (starts, row) => [.. starts, starts[^1] + row.Count(present => present)]).ToArray(),
            rows.SelectMany(row => Enumerable.Range(0, columns).Where(column => row[column])).ToArray(),
            values);

    [Test]
    public void What_is_written_is_read_back() => s_matrix.Sample(matrix => AssertSame(matrix, Load(Bytes(matrix))));

    [Test]
    public void The_bytes_of_a_small_file_are_known()
    {
        byte[] bytes = Bytes(s_small);
        Assert.That(bytes, Is.EqualTo(Bytes(s_small)));
        using var archive = new ZipArchive(new MemoryStream(bytes));
        Assert.That(archive.Entries.Select(entry => entry.FullName), Is.EqualTo(new[] { "indices.npy", "indptr.npy", "format.npy", "shape.npy", "data.npy" }));
        Assert.That(archive.Entries.Select(entry => entry.CompressedLength), Is.EqualTo(archive.Entries.Select(entry => entry.Length)));
        string data = Encoding.Latin1.GetString(Content(archive, "data"));
        Assert.That(data, Does.StartWith("\u0093NUMPY\u0001\u0000v\u0000{'descr': '<f4', 'fortran_order': False, 'shape': (3,), } "));
        Assert.That(data.IndexOf('\n', StringComparison.Ordinal), Is.EqualTo(127));
        Assert.That(Convert.ToHexStringLower(Content(archive, "data").AsSpan(128)), Is.EqualTo("0000003f0000803f00000040"));
        Assert.That(Convert.ToHexStringLower(Content(archive, "format").AsSpan(128)), Is.EqualTo("637372"));
        // The same bytes as numpy.save writes for these arrays.
        string[] digests = [.. archive.Entries.Select(entry => Convert.ToHexStringLower(SHA256.HashData(Content(archive, entry.Name[..^4])))[..8])];
        Assert.That(digests, Is.EqualTo(new[] { "3bb56700", "6875646b", "c00feedd", "e325c2dd", "1e14d442" }));
    }

    [TestCase(CompressionLevel.NoCompression)]
    [TestCase(CompressionLevel.Optimal)]
    public void Doubles_and_wide_indices_are_read(CompressionLevel level)
    {
        var parts = Parts();
        parts["data"] = Npy("<f8", "(3,)", [0.5, 1.0, 2.0]);
        parts["indices"] = Npy("<i8", "(3,)", [1L, 3L, 0L]);
        parts["indptr"] = Npy("<i8", "(4,)", [0L, 2L, 2L, 3L]);
        parts["shape"] = Npy("<i4", "(2,)", [3, 4]);
        AssertSame(s_small, Load(Archive(parts, level)));
    }

    [Test]
    public void Spellings_of_the_format_are_read([Values("|S3", "|S4", "<U3")] string type)
    {
        var parts = Parts();
        parts["format"] = Npy(type, "()", type switch { "|S3" => "csr"u8.ToArray(), "|S4" => "csr\0"u8.ToArray(), _ => Encoding.UTF32.GetBytes("csr") });
        AssertSame(s_small, Load(Archive(parts)));
    }

    [Test]
    public void Fortran_order_means_nothing_for_one_axis()
    {
        var parts = Parts();
        parts["data"] = NpyOf("{'descr': '<f4', 'fortran_order': True, 'shape': (3,), }", Raw([0.5f, 1f, 2f]));
        AssertSame(s_small, Load(Archive(parts)));
    }

    [Test]
    public void A_header_of_version_2_is_read()
    {
        byte[] header = Encoding.ASCII.GetBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\n");
        var parts = Parts();
        parts["data"] = [0x93, .. "NUMPY"u8, 2, 0, (byte)header.Length, 0, 0, 0, .. header, .. Raw([0.5f, 1f, 2f])];
        AssertSame(s_small, Load(Archive(parts)));
    }

    private static IEnumerable<TestCaseData> Damaged()
    {
        static TestCaseData Case(string name, string array, byte[]? npy, string saying) => new TestCaseData(array, npy, saying).SetArgDisplayNames(name);
        yield return Case("no values", "data", null, "data.npy is not in it");
        yield return Case("no npy", "data", "not an array at all"u8.ToArray(), "no npy array");
        yield return Case("npy cut short", "data", [0x93, (byte)'N'], "usable");
        yield return Case("header cut short", "data", [0x93, .. "NUMPY"u8, 1, 0, 255, 0], "usable");
        yield return Case("huge header", "data", [0x93, .. "NUMPY"u8, 2, 0, 255, 255, 255, 127], "has a header of");
        yield return Case("negative header", "data", [0x93, .. "NUMPY"u8, 2, 0, 255, 255, 255, 255], "has a header of");
        yield return Case("header of something else", "data", NpyOf("{'a': 1}", []), "has the header");
        yield return Case("more values claimed", "data", Npy("<f4", "(4000000000,)", [1f]), "claims 4000000000 values");
        yield return Case("a claim beyond 64 bits", "data", Npy("<f4", "(99999999999999999999,)", [1f]), "shape");
        yield return Case("two axes", "data", Npy("<f4", "(3, 1)", [0.5f, 1f, 2f]), "at most one axis");
        yield return Case("a size of 0 and a huge one", "data", Npy("<f4", "(0, 99999999999)", Array.Empty<float>()), "at most one axis");
        yield return Case("big-endian values", "data", Npy(">f4", "(3,)", [0.5f, 1f, 2f]), "type >f4");
        yield return Case("big-endian indices", "indices", Npy(">i4", "(3,)", [1, 3, 0]), "type >i4");
        yield return Case("integer values", "data", Npy("<i4", "(3,)", [1, 2, 3]), "type <i4");
        yield return Case("float indices", "indices", Npy("<f4", "(3,)", [1f, 3f, 0f]), "type <f4");
        yield return Case("objects", "data", NpyOf("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", [1, 2, 3]), "has the header");
        yield return Case("not finite", "data", Npy("<f4", "(3,)", [0.5f, float.NaN, 2f]), "must be finite");
        yield return Case("a double beyond float32", "data", Npy("<f8", "(3,)", [0.5, 1e300, 2]), "must be finite");
        yield return Case("too few values", "data", Npy("<f4", "(2,)", [0.5f, 1f]), "3 columns and 2 values");
        yield return Case("another format", "format", Npy("|S3", "()", "csc"u8.ToArray()), "its format is csc");
        yield return Case("columns that do not ascend", "indices", Npy("<i4", "(3,)", [3, 1, 0]), "columns must ascend");
        yield return Case("a column twice", "indices", Npy("<i4", "(3,)", [1, 1, 0]), "columns must ascend");
        yield return Case("a column beyond the shape", "indices", Npy("<i4", "(3,)", [1, 4, 0]), "stay below 4");
        yield return Case("a negative column", "indices", Npy("<i4", "(3,)", [-1, 3, 0]), "columns must ascend");
        yield return Case("a column beyond 32 bits", "indices", Npy("<i8", "(3,)", [1L, 1L << 32, 0L]), "more than 32 bits");
        yield return Case("rows that go back", "indptr", Npy("<i4", "(4,)", [0, 2, 1, 3]), "row 1 starts at entry 2 and ends at 1");
        yield return Case("rows beyond the entries", "indptr", Npy("<i4", "(4,)", [0, 9, 2, 3]), "row 0 starts at entry 0 and ends at 9");
        yield return Case("a first row that starts late", "indptr", Npy("<i4", "(4,)", [1, 2, 2, 3]), "from entry 1");
        yield return Case("a last row that ends early", "indptr", Npy("<i4", "(4,)", [0, 2, 2, 2]), "to 2");
        yield return Case("no row starts", "indptr", Npy("<i4", "(0,)", Array.Empty<int>()), "0 row starts");
        yield return Case("rows that do not fit the shape", "shape", Npy("<i8", "(2,)", [2L, 4L]), "does not fit");
        yield return Case("no columns", "shape", Npy("<i8", "(2,)", [3L, 0L]), "does not fit");
        yield return Case("a shape beyond 32 bits", "shape", Npy("<i8", "(2,)", [3L, 1L << 40]), "more than 32 bits");
        yield return Case("a shape of three", "shape", Npy("<i8", "(3,)", [3L, 4L, 1L]), "does not fit");
    }

    [TestCaseSource(nameof(Damaged))]
    public void Damage_is_refused(string array, byte[]? npy, string saying)
    {
        var parts = Parts();
        parts.Remove(array);
        if (npy is not null)
            parts[array] = npy;
        Assert.That(() => Load(Archive(parts)), Throws.TypeOf<InvalidInputException>().With.Message.Contains(saying).And.Message.Contains("test.npz"));
    }

    [Test]
    public void Minus_one_rows_without_row_starts_are_refused()
    {
        var parts = Parts();
        parts["indptr"] = Npy("<i4", "(0,)", Array.Empty<int>());
        parts["shape"] = Npy("<i8", "(2,)", [-1L, 4L]);
        Assert.That(() => Load(Archive(parts)), Throws.TypeOf<InvalidInputException>());
    }

    [Test]
    public void An_array_that_is_there_twice_is_refused()
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, npy) in Parts().Append(new("data", Npy("<f4", "(3,)", [7f, 8f, 9f]))))
                Add(archive, name, npy, CompressionLevel.NoCompression);
        }

        Assert.That(() => Load(stream.ToArray()), Throws.TypeOf<InvalidInputException>().With.Message.Contains("2 times"));
    }

    [Test]
    public void A_length_that_the_archive_only_claims_takes_no_memory()
    {
        // Both the npy header and the archive's directory say 2 GB; a few bytes are there.
        const uint Claim = 2_000_000_000;
        var parts = Parts();
        parts["data"] = Npy("<f4", $"({Claim / 4},)", [1f]);
        byte[] bytes = Archive(parts, CompressionLevel.Optimal);
        byte[] length = BitConverter.GetBytes((uint)parts["data"].Length);
        for (int i = bytes.AsSpan().IndexOf(length); i >= 0; i = bytes.AsSpan().IndexOf(length))
            BitConverter.GetBytes(Claim).CopyTo(bytes, i);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => Load(bytes), Throws.TypeOf<InvalidInputException>().With.Message.Contains("can hold"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(10_000_000));
    }

    [Test]
    public void A_bomb_of_zeros_is_refused_before_it_unpacks()
    {
        // 400 MB of zeros in 400 kB: the archive tells the truth, and deflate reaches it.
        const int Size = 400_000_000;
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, npy) in Parts().Where(part => part.Key != "data"))
                Add(archive, name, npy, CompressionLevel.Optimal);
            using var entry = archive.CreateEntry("data.npy", CompressionLevel.Fastest).Open();
            entry.Write(Npy("<f4", $"({Size / 4},)", Array.Empty<float>()));
            byte[] zeros = new byte[1 << 20];
            for (int written = 0; written < Size; written += zeros.Length)
                entry.Write(zeros);
        }

        Assert.That(stream.Length, Is.LessThan(4_000_000));
        byte[] bytes = stream.ToArray();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => Load(bytes), Throws.TypeOf<InvalidInputException>().With.Message.Contains("unpack to far more"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(10_000_000));
    }

    [Test]
    public void Whatever_is_cut_off_is_missed([Values] bool compressed)
    {
        byte[] bytes = Archive(Parts(), compressed ? CompressionLevel.Optimal : CompressionLevel.NoCompression);
        for (int length = 0; length < bytes.Length; length++)
            Assert.That(() => Load(bytes[..length]), Throws.TypeOf<InvalidInputException>(), $"{length} bytes");
    }

    [Test]
    public void Changed_bytes_give_a_matrix_or_an_error_and_nothing_else([Values] bool compressed)
    {
        byte[] bytes = Archive(Parts(), compressed ? CompressionLevel.Optimal : CompressionLevel.NoCompression);
        Gen.Select(Gen.Int[0, bytes.Length - 1], Gen.Byte).Array[1, 4].Sample(
            changes =>
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
            },
            iter: 20_000);
    }

    private static Dictionary<string, byte[]> Parts() => new()
    {
        ["indices"] = Npy("<i4", "(3,)", [1, 3, 0]),
        ["indptr"] = Npy("<i4", "(4,)", [0, 2, 2, 3]),
        ["format"] = Npy("|S3", "()", "csr"u8.ToArray()),
        ["shape"] = Npy("<i8", "(2,)", [3L, 4L]),
        ["data"] = Npy("<f4", "(3,)", [0.5f, 1f, 2f]),
    };

    // As numpy writes it.
    private static byte[] Npy<T>(string type, string shape, T[] values)
        where T : struct => NpyOf($"{{'descr': '{type}', 'fortran_order': False, 'shape': {shape}, }}", Raw(values));

    private static byte[] NpyOf(string header, byte[] data)
    {
        byte[] text = Encoding.ASCII.GetBytes(header.PadRight(117) + "\n");
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)text.Length, 0, .. text, .. data];
    }

    private static byte[] Raw<T>(T[] values)
        where T : struct => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static byte[] Archive(Dictionary<string, byte[]> parts, CompressionLevel level = CompressionLevel.NoCompression)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, npy) in parts)
                Add(archive, name, npy, level);
        }

        return stream.ToArray();
    }

    private static void Add(ZipArchive archive, string name, byte[] npy, CompressionLevel level)
    {
        using var entry = archive.CreateEntry(name + ".npy", level).Open();
        entry.Write(npy);
    }

    private static byte[] Content(ZipArchive archive, string array)
    {
        using var entry = archive.GetEntry(array + ".npy")!.Open();
        using var copy = new MemoryStream();
        entry.CopyTo(copy);
        return copy.ToArray();
    }

    private static byte[] Bytes(Csr matrix)
    {
        using var stream = new MemoryStream();
        CsrNpz.Save(matrix, stream);
        return stream.ToArray();
    }

    private static Csr Load(byte[] bytes) => CsrNpz.Load(new MemoryStream(bytes), "test.npz");

    private static void AssertSame(Csr expected, Csr actual)
    {
        Assert.That(actual.Columns, Is.EqualTo(expected.Columns));
        Assert.That(actual.RowStart.ToArray(), Is.EqualTo(expected.RowStart.ToArray()));
        Assert.That(actual.ColumnIndices.ToArray(), Is.EqualTo(expected.ColumnIndices.ToArray()));
        Assert.That(actual.Values.ToArray(), Is.EqualTo(expected.Values.ToArray()));
    }
}
