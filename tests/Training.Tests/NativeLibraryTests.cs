using System.IO.Compression;
using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;
using ToyPipeline.Build;
using static TorchSharp.torch;

namespace ToyPipeline.Training.Tests;

/// <summary>The build's treatment of libtorch (docs/platform.md): it loads, it lies on the disk once, the package cache is left alone.</summary>
public sealed class NativeLibraryTests
{
    private const string Version = "GLIBCXX_3.4.32";
    private const string LinuxOnly = "Linux";

    private string _folder = "";

    [DllImport("libc", EntryPoint = "link")]
    private static extern int HardLink([MarshalAs(UnmanagedType.LPStr)] string existing, [MarshalAs(UnmanagedType.LPStr)] string path);

    private static string Packaged => typeof(NativeLibraryTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(a => a.Key == "PackagedTorchSharp").Value!;

    private static string Built(string name) => Path.Combine(AppContext.BaseDirectory, name);

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("toy-native-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void TorchSharp_loads_and_computes()
    {
        using Tensor sum = ones(2).sum();
        Assert.That(sum.item<float>(), Is.EqualTo(2f));
    }

    [Test]
    public void A_training_step_runs_with_the_libraries_that_the_build_keeps()
    {
        using var scope = NewDisposeScope();
        var W = nn.Parameter(randn(3, 5, 2)); // [instances, features, hidden]
        var optimizer = optim.AdamW([W], lr: 1e-2);
        Tensor x = rand(64, 3, 5);
        double[] losses = [Step(), Step(), Step()];
        Assert.That(losses[2], Is.LessThan(losses[0]));

        double Step()
        {
            optimizer.zero_grad();
            Tensor h = einsum("bif,ifh->bih", x, W), y = einsum("bih,ifh->bif", h, W).relu();
            Tensor loss = (x - y).pow(2).mean();
            loss.backward();
            optimizer.step();
            return loss.item<float>();
        }
    }

    [Test]
    public void Marking_sets_the_weak_flag_of_one_need_and_nothing_else()
    {
        byte[] library = SyntheticLibrary.Bytes("GLIBCXX_3.4.30", Version, "GLIBCXX_3.4");
        byte[] marked = WeakVersionNeed.Mark(library, Version);
        int[] changed = [.. Enumerable.Range(0, library.Length).Where(i => library[i] != marked[i])];
        Assert.Multiple(() =>
        {
            Assert.That(changed, Is.EqualTo(new[] { SyntheticLibrary.FlagsOffset(1) }));
            Assert.That(marked[changed[0]], Is.EqualTo(2), "VER_FLG_WEAK");
            Assert.That(WeakVersionNeed.IsNeeded(library, Version), Is.True, "the original is untouched");
            Assert.That(WeakVersionNeed.IsNeeded(marked, Version), Is.False);
            Assert.That(WeakVersionNeed.IsNeeded(marked, "GLIBCXX_3.4.30"), Is.True);
            Assert.That(WeakVersionNeed.Mark(marked, Version), Is.EqualTo(marked), "idempotent");
        });
    }

    [Test]
    public void A_library_without_that_need_stays_as_it_is()
    {
        byte[] library = SyntheticLibrary.Bytes("GLIBCXX_3.4.30", "GLIBCXX_3.4.3");
        Assert.That(WeakVersionNeed.Mark(library, Version), Is.EqualTo(library));
        Assert.That(WeakVersionNeed.IsNeeded(library, Version), Is.False);
    }

    [Test]
    public void Versions_that_a_library_defines_are_found()
    {
        byte[] library = SyntheticLibrary.Bytes("GLIBC_2.14"); // defines LIBTOY_1
        Assert.That(WeakVersionNeed.Provides(library, "LIBTOY_1"), Is.True);
        Assert.That(WeakVersionNeed.Provides(library, "GLIBC_2.14"), Is.False);
    }

    [Test]
    public void A_truncated_library_is_refused_wherever_it_ends()
    {
        byte[] library = SyntheticLibrary.Bytes("GLIBCXX_3.4.30", Version);
        for (int length = 0; length < library.Length; length++)
            Assert.That(() => WeakVersionNeed.Mark(library[..length], Version), Throws.InstanceOf<InvalidDataException>(), $"{length} bytes");
    }

    [Test]
    public void Foreign_files_are_refused_with_a_reason()
    {
        byte[] text = "this is no library, but long enough to hold an ELF header of 64 bytes"u8.ToArray();
        byte[] narrow = SyntheticLibrary.Bytes(Version), big = SyntheticLibrary.Bytes(Version);
        narrow[4] = 1; // ELFCLASS32
        big[5] = 2; // ELFDATA2MSB
        Assert.That(() => WeakVersionNeed.Mark(text, Version), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("ELF header"));
        Assert.That(() => WeakVersionNeed.Mark(narrow, Version), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("64-bit"));
        Assert.That(() => WeakVersionNeed.Mark(big, Version), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("little-endian"));
    }

    [Test]
    public void Damaged_bytes_never_cause_anything_but_a_refusal()
    {
        byte[] library = SyntheticLibrary.Bytes("GLIBCXX_3.4.30", Version);
        for (int i = 0; i < library.Length; i++)
            foreach (byte value in new byte[] { 0, 1, 0x7f, 0x80, 0xff })
            {
                byte[] damaged = [.. library];
                damaged[i] = value;
                try
                {
                    byte[] marked = WeakVersionNeed.Mark(damaged, Version);
                    Assert.That(marked, Has.Length.EqualTo(damaged.Length));
                }
                catch (InvalidDataException)
                {
                }
            }
    }

    [Test, Platform(LinuxOnly)]
    public void The_real_library_changes_in_one_byte_at_most()
    {
        byte[] packaged = File.ReadAllBytes(Packaged);
        byte[] marked = WeakVersionNeed.Mark(packaged, Version);
        int changed = packaged.Zip(marked).Count(pair => pair.First != pair.Second);
        Assert.That(changed, Is.EqualTo(WeakVersionNeed.IsNeeded(packaged, Version) ? 1 : 0));
    }

    [Test, Platform(LinuxOnly)]
    public void The_library_in_the_output_is_marked_only_where_the_system_calls_for_it()
    {
        byte[] packaged = File.ReadAllBytes(Packaged), built = File.ReadAllBytes(Built("libLibTorchSharp.so"));
        byte[] expected = WeakVersionNeed.SystemLacks(Version) ? WeakVersionNeed.Mark(packaged, Version) : packaged;
        Assert.That(built.AsSpan().SequenceEqual(expected), Is.True);
    }

    [Test, Platform(LinuxOnly)]
    public void The_package_cache_keeps_the_library_as_published()
    {
        string package = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Packaged)!, "../../.."));
        string? archive = Directory.EnumerateFiles(package, "*.nupkg").SingleOrDefault();
        Assume.That(archive, Is.Not.Null, "the package cache keeps the package itself as well");
        using ZipArchive published = ZipFile.OpenRead(archive!);
        using var bytes = new MemoryStream();
        using (Stream entry = published.GetEntry("runtimes/linux-x64/native/libLibTorchSharp.so")!.Open())
            entry.CopyTo(bytes);
        Assert.That(File.ReadAllBytes(Packaged).AsSpan().SequenceEqual(bytes.ToArray()), Is.True);
    }

    [Test, Platform(LinuxOnly)]
    public void The_output_folder_holds_links_to_the_one_copy() =>
        Assert.That(SharedLibraries.LinkTarget(Built("libtorch_cpu.so")), Does.Contain("native/").And.EndsWith("/libtorch_cpu.so"));

    [Test, Platform(LinuxOnly)]
    public void Staging_over_a_hard_link_leaves_the_original_untouched()
    {
        (string original, string staged) = (Path.Combine(_folder, "original.so"), Path.Combine(_folder, "stage", "a.so"));
        byte[] library = SyntheticLibrary.Bytes(Version);
        File.WriteAllBytes(original, library);
        Directory.CreateDirectory(Path.GetDirectoryName(staged)!);
        Assert.That(HardLink(original, staged), Is.Zero);
        SharedLibraries.Stage(original, staged, Version);
        Assert.That(File.ReadAllBytes(original), Is.EqualTo(library));
        Assert.That(File.ReadAllBytes(staged), Is.EqualTo(WeakVersionNeed.Mark(library, Version)));
    }

    [Test, Platform(LinuxOnly)]
    public void Staging_over_a_symbolic_link_leaves_the_original_untouched()
    {
        (string original, string staged) = (Path.Combine(_folder, "original.so"), Path.Combine(_folder, "a.so"));
        byte[] library = SyntheticLibrary.Bytes(Version);
        File.WriteAllBytes(original, library);
        File.CreateSymbolicLink(staged, original);
        SharedLibraries.Stage(original, staged, Version);
        Assert.That(File.ReadAllBytes(original), Is.EqualTo(library));
        Assert.That(SharedLibraries.LinkTarget(staged), Is.Null);
        Assert.That(File.ReadAllBytes(staged), Is.EqualTo(WeakVersionNeed.Mark(library, Version)));
    }

    [Test]
    public void A_staged_file_is_not_written_again_and_follows_a_new_original()
    {
        (string original, string staged) = (Path.Combine(_folder, "original.bin"), Path.Combine(_folder, "stage", "a.bin"));
        File.WriteAllBytes(original, [1, 2, 3]);
        SharedLibraries.Stage(original, staged, null);
        using (File.Open(staged, FileMode.Open, FileAccess.Read, FileShare.None))
            SharedLibraries.Stage(original, staged, null);
        File.WriteAllBytes(original, [4, 5, 6, 7]);
        SharedLibraries.Stage(original, staged, null);
        Assert.That(File.ReadAllBytes(staged), Is.EqualTo(new byte[] { 4, 5, 6, 7 }));
    }

    [Test]
    public void Many_builds_at_once_stage_and_link_one_whole_file()
    {
        string original = Path.Combine(_folder, "original.bin"), staged = Path.Combine(_folder, "stage", "a.bin");
        byte[] content = new byte[1 << 20];
        Random.Shared.NextBytes(content);
        File.WriteAllBytes(original, content);
        Parallel.For(0, 16, i =>
        {
            SharedLibraries.Stage(original, staged, null);
            SharedLibraries.Link(staged, Path.Combine(_folder, "bin", $"{i % 2}", "a.bin"), _folder);
        });
        string[] left = [.. Directory.EnumerateFiles(_folder, "*.tmp", SearchOption.AllDirectories)];
        Assert.That(left, Is.Empty);
        Assert.That(File.ReadAllBytes(Path.Combine(_folder, "bin", "1", "a.bin")), Is.EqualTo(content));
    }

    [Test]
    public void A_link_replaces_what_an_earlier_build_left_and_an_outside_folder_gets_a_copy()
    {
        string staged = Path.Combine(_folder, "root", "stage", "a.bin");
        string inside = Path.Combine(_folder, "root", "bin", "a.bin"), outside = Path.Combine(_folder, "elsewhere", "a.bin");
        foreach (string file in new[] { staged, inside, outside })
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllBytes(staged, [1, 2, 3]);
        File.WriteAllBytes(inside, [9]);
        SharedLibraries.Link(staged, inside, Path.Combine(_folder, "root"));
        SharedLibraries.Link(staged, outside, Path.Combine(_folder, "root"));
        Assert.That(File.ReadAllBytes(inside), Is.EqualTo(new byte[] { 1, 2, 3 }));
        Assert.That(File.ReadAllBytes(outside), Is.EqualTo(new byte[] { 1, 2, 3 }));
        Assert.That(SharedLibraries.LinkTarget(outside), Is.Null);
        if (!OperatingSystem.IsWindows())
            Assert.That(SharedLibraries.LinkTarget(inside), Is.EqualTo("../stage/a.bin"));
    }
}
