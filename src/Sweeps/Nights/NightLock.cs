using ToyPipeline.Core;
using ToyPipeline.Core.Runs;

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

/// <summary>One night at a time in a folder of nights.</summary>
internal static class NightLock
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Takes the lock.</summary>
    /// <param name="folder">Folder of the nights.</param>
    /// <param name="ifRunning">What to do while another one runs.</param>
    /// <param name="clock">The time, for the holder's name.</param>
    /// <param name="tell">Told who holds it.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="NightRunningException">Another night holds it, and <paramref name="ifRunning"/> is to leave.</exception>
    /// <exception cref="EnvironmentFaultException">The folder cannot be written.</exception>
    public static FolderLock Take(string folder, IfRunning ifRunning, TimeProvider clock, Action<string> tell, CancellationToken cancellation)
    {
        try
        {
            for (bool told = false; ; told = true)
            {
                if (FolderLock.TryTake(folder, clock.GetUtcNow().UtcDateTime) is { } held)
                    return held;
                string who = FolderLock.Holder(folder);
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
            throw new EnvironmentFaultException($"The folder of the nights, {folder}, cannot be written: {e.Message.TrimEnd('.')}. Free space, mount it for writing, or choose another with --artifacts.", e);
        }
    }
}
