using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace ToyPipeline.Core.Runs;

/// <summary>
/// Threads that help a caller over and over, some milliseconds at a time, and wait for the next one when they are done. The thread pool
/// is slower at this: in one case of eight the thread that it wakes begins on the core of its caller, and both share it for 3 ms until
/// one of them is moved.
/// </summary>
public static class HelperThreads
{
    // Falling asleep and being woken takes some 50 µs: what comes soon is waited for awake.
    private static readonly TimeSpan s_awake = TimeSpan.FromMicroseconds(100);

    private static readonly BlockingCollection<Action> s_calls = [];
    private static int s_threads;
    private static int s_free; // threads without work, less calls that wait for a thread

    /// <summary>Has another thread do some work, as soon as one is free; there are as many as the machine has cores.</summary>
    /// <param name="work">What to do; it throws nothing.</param>
    public static void Call(Action work)
    {
        lock (s_calls)
        {
            if (s_free > 0 || s_threads == Environment.ProcessorCount)
            {
                s_free--;
            }
            else
            {
                s_threads++;
                new Thread(Work) { IsBackground = true, Name = "Helper" }.Start();
            }
        }

        s_calls.Add(work);
    }

    /// <summary>
    /// Does the same work on the caller's thread and beside it, until nobody is at it any more. Workers share what there is to do among
    /// themselves: one that comes late finds nothing left, and one that would come after the caller is done does not come.
    /// </summary>
    /// <param name="threads">Threads at most, the caller's among them.</param>
    /// <param name="work">What each of them does.</param>
    /// <remarks>Throws what the work threw first.</remarks>
    public static void Share(int threads, Action work)
    {
        var crew = new Crew(work);
        for (int helper = 1; helper < threads; helper++)
            Call(crew.Help);
        crew.Lead();
    }

    private static void Work()
    {
        while (true)
        {
            SpinUntil(() => s_calls.Count > 0);
            s_calls.Take()();
            lock (s_calls)
                s_free++;
        }
    }

    // Or until it is time to fall asleep.
    private static void SpinUntil(Func<bool> condition)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition() && Stopwatch.GetElapsedTime(start) < s_awake)
            Thread.SpinWait(20);
    }

    private sealed class Crew(Action work)
    {
        private readonly object _gate = new();
        private int _atWork;
        private bool _closed;
        private ExceptionDispatchInfo? _failure;

        public void Lead()
        {
            Try();
            lock (_gate)
                _closed = true;
            SpinUntil(() => Volatile.Read(ref _atWork) == 0);
            lock (_gate)
            {
                while (_atWork > 0)
                    Monitor.Wait(_gate);
            }

            _failure?.Throw();
        }

        public void Help()
        {
            lock (_gate)
            {
                if (_closed)
                    return;
                _atWork++;
            }

            Try();
            lock (_gate)
            {
                _atWork--;
                Monitor.Pulse(_gate);
            }
        }

        private void Try()
        {
            try
            {
                work();
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
            }
        }
    }
}
