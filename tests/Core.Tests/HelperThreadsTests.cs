using System.Collections.Concurrent;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Core.Tests;

/// <summary>Work that a caller shares with threads beside it. Alone, for one test keeps all of them busy.</summary>
[NonParallelizable]
public sealed class HelperThreadsTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Test]
    public void Workers_do_all_there_is_to_do([Values(1, 2, 7)] int threads)
    {
        for (int round = 0; round < 100; round++)
        {
            int taken = 0, workers = 0;
            int[] done = new int[1000];
            HelperThreads.Share(threads, () =>
            {
                Interlocked.Increment(ref workers);
                while (Interlocked.Increment(ref taken) is var item && item <= done.Length)
                    Interlocked.Increment(ref done[item - 1]);
            });
            Assert.That(done, Has.All.EqualTo(1));
            Assert.That(workers, Is.InRange(1, threads));
        }
    }

    [Test]
    public void Nobody_is_at_work_when_the_caller_goes_on()
    {
        RequireTwoCores();
        for (int round = 0; round < 20; round++)
        {
            int atWork = 0;
            using var both = new CountdownEvent(2);
            HelperThreads.Share(2, () =>
            {
                Interlocked.Increment(ref atWork);
                both.Signal();
                both.Wait(s_patience);
                // Longer than anyone waits awake.
                if (Environment.CurrentManagedThreadId % 2 == round % 2)
                    Thread.Sleep(5);
                Interlocked.Decrement(ref atWork);
            });
            Assert.That(both.CurrentCount, Is.Zero, "a helper takes part");
            Assert.That(atWork, Is.Zero);
        }
    }

    [Test]
    public void Helpers_that_are_busy_are_not_waited_for()
    {
        using var release = new ManualResetEventSlim();
        using var blocked = new CountdownEvent(Environment.ProcessorCount);
        for (int helper = 0; helper < Environment.ProcessorCount; helper++)
        {
            HelperThreads.Call(() =>
            {
                blocked.Signal();
                release.Wait(s_patience);
            });
        }

        Assert.That(blocked.Wait(s_patience), Is.True, "there are as many helpers as cores");
        int workers = 0;
        HelperThreads.Share(2, () => Interlocked.Increment(ref workers));
        Assert.That(workers, Is.EqualTo(1));
        release.Set();
        // The call that nobody took in time is done without effect before one that came later.
        using var later = new ManualResetEventSlim();
        HelperThreads.Call(later.Set);
        Assert.That(later.Wait(s_patience), Is.True);
        Assert.That(workers, Is.EqualTo(1));
    }

    [Test]
    public void Failures_reach_the_caller_after_everybody_is_done([Values] bool ofTheCaller)
    {
        RequireTwoCores();
        int caller = Environment.CurrentManagedThreadId;
        bool otherIsDone = false;
        using var both = new CountdownEvent(2);
        var error = Assert.Throws<InvalidOperationException>(() => HelperThreads.Share(2, () =>
        {
            both.Signal();
            both.Wait(s_patience);
            if (Environment.CurrentManagedThreadId == caller == ofTheCaller)
                throw new InvalidOperationException("broken");
            Thread.Sleep(5);
            otherIsDone = true;
        }));
        Assert.That(error!.Message, Is.EqualTo("broken"));
        Assert.That(otherIsDone, Is.True);
    }

    [Test]
    public void Helpers_may_have_helpers_themselves()
    {
        var done = new ConcurrentBag<int>();
        HelperThreads.Share(4, () => HelperThreads.Share(4, () => done.Add(1)));
        Assert.That(done, Is.Not.Empty);
    }

    // Of one core, the only helper may be waiting for the caller's turn to end.
    private static void RequireTwoCores()
    {
        if (Environment.ProcessorCount < 2)
            Assert.Ignore("The machine has one core: a helper has nowhere to be at work beside its caller.");
    }
}
