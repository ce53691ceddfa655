using System.Diagnostics;

namespace ToyPipeline.Cli.Tests;

/// <summary>Sweeps on a disk that is full or cannot be written: a small file system in memory.</summary>
[Platform("Linux", Reason = "Disks are tmpfs mounts.")]
public sealed class SweepDiskTests
{
    private string _disk = "";

    [SetUp]
    public void Mount()
    {
        _disk = Directory.CreateTempSubdirectory("toy-disk-").FullName;
        if (Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", _disk) is { Length: > 0 } refusal)
        {
            Directory.Delete(_disk);
            Assert.Ignore($"A file system in memory cannot be mounted here: {refusal}");
        }
    }

    [TearDown]
    public void Unmount()
    {
        if (!Directory.Exists(_disk))
            return;
        Run("umount", _disk);
        Directory.Delete(_disk);
    }

    [Test]
    public void A_full_disk_is_told_and_with_more_room_the_same_command_goes_on()
    {
        using var workspace = new Workspace();
        workspace.Write("tiny.yaml", Sweeping.Quick);
        int refusals = 0;
        // From too little for the datasets to enough for all: weights, models, tables and the page hit the limit in turn.
        for (int size = 64; ; size *= 2)
        {
            Assert.That(Run("mount", "-o", $"remount,size={size}k", _disk), Is.Empty);
            var before = Packs();
            var (code, _, error) = workspace.Toy("sweep", "tiny.yaml", "--artifacts", _disk);
            Assert.That(before.Except(Packs()), Is.Empty, "finished packs stay, and are not made again");
            Assert.That(Directory.EnumerateFiles(_disk, "*.partial", SearchOption.AllDirectories), Is.Empty);
            if (code == 0)
                break;
            refusals++;
            Assert.That(code, Is.EqualTo(3), error);
            Assert.That(error, Does.StartWith("error: ").And.Contains("No space left on device").And.Matches(@"^[^\n]+\n$"));
        }

        Assert.That(refusals, Is.GreaterThan(3));
        var undisturbed = Sweeping.UndisturbedQuick.Value;
        foreach (string file in Directory.EnumerateFiles(Path.Combine(_disk, "tiny"), "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(workspace.Run, Path.GetRelativePath(Path.Combine(_disk, "tiny"), file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        Sweeping.AssertSame(workspace, undisturbed);

        List<(string, DateTime)> Packs() => Directory.Exists(Path.Combine(_disk, "tiny", "weights"))
            ? [.. Directory.EnumerateFiles(Path.Combine(_disk, "tiny", "weights"), "pack-?????.safetensors").Select(path => (path, File.GetLastWriteTimeUtc(path)))]
            : [];
    }

    [Test]
    public void A_disk_that_cannot_be_written_is_told()
    {
        using var workspace = new Workspace();
        Assert.That(Run("mount", "-o", "remount,ro", _disk), Is.Empty);
        var (code, _, error) = workspace.Toy("sweep", "tiny.yaml", "--artifacts", _disk);
        Assert.That((code, error), Is.EqualTo((3, $"error: The run folder {_disk}/tiny cannot be written: Read-only file system : '{_disk}/tiny'. Choose another with --artifacts.\n")));
    }

    // What a command complains of; nothing where it went well.
    private static string Run(string command, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? "" : $"{error.Trim()} (exit code {process.ExitCode})";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return e.Message;
        }
    }
}
