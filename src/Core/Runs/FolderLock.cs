using System.Globalization;

namespace ToyPipeline.Core.Runs;

/// <summary>Holds a folder for one process at a time: <c>.lock</c>, and the holder's name beside it. The lock goes with its process, however that ends.</summary>
public sealed class FolderLock : IDisposable
{
    private const string LockFile = ".lock";
    private const string HolderFile = ".lock.holder";

    // Of a file that another process has locked: EWOULDBLOCK on Linux and on macOS, ERROR_SHARING_VIOLATION on Windows.
    private static readonly int[] s_held = [11, 35, unchecked((int)0x80070020)];

    private readonly string _folder;
    private readonly FileStream _stream;

    private FolderLock(string folder, FileStream stream) => (_folder, _stream) = (folder, stream);

    /// <summary>Takes the lock of a folder, which is made where it is missing; null where somebody holds it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="now">The time, UTC, for the holder's name.</param>
    /// <exception cref="IOException">The folder cannot be written, for example on a full or a read-only disk.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written.</exception>
    public static FolderLock? TryTake(string folder, DateTime now)
    {
        Directory.CreateDirectory(folder);
        FileStream stream;
        try
        {
            stream = new FileStream(Path.Combine(folder, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (s_held.Contains(e.HResult))
        {
            return null;
        }

        try
        {
            File.WriteAllText(
                Path.Combine(folder, HolderFile),
                string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName} since {now:yyyy-MM-dd HH:mm:ss} UTC"));
            return new FolderLock(folder, stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Who holds a folder, for a message.</summary>
    public static string Holder(string folder)
    {
        try
        {
            string holder = File.ReadAllText(Path.Combine(folder, HolderFile)).Trim();
            return holder.Length > 0 ? holder : "another process";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "another process";
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_stream.CanRead)
            return;
        try
        {
            File.Delete(Path.Combine(_folder, HolderFile));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The holder's name is only for messages: the lock itself goes with the stream.
        }

        _stream.Dispose();
    }
}
