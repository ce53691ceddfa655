namespace ToyPipeline.Core.Runs;

/// <summary>Where a stage waits for packs that the stage before it is still making. Threads share it.</summary>
/// <param name="packs">Number of packs.</param>
public sealed class PackGate(int packs)
{
    private readonly bool[] _open = new bool[packs];
    private readonly object _lock = new();
    private bool _allOpen;

    /// <summary>A gate that nobody waits at: the stage before has finished.</summary>
    public static PackGate Opened { get; } = new(0) { _allOpen = true };

    /// <summary>Lets through who waits for a pack.</summary>
    public void Open(int pack)
    {
        lock (_lock)
        {
            _open[pack] = true;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Lets everybody through: the stage before has finished, with all that it writes besides packs.</summary>
    public void OpenAll()
    {
        lock (_lock)
        {
            _allOpen = true;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Waits for a pack.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled meanwhile.</exception>
    public void Wait(int pack, CancellationToken cancellation) => Wait(() => _allOpen || _open[pack], cancellation);

    /// <summary>Waits until the stage before has finished.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled meanwhile.</exception>
    public void WaitForAll(CancellationToken cancellation) => Wait(() => _allOpen, cancellation);

    private void Wait(Func<bool> isOpen, CancellationToken cancellation)
    {
        // Registered outside the lock: whoever has cancelled already is called back at once.
        using var woken = cancellation.Register(() =>
        {
            lock (_lock)
                Monitor.PulseAll(_lock);
        });
        lock (_lock)
        {
            while (!cancellation.IsCancellationRequested && !isOpen())
                Monitor.Wait(_lock);
        }

        cancellation.ThrowIfCancellationRequested();
    }
}
