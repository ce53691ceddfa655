namespace ToyPipeline.Core.Formats;

/// <summary>Files that appear whole or not at all: written aside, flushed to disk, renamed.</summary>
public static class AtomicFile
{
    /// <summary>Suffix of files that are being written; what a killed process leaves behind can be deleted.</summary>
    public const string TemporarySuffix = ".partial";

    private static readonly string s_machine = new([.. Environment.MachineName.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')]);

    /// <summary>Writes <paramref name="path"/> through <paramref name="write"/>. Creates the folder where it is missing.</summary>
    /// <exception cref="EnvironmentFaultException">The folder cannot be written, or the disk is full; no partial file is left.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        // Of this machine, process and thread: several machines may write to one shared folder.
        string temporary = $"{path}.{s_machine}.{Environment.ProcessId}.{Environment.CurrentManagedThreadId}{TemporarySuffix}";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EnvironmentFaultException($"Cannot write {path}: {e.Message.TrimEnd('.')}. Free space or choose another folder with --artifacts, then run the same command again.", e);
        }
        finally
        {
            TryDelete(temporary);
        }
    }

    /// <summary>Writes text as UTF-8 without a byte order mark.</summary>
    /// <inheritdoc cref="Write" path="/exception"/>
    public static void WriteText(string path, string text) =>
        Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>Deletes what processes that were killed left of their writing below <paramref name="folder"/>.</summary>
    /// <remarks>Of another machine only what is over a day old: whether a process is alive there cannot be told from here.</remarks>
    public static void DeleteAbandoned(string folder)
    {
        foreach (string path in Directory.EnumerateFiles(folder, "*" + TemporarySuffix, SearchOption.AllDirectories))
        {
            if (path.Split('.') is [.., var machine, var process, _, _] && (machine == s_machine ? !IsAlive(process) : File.GetLastWriteTimeUtc(path) < DateTime.UtcNow.AddDays(-1)))
                TryDelete(path);
        }
    }

    private static bool IsAlive(string process)
    {
        // One of our own number was another process: this one has only just opened the folder.
        if (!int.TryParse(process, out int id) || id == Environment.ProcessId)
            return false;
        try
        {
            using var other = System.Diagnostics.Process.GetProcessById(id);
            return !other.HasExited;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The write's own error is the one to report.
        }
    }
}
