using System.Buffers.Binary;
using System.Text;

namespace ToyPipeline.Training.Tests;

/// <summary>The smallest ELF-64 shared library that has symbol versions: headers, a dynamic section, version tables, strings.</summary>
internal static class SyntheticLibrary
{
    private const int Base = 0x1000; // addresses are file offsets plus this
    private const int Dynamic = 64 + 2 * 56, Needs = Dynamic + 7 * 16;

    /// <summary>Offset of the low byte of <c>vna_flags</c> of the i-th version given to <see cref="Bytes"/>.</summary>
    public static int FlagsOffset(int i) => Needs + 16 + i * 16 + 4;

    /// <summary>A library that needs the given versions, all of libstdc++.so.6, and defines LIBTOY_1.</summary>
    public static byte[] Bytes(params string[] needed)
    {
        string[] names = ["", "libstdc++.so.6", "LIBTOY_1", .. needed];
        uint[] at = [.. names.Select((_, i) => (uint)names.Take(i).Sum(n => n.Length + 1))];
        byte[] strings = Encoding.ASCII.GetBytes(string.Join('\0', names) + '\0');
        int definitions = Needs + 16 + 16 * needed.Length, text = definitions + 20 + 8, size = text + strings.Length;
        byte[] file = new byte[size];

        new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1 }.CopyTo(file, 0);
        U16(16, 3); // ET_DYN
        U64(32, 64); // e_phoff
        U16(54, 56); // e_phentsize
        U16(56, 2); // e_phnum
        Header(64, type: 1, offset: 0, length: size);
        Header(64 + 56, type: 2, offset: Dynamic, length: 7 * 16);

        (ulong Tag, int Value)[] tags =
        [
            (5, Base + text), (10, strings.Length), (0x6ffffffe, Base + Needs), (0x6fffffff, 1),
            (0x6ffffffc, Base + definitions), (0x6ffffffd, 1), (0, 0),
        ];
        for (int i = 0; i < tags.Length; i++)
        {
            U64(Dynamic + 16 * i, tags[i].Tag);
            U64(Dynamic + 16 * i + 8, (ulong)tags[i].Value);
        }

        U16(Needs, 1);
        U16(Needs + 2, (ushort)needed.Length);
        U32(Needs + 4, at[1]);
        U32(Needs + 8, 16);
        for (int i = 0; i < needed.Length; i++)
        {
            U32(Needs + 16 + 16 * i + 8, at[3 + i]);
            U32(Needs + 16 + 16 * i + 12, i + 1 < needed.Length ? 16u : 0);
        }

        U16(definitions, 1);
        U16(definitions + 6, 1);
        U32(definitions + 12, 20);
        U32(definitions + 20, at[2]);
        strings.CopyTo(file, text);
        return file;

        void U16(int offset, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(offset), value);
        void U32(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(offset), value);
        void U64(int offset, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(offset), value);
        void Header(int at, uint type, int offset, int length)
        {
            U32(at, type);
            U64(at + 8, (ulong)offset);
            U64(at + 16, (ulong)(offset + Base));
            U64(at + 32, (ulong)length);
        }
    }
}
