#nullable enable
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

// Compiled twice: by the build as an inline MSBuild task (netstandard2.0, this one file) and by tests/Training.Tests.
// What it does and why: docs/platform.md.
namespace ToyPipeline.Build;

/// <summary>Marks a symbol version that a shared library needs as weak: the dynamic loader then loads it on systems without that version.</summary>
/// <remarks>ELF-64, little endian. Layout: System V ABI, chapter 5, and the Linux Standard Base, "Symbol Versioning".</remarks>
public static class WeakVersionNeed
{
    private const ushort Weak = 2; // VER_FLG_WEAK
    private const uint PtLoad = 1, PtDynamic = 2;
    private const long DtStrTab = 5, DtStrSz = 10;
    private const long DtVerDef = 0x6ffffffc, DtVerDefNum = 0x6ffffffd, DtVerNeed = 0x6ffffffe, DtVerNeedNum = 0x6fffffff;

    /// <summary>A copy of <paramref name="library"/> in which the need for <paramref name="version"/> is weak; all other bytes are equal.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a complete 64-bit little-endian ELF shared library.</exception>
    public static byte[] Mark(byte[] library, string version)
    {
        byte[] marked = (byte[])library.Clone();
        foreach (long aux in Needs(library, version))
            marked[aux + 4] |= (byte)Weak; // vna_flags, low byte
        return marked;
    }

    /// <summary>Whether <paramref name="library"/> needs <paramref name="version"/>, and so cannot load where it is missing.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a complete 64-bit little-endian ELF shared library.</exception>
    public static bool IsNeeded(byte[] library, string version) =>
        Needs(library, version).Any(aux => (new Elf(library).U16(aux + 4) & Weak) == 0);

    /// <summary>Whether <paramref name="library"/> defines <paramref name="version"/>.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a complete 64-bit little-endian ELF shared library.</exception>
    public static bool Provides(byte[] library, string version)
    {
        var elf = new Elf(library);
        // Elf64_Verdef: version, flags, index, count (u16 each), hash, aux, next (u32 each)
        foreach (long def in elf.Chain(DtVerDef, DtVerDefNum, nextAt: 16))
            if (elf.U16(def + 6) > 0 && elf.Text(elf.U32(def + elf.U32(def + 12))) == version)
                return true;
        return false;
    }

    /// <summary>Whether this system's libstdc++, the one that the running .NET process has loaded, lacks <paramref name="version"/>.</summary>
    /// <remarks>True as well when no libstdc++ is found: a weak need does no harm where the version is there.</remarks>
    public static bool SystemLacks(string version)
    {
        if (!RuntimeInformation.IsOSPlatform(OSPlatform.Linux))
            return false;
        string? path = File.ReadLines("/proc/self/maps")
            .Where(line => line.IndexOf("/libstdc++.so.6", StringComparison.Ordinal) > 0)
            .Select(line => line.Substring(line.IndexOf('/')))
            .FirstOrDefault(File.Exists);
        return path is null || !Provides(File.ReadAllBytes(path), version);
    }

    /// <summary>Offsets of the Elf64_Vernaux entries that name <paramref name="version"/>.</summary>
    private static List<long> Needs(byte[] library, string version)
    {
        var elf = new Elf(library);
        var found = new List<long>();
        // Elf64_Verneed: version, count (u16), file, aux, next (u32)
        foreach (long need in elf.Chain(DtVerNeed, DtVerNeedNum, nextAt: 12))
        {
            // Elf64_Vernaux: hash (u32), flags, other (u16), name, next (u32)
            long aux = need + elf.U32(need + 8);
            for (int left = elf.U16(need + 2); left > 0; left--)
            {
                if (elf.Text(elf.U32(aux + 8)) == version)
                    found.Add(aux);
                uint next = elf.U32(aux + 12);
                if (next == 0 && left > 1)
                    throw Elf.Bad($"a list of needed versions ends {left - 1} entries early");
                aux += next;
            }
        }
        return found;
    }

