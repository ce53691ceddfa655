using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Training.Tests;

/// <summary>Learning rates and snapshots over the steps.</summary>
public sealed class ScheduleTests
{
    private static TrainingSpec Training(Schedule schedule, int steps, int snapshots = 0, SnapshotSpacing spacing = SnapshotSpacing.Log) => new(
        ObjectiveKind.Autograd, steps, 64, new OptimizerSpec(OptimizerKind.AdamW, 0.5, 0, 0.9, 0.999, 1e-8, 0), schedule, new HistorySpec(0, snapshots, spacing));

    [TestCase(Schedule.Constant, 0.5, 0.5, 0.5, 0.5)]
    [TestCase(Schedule.Linear, 0.5, 0.375, 0.25, 0.005)]
    [TestCase(Schedule.Cosine, 0.5, 0.42677669529663687, 0.25, 0.00012336, 1e-8)]
    public void The_rate_falls_as_the_schedule_says(Schedule schedule, double first, double quarter, double half, double last, double within = 1e-15)
    {
        var training = Training(schedule, 100);
        Assert.That(new[] { 0, 25, 50, 99 }.Select(step => LearningRate.At(training, step)), Is.EqualTo(new[] { first, quarter, half, last }).Within(within));
    }

    [TestCase(SnapshotSpacing.Linear, 10_000, 5, new long[] { 0, 2500, 5000, 7500, 10_000 })]
    [TestCase(SnapshotSpacing.Log, 9_999, 5, new long[] { 0, 9, 99, 999, 9_999 })]
    [TestCase(SnapshotSpacing.Log, 3, 100, new long[] { 0, 1, 2, 3 })]
    [TestCase(SnapshotSpacing.Linear, 1, 2, new long[] { 0, 1 })]
    [TestCase(SnapshotSpacing.Log, 10_000, 2, new long[] { 0, 10_000 })]
    [TestCase(SnapshotSpacing.Log, 10_000, 0, new long[0])]
    public void Snapshots_go_from_the_start_to_the_end(SnapshotSpacing spacing, int steps, int count, long[] expected) =>
        Assert.That(Trainer.SnapshotSteps(Training(Schedule.Constant, steps, count, spacing)), Is.EqualTo(expected));

    [TestCase(2_000_000_000)]
    [TestCase(123_456)]
    public void The_last_snapshot_is_the_last_step_however_long_the_run(int steps) =>
        Assert.That(Trainer.SnapshotSteps(Training(Schedule.Constant, steps, 50)).Max, Is.EqualTo(steps));
}
