using ToyPipeline.Core.Formats;

namespace ToyPipeline.Core.Tests;

/// <summary>Files appear whole or not at all.</summary>
public sealed class AtomicFileTests
{
    private string _folder = "";

    private string Target => Path.Combine(_folder, "sub", "file.txt");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("toy-atomic-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void A_file_is_written_and_replaced_without_a_byte_order_mark()
    {
        AtomicFile.WriteText(Target, "Größe");
        AtomicFile.WriteText(Target, "x\n");
        Assert.That(File.ReadAllBytes(Target), Is.EqualTo("x\n"u8.ToArray()));
        Assert.That(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories), Has.Length.EqualTo(1));
    }

    [Test]
    public void A_writer_that_throws_leaves_the_old_file_and_nothing_else()
    {
        AtomicFile.WriteText(Target, "old");
        Assert.That(() => AtomicFile.Write(Target, stream =>
        {
            stream.Write("new"u8);
            throw new OperationCanceledException();
        }), Throws.TypeOf<OperationCanceledException>());
        Assert.That(File.ReadAllText(Target), Is.EqualTo("old"));
        Assert.That(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories), Has.Length.EqualTo(1));
    }

    [Test]
    public void A_disk_that_is_full_is_a_fault_of_the_environment()
    {
        Assert.That(() => AtomicFile.Write(Target, _ => throw new IOException("No space left on device")),
            Throws.TypeOf<EnvironmentFaultException>().With.Message.StartsWith($"Cannot write {Target}: No space left on device"));
        Assert.That(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories), Is.Empty);
    }

    [Test]
    public void A_path_below_a_file_is_a_fault_of_the_environment()
    {
        File.WriteAllText(Path.Combine(_folder, "sub"), "a file");
        Assert.That(() => AtomicFile.WriteText(Target, "x"), Throws.TypeOf<EnvironmentFaultException>().With.Message.Contains("--artifacts"));
    }

    [Test]
    public void A_folder_in_the_place_of_the_file_stays()
    {
        Directory.CreateDirectory(Target);
        Assert.That(() => AtomicFile.WriteText(Target, "x"), Throws.TypeOf<EnvironmentFaultException>());
        Assert.That(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories), Is.Empty);
    }

    [Test]
    public void Writers_of_one_file_do_not_get_into_each_others_way()
    {
        Parallel.For(0, 64, i => AtomicFile.WriteText(Target, new string((char)('a' + (i % 26)), 10_000)));
        string text = File.ReadAllText(Target);
        Assert.That(text, Has.Length.EqualTo(10_000).And.Matches<string>(t => t!.Distinct().Count() == 1));
        Assert.That(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories), Has.Length.EqualTo(1));
    }

    [Test]
    public void What_killed_processes_left_is_deleted_and_what_others_write_stays()
    {
        string machine = new([.. Environment.MachineName.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')]);
        string left = Make($"a.safetensors.{machine}.{int.MaxValue}.1.partial"), own = Make($"a.{machine}.{Environment.ProcessId}.1.partial");
        string elsewhere = Make("b.elsewhere.17.1.partial"), old = Make("c.elsewhere.17.1.partial"), foreign = Make("notes.partial");
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(-2));
        string alive = Make($"d.{machine}.{System.Diagnostics.Process.GetProcesses().Where(process => process.Id > 0 && process.Id != Environment.ProcessId).Min(process => process.Id)}.1.partial");
        AtomicFile.DeleteAbandoned(_folder);
        Assert.That(Directory.GetFiles(_folder), Is.EquivalentTo(new[] { elsewhere, foreign, alive }));
        Assert.That(new[] { left, own, old }, Has.None.Matches<string>(File.Exists));

        string Make(string name)
        {
            string path = Path.Combine(_folder, name);
            File.WriteAllText(path, "");
            return path;
        }
    }
}
