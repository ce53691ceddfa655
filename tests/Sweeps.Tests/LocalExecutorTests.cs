using CsCheck;

namespace ToyPipeline.Sweeps.Tests;

/// <summary>Packs on the cores of one machine: all of them, no more at a time than there are cores for, and an end when one fails.</summary>
public sealed class LocalExecutorTests
{
    [Test]
    public void Every_pack_runs_once_and_never_are_there_more_than_cores_for() =>
        Gen.Select(Gen.Int[1, 5].List[0, 40], Gen.Int[1, 4]).Sample((widths, cores) =>
        {
            int busy = 0, most = 0;
            var ran = new System.Collections.Concurrent.ConcurrentBag<int>();
            LocalExecutor.Run(Enumerable.Range(0, widths.Count), pack => widths[pack], cores, (pack, _) =>
            {
                int share = Math.Min(widths[pack], cores);
                int now = Interlocked.Add(ref busy, share);
                InterlockedMax(ref most, now);
                Thread.Yield();
                Interlocked.Add(ref busy, -share);
                ran.Add(pack);
            }, default);
            return ran.Order().SequenceEqual(Enumerable.Range(0, widths.Count)) && most <= cores;
        }, iter: 50);

    [Test]
    public void Narrow_packs_run_side_by_side()
    {
        using var meeting = new Barrier(3);
        Assert.That(() => LocalExecutor.Run([0, 1, 2], _ => 1, 3, (_, _) => Assert.That(meeting.SignalAndWait(TimeSpan.FromSeconds(20), CancellationToken.None), Is.True), default), Throws.Nothing);
    }

    [Test]
    public void A_failure_stops_the_others_and_is_what_is_thrown()
    {
        int begun = 0;
        Assert.That(() => LocalExecutor.Run(Enumerable.Range(0, 100), _ => 1, 2, (pack, stop) =>
        {
            Interlocked.Increment(ref begun);
            if (pack == 3)
                throw new IOException("No space left on device");
            if (pack == 2)
            {
                stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(20));
                stop.ThrowIfCancellationRequested();
            }
        }, default), Throws.TypeOf<IOException>().With.Message.EqualTo("No space left on device"));
        Assert.That(begun, Is.EqualTo(4));
    }

    [Test]
    public void Cancelling_ends_the_packs_in_flight_and_begins_no_other()
    {
        using var source = new CancellationTokenSource();
        int begun = 0;
        Assert.That(() => LocalExecutor.Run(Enumerable.Range(0, 100), _ => 2, 2, (pack, stop) =>
        {
            begun++;
            if (pack == 5)
                source.Cancel();
            stop.ThrowIfCancellationRequested();
        }, source.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(begun, Is.EqualTo(6));
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (int seen = target; value > seen;)
        {
            int before = Interlocked.CompareExchange(ref target, value, seen);
            if (before == seen)
                return;
            seen = before;
        }
    }
}
