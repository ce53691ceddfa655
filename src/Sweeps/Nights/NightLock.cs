using System.Globalization;
using ToyPipeline.Core;

namespace ToyPipeline.Sweeps.Nights;

/// <summary>What a night does while another one runs.</summary>
public enum IfRunning
{
    /// <summary>Say so and end.</summary>
    Leave,

    /// <summary>Wait until it has finished.</summary>
    Wait,
}

/// <summary>Another night runs, and this one was to leave: nothing was done. The process ends with exit code 3.</summary>
public sealed class NightRunningException : Exception
{
    /// <inheritdoc/>
    public NightRunningException(string message) : base(message) { }
}

/// <summary>Holds the folder of the nights: one night at a time. The lock goes with its process, however that ends.</summary>
internal sealed class NightLock : IDisposable
{
    // Of a file that another process has locked: EWOULDBLOCK on Linux and on macOS, ERROR_SHARING_VIOLATION on Windows.
    private static readonly int[] s_held = [11, 35, unchecked((int)0x80070020)];

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    private readonly FileStream _held;
    private readonly string _holder;

    private NightLock(FileStream held, string holder) => (_held, _holder) = (held, holder);

    /// <summary>Takes the lock.</summary>
    /// <param name="folder">Folder of the nights.</param>
    /// <param name="ifRunning">What to do while another one runs.</param>
    /// <param name="clock">The time, for the holder's name.</param>
    /// <param name="tell">Told who holds it.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="NightRunningException">Another night holds it, and <paramref name="ifRunning"/> is to leave.</exception>
    /// <exception cref="EnvironmentFaultException">The folder cannot be written.</exception>
    public static NightLock Take(string folder, IfRunning ifRunning, TimeProvider clock, Action<string> tell, CancellationToken cancellation)
    {
        string path = Path.Combine(folder, ".lock"), holder = Path.Combine(folder, ".lock.holder");
        try
        {
            Directory.CreateDirectory(folder);
            for (bool told = false; ; told = true)
            {
                if (TryOpen(path) is { } held)
                    return new NightLock(held, Sign(held, holder, clock));
                string who = Holder(holder);
                if (ifRunning == IfRunning.Leave)
                    throw new NightRunningException($"Another night is running in {folder}, {who}; nothing was done: run again later, or with --if-running wait.");

                if (!told)
                    tell($"Another night is running in {folder}, {who}; waiting until it has finished.");
                if (cancellation.WaitHandle.WaitOne(s_pause))
                    cancellation.ThrowIfCancellationRequested();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EnvironmentFaultException($"The folder of the nights, {folder}, cannot be written: {e.Message} Free space, mount it for writing, or choose another with --artifacts.", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            File.Delete(_holder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The holder's name is only for messages: the lock itself goes with the stream.
        }

        _held.Dispose();
    }

    // Null where somebody holds it; what else goes wrong, on a read-only disk for example, is thrown.
    private static FileStream? TryOpen(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (s_held.Contains(e.HResult))
        {
            return null;
        }
    }

    private static string Sign(FileStream held, string path, TimeProvider clock)
    {
        try
        {
            File.WriteAllText(path, string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName} since {clock.GetUtcNow().UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC"));
            return path;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private static string Holder(string path)
    {
        try
        {
            string holder = File.ReadAllText(path).Trim();
            return holder.Length > 0 ? holder : "another process";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "another process";
        }
    }
}