    /// <summary>Bounds-checked reads from an ELF file through its dynamic section.</summary>
    private sealed class Elf
    {
        private readonly byte[] _bytes;
        private readonly List<(long Offset, long Address, long Size)> _loads = [];
        private readonly Dictionary<long, long> _dynamic = [];
        private readonly long _strings, _stringsSize;

        public Elf(byte[] bytes)
        {
            _bytes = bytes;
            if (bytes.Length < 64 || bytes[0] != 0x7f || bytes[1] != 'E' || bytes[2] != 'L' || bytes[3] != 'F')
                throw Bad("the file does not start with an ELF header");
            if (bytes[4] != 2 || bytes[5] != 1)
                throw Bad("it is not a 64-bit little-endian one");
            if (U16(16) != 3)
                throw Bad("it is not a shared library (ET_DYN)");
            if (U16(54) != 56)
                throw Bad($"its program headers have {U16(54)} bytes where 56 are expected");
            (long Offset, long Size)? dynamic = null;
            for (int i = 0; i < U16(56); i++)
            {
                long header = I64(32) + i * 56L;
                uint type = U32(header);
                (long offset, long address, long size) = (I64(header + 8), I64(header + 16), I64(header + 32));
                if (type is not (PtLoad or PtDynamic))
                    continue;
                Check(offset, size);
                if (type == PtLoad)
                    _loads.Add((offset, address, size));
                else
                    dynamic = (offset, size);
            }
            if (dynamic is not { } d)
                throw Bad("it has no dynamic section");
            for (long at = d.Offset; at + 16 <= d.Offset + d.Size && I64(at) != 0; at += 16)
                _dynamic[I64(at)] = I64(at + 8);
            if (!_dynamic.TryGetValue(DtStrTab, out long strings) || !_dynamic.TryGetValue(DtStrSz, out _stringsSize))
                throw Bad("its dynamic section names no string table");
            _strings = FileOffset(strings);
            Check(_strings, _stringsSize);
        }

        public static InvalidDataException Bad(string what) => new("Not a shared library that can be read: " + what + ".");

        public ushort U16(long at) => BitConverter.ToUInt16(_bytes, Check(at, 2));

        public uint U32(long at) => BitConverter.ToUInt32(_bytes, Check(at, 4));

        private long I64(long at) => BitConverter.ToInt64(_bytes, Check(at, 8));

        /// <summary>Offsets of the records of a version table; none when the library has no such table.</summary>
        public IEnumerable<long> Chain(long table, long count, int nextAt)
        {
            if (!_dynamic.TryGetValue(table, out long address) || !_dynamic.TryGetValue(count, out long records))
                yield break;
            long at = FileOffset(address);
            for (long left = records; left > 0; left--)
            {
                yield return at;
                uint next = U32(at + nextAt);
                if (next == 0 && left > 1)
                    throw Bad($"a version table ends {left - 1} records early");
                at += next;
            }
        }

        public string Text(uint at)
        {
            if (at >= _stringsSize)
                throw Bad($"a name lies outside the string table (at {at} of {_stringsSize})");
            int start = (int)(_strings + at);
            int end = Array.IndexOf(_bytes, (byte)0, start, (int)(_stringsSize - at));
            return end < 0 ? throw Bad("a name in the string table does not end") : Encoding.UTF8.GetString(_bytes, start, end - start);
        }

        private long FileOffset(long address)
        {
            foreach ((long offset, long start, long size) in _loads)
                if (address >= start && address - start < size)
                    return offset + (address - start);
            throw Bad($"address 0x{address:x} is not in the file");
        }

        private int Check(long at, long size) => at >= 0 && size >= 0 && at <= _bytes.Length - size
            ? (int)at
            : throw Bad($"{size} bytes at {at} lie outside the file of {_bytes.Length}");
    }
}

