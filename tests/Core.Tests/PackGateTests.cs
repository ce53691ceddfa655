using ToyPipeline.Core.Runs;

namespace ToyPipeline.Core.Tests;

/// <summary>Waiting for packs that another thread makes.</summary>
public sealed class PackGateTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    [Test]
    public void Who_waits_for_a_pack_goes_on_when_it_is_there()
    {
        var gate = new PackGate(3);
        var passed = Task.Run(() => gate.Wait(2, default));
        gate.Open(0);
        Assert.That(passed.Wait(50), Is.False, "another pack is no reason");
        gate.Open(2);
        Assert.That(passed.Wait(s_patience), Is.True);
        Assert.That(() => gate.Wait(0, default), Throws.Nothing);
    }

    [Test]
    public void The_end_of_the_stage_lets_everybody_through()
    {
        var gate = new PackGate(2);
        gate.Open(0);
        gate.Open(1);
        var passed = Task.Run(() => gate.WaitForAll(default));
        Assert.That(passed.Wait(50), Is.False, "packs are not all that a stage writes");
        gate.OpenAll();
        Assert.That(passed.Wait(s_patience), Is.True);
        Assert.That(() => PackGate.Opened.Wait(17, default), Throws.Nothing);
    }

    [Test]
    public void Waiting_ends_when_it_is_cancelled([Values] bool before)
    {
        using var source = new CancellationTokenSource();
        if (before)
            source.Cancel();
        var gate = new PackGate(1);
        var waiting = Task.Run(() => gate.Wait(0, source.Token));
        source.CancelAfter(20);
        Assert.That(() => waiting.Wait(s_patience), Throws.TypeOf<AggregateException>().With.InnerException.InstanceOf<OperationCanceledException>());
    }
}
