using System.Collections.Concurrent;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>
/// Threads that score beside those that read, and wait for the next reader when they are done. The thread pool wakes one of its own for each
/// reader, which in one case of eight begins on the core of its caller: both then share it for 3 ms until one of them is moved.
/// </summary>
internal static class HelperThreads
{
    private static readonly BlockingCollection<Action> s_calls = [];
    private static int s_threads;

    /// <summary>Has one of them do some work, as soon as one is free.</summary>
    /// <param name="work">What to do; it throws nothing.</param>
    /// <param name="threads">How many threads there should be at least.</param>
    public static void Call(Action work, int threads)
    {
        lock (s_calls)
        {
            for (; s_threads < threads; s_threads++)
                new Thread(Work) { IsBackground = true, Name = "Scoring" }.Start();
        }

        s_calls.Add(work);
    }

    private static void Work()
    {
        foreach (var work in s_calls.GetConsumingEnumerable())
            work();
    }
}
