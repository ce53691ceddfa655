using System.Diagnostics;

namespace ToyPipeline.Sweeps.Tests;

/// <summary>A file system of a given size over a folder; tests that cannot have one are ignored.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _folder;

    private SmallDisk(string folder) => _folder = folder;

    public static SmallDisk Mount(string folder, string size)
    {
        if (Run("mount", "-t", "tmpfs", "-o", $"size={size}", "none", folder) != 0)
            Assert.Ignore("This user may not mount a file system.");
        return new SmallDisk(folder);
    }

    public void Remount(string option) => Assert.That(Run("mount", "-o", $"remount,{option}", _folder), Is.Zero);

    public void Dispose() => Run("umount", _folder);

    private static int Run(string file, params string[] args)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(file, args) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }
}
