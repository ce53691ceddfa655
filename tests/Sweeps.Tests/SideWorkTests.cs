namespace ToyPipeline.Sweeps.Tests;

/// <summary>Work beside the main work: its result, and how one stops the other.</summary>
public sealed class SideWorkTests
{
    [Test]
    public void What_it_gives_is_waited_for()
    {
        using var stop = new CancellationTokenSource();
        using var go = new ManualResetEventSlim();
        var work = new SideWork<int>("test", _ =>
        {
            go.Wait(CancellationToken.None);
            return 7;
        }, stop);
        go.Set();
        Assert.That((work.Result(), work.Failure()), Is.EqualTo((7, (Exception?)null)));
    }

    [Test]
    public void A_failure_stops_the_main_work_and_is_told()
    {
        using var stop = new CancellationTokenSource();
        var work = new SideWork<int>("test", _ => throw new IOException("full"), stop);
        Assert.That(stop.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(20)), Is.True);
        Assert.That(work.Failure(), Is.TypeOf<IOException>());
        Assert.That(() => work.Result(), Throws.TypeOf<IOException>());
    }

    [Test]
    public void Who_is_stopped_has_not_failed()
    {
        using var stop = new CancellationTokenSource();
        var work = new SideWork<int>("test", token =>
        {
            token.WaitHandle.WaitOne(TimeSpan.FromSeconds(20));
            token.ThrowIfCancellationRequested();
            return 0;
        }, stop);
        stop.Cancel();
        Assert.That(work.Failure(), Is.Null);
        Assert.That(() => work.Result(), Throws.InstanceOf<OperationCanceledException>());
    }
}
