using System.Runtime.ExceptionServices;

namespace ToyPipeline.Sweeps;

/// <summary>Runs packs on the cores of this machine.</summary>
public static class LocalExecutor
{
    /// <summary>Runs packs in their order, as many side by side as it takes to keep the cores busy and no more: what is in memory are these.</summary>
    /// <param name="packs">Places of the packs.</param>
    /// <param name="width">How many cores a pack keeps busy by itself.</param>
    /// <param name="cores">Number of cores.</param>
    /// <param name="work">Does the work of one pack; called from several threads.</param>
    /// <param name="cancellation">Stops before the next pack, and is handed on to the work.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <remarks>The first failure stops the others, and is thrown when they have stopped.</remarks>
    public static void Run(IEnumerable<int> packs, Func<int, int> width, int cores, Action<int, CancellationToken> work, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(packs);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var gate = new object();
        int free = cores, running = 0;
        Exception? failure = null;
        foreach (int pack in packs)
        {
            int share = Math.Clamp(width(pack), 1, cores);
            lock (gate)
            {
                while (free < share)
                    Monitor.Wait(gate);
                if (stop.IsCancellationRequested)
                    break;
                free -= share;
                running++;
            }

            new Thread(() => Work(pack, share)) { IsBackground = true, Name = $"pack {pack}" }.Start();
        }

        lock (gate)
        {
            while (running > 0)
                Monitor.Wait(gate);
        }

        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
        cancellation.ThrowIfCancellationRequested();

        void Work(int pack, int share)
        {
            Exception? own = null;
            try
            {
                work(pack, stop.Token);
            }
            catch (Exception e)
            {
                own = e;
            }

            lock (gate)
            {
                failure ??= own;
                if (own is not null)
                    stop.Cancel();
                free += share;
                running--;
                Monitor.PulseAll(gate);
            }
        }
    }
}