/// <summary>One copy of each native library for the whole solution, and links to it in the output folders.</summary>
/// <remarks>Files appear whole or not at all (written aside, then renamed), so builds may run side by side.</remarks>
public static class SharedLibraries
{
    private static readonly bool Windows = RuntimeInformation.IsOSPlatform(OSPlatform.Windows);

    /// <summary>Copies <paramref name="source"/> to <paramref name="target"/> unless it is there already; never a link to it.</summary>
    /// <param name="source">A file of the package cache: only read.</param>
    /// <param name="target">The copy.</param>
    /// <param name="weakVersion">A version whose need is marked as weak in the copy, or null for a plain copy.</param>
    public static void Stage(string source, string target, string? weakVersion)
    {
        if (weakVersion is null ? IsCopy(source, target) : IsMarkedCopy(source, target, weakVersion))
            return;
        string folder = Path.GetDirectoryName(Path.GetFullPath(target))!;
        Directory.CreateDirectory(folder);
        using FileStream? turn = TakeTurn(Path.Combine(folder, ".lock"));
        foreach (string left in Directory.EnumerateFiles(folder, Path.GetFileName(target) + ".*.tmp"))
            if (File.GetLastWriteTimeUtc(left) < DateTime.UtcNow.AddHours(-1)) // of a build that was killed
                File.Delete(left);
        if (weakVersion is not null)
            Put(target, aside => File.WriteAllBytes(aside, WeakVersionNeed.Mark(File.ReadAllBytes(source), weakVersion)));
        else if (!IsCopy(source, target))
            Put(target, aside => File.Copy(source, aside));
    }

    /// <summary>Makes <paramref name="output"/> stand for <paramref name="staged"/>: a symbolic link, on Windows a hard link, or else a copy.</summary>
    /// <param name="staged">The copy that <see cref="Stage"/> made.</param>
    /// <param name="output">The place in the output folder. Outside <paramref name="root"/> it becomes a copy, so that the folder can be moved.</param>
    /// <param name="root">The folder that all build outputs lie in.</param>
    public static void Link(string staged, string output, string root)
    {
        (staged, output, root) = (Path.GetFullPath(staged), Path.GetFullPath(output), Path.GetFullPath(root));
        Directory.CreateDirectory(Path.GetDirectoryName(output)!);
        bool near = output.StartsWith(root.TrimEnd('/', '\\') + Path.DirectorySeparatorChar, StringComparison.Ordinal);
        if (near && !Windows)
        {
            string relative = Uri.UnescapeDataString(new Uri(output).MakeRelativeUri(new Uri(staged)).ToString());
            if (LinkTarget(output) == relative || TryPut(output, aside => Native.Symlink(relative, aside) == 0))
                return;
        }
        else if (near && (IsCopy(staged, output) || TryPut(output, aside => Native.CreateHardLink(aside, staged, IntPtr.Zero))))
        {
            return;
        }
        if (!IsCopy(staged, output))
            Put(output, aside => File.Copy(staged, aside));
    }

    /// <summary>Where the symbolic link at <paramref name="path"/> points, or null when it is none.</summary>
    public static string? LinkTarget(string path)
    {
        if (Windows)
            return null;
        byte[] buffer = new byte[4096];
        long length = Native.ReadLink(path, buffer, new UIntPtr((uint)buffer.Length)).ToInt64();
        return length > 0 ? Encoding.UTF8.GetString(buffer, 0, (int)length) : null;
    }

    private static bool IsCopy(string source, string target)
    {
        var (from, to) = (new FileInfo(source), new FileInfo(target));
        return to.Exists && LinkTarget(target) is null && to.Length == from.Length && to.LastWriteTimeUtc == from.LastWriteTimeUtc;
    }

    private static bool IsMarkedCopy(string source, string target, string version) =>
        File.Exists(target) && LinkTarget(target) is null
        && WeakVersionNeed.Mark(File.ReadAllBytes(source), version).AsEnumerable().SequenceEqual(File.ReadAllBytes(target));

    private static void Put(string target, Action<string> write) => TryPut(target, aside => { write(aside); return true; });

    private static bool TryPut(string target, Func<string, bool> write)
    {
        string aside = $"{target}.{Guid.NewGuid():n}.tmp";
        try
        {
            if (!write(aside))
                return false;
            bool renamed = Windows ? Native.MoveFileEx(aside, target, 1) : Native.Rename(aside, target) == 0;
            return renamed ? true : throw new IOException($"Cannot put {target} in its place (error {Marshal.GetLastWin32Error()}). Is it in use?");
        }
        finally
        {
            File.Delete(aside);
        }
    }

    /// <summary>Waits until no other build copies into the folder. Only saves work: renames keep files whole without it.</summary>
    private static FileStream? TakeTurn(string path)
    {
        for (int wait = 0; wait < 1200; wait++)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                Thread.Sleep(100);
            }
        }
        return null;
    }

    private static class Native
    {
        [DllImport("libc", EntryPoint = "symlink", SetLastError = true)]
        public static extern int Symlink([MarshalAs(UnmanagedType.LPStr)] string target, [MarshalAs(UnmanagedType.LPStr)] string path);

        [DllImport("libc", EntryPoint = "rename", SetLastError = true)]
        public static extern int Rename([MarshalAs(UnmanagedType.LPStr)] string from, [MarshalAs(UnmanagedType.LPStr)] string to);

        [DllImport("libc", EntryPoint = "readlink", SetLastError = true)]
        public static extern IntPtr ReadLink([MarshalAs(UnmanagedType.LPStr)] string path, byte[] buffer, UIntPtr size);

        [DllImport("kernel32", EntryPoint = "CreateHardLinkW", CharSet = CharSet.Unicode, SetLastError = true)]
        public static extern bool CreateHardLink(string path, string existing, IntPtr reserved);

        [DllImport("kernel32", EntryPoint = "MoveFileExW", CharSet = CharSet.Unicode, SetLastError = true)]
        public static extern bool MoveFileEx(string from, string to, uint flags);
    }
}

#if !WITHOUT_MSBUILD
/// <summary>The MSBuild task: stages the native libraries of one project and links them into its output folder.</summary>
public sealed class ShareNativeLibraries : Microsoft.Build.Utilities.Task
{
    /// <summary>Libraries in the package cache.</summary>
    [Microsoft.Build.Framework.Required]
    public string[] Libraries { get; set; } = [];

    /// <summary>The folder for the one copy.</summary>
    [Microsoft.Build.Framework.Required]
    public string StageFolder { get; set; } = "";

    /// <summary>The folder to link into; empty to stage only.</summary>
    public string OutputFolder { get; set; } = "";

    /// <summary>The folder that all build outputs lie in.</summary>
    [Microsoft.Build.Framework.Required]
    public string Root { get; set; } = "";

    /// <summary>File name of the library whose version need may be marked, and the version.</summary>
    public string WeakLibrary { get; set; } = "";

    /// <summary>The version whose need may be marked as weak.</summary>
    public string WeakVersion { get; set; } = "";

    /// <summary>auto: when this system lacks the version; always; never.</summary>
    public string WeakPolicy { get; set; } = "auto";

    /// <inheritdoc/>
    public override bool Execute()
    {
        foreach (string library in Libraries)
        {
            string name = Path.GetFileName(library);
            try
            {
                bool weak = name == WeakLibrary && (WeakPolicy == "always" || (WeakPolicy == "auto" && WeakVersionNeed.SystemLacks(WeakVersion)));
                SharedLibraries.Stage(library, Path.Combine(StageFolder, name), weak ? WeakVersion : null);
                if (OutputFolder.Length > 0)
                    SharedLibraries.Link(Path.Combine(StageFolder, name), Path.Combine(OutputFolder, name), Root);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
            {
                Log.LogError($"{name} could not be put into the build output. {e.Message} (docs/platform.md)");
            }
        }
        return !Log.HasLoggedErrors;
    }
}
#endif
