using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Core.Tests;

/// <summary>Weights and histories of a pack: round trip, and what is refused.</summary>
public sealed class WeightFileTests
{
    private static readonly IReadOnlyList<Instance> s_instances =
    [
        new(4, new Cell(2, [new Coordinate("data.sparsity", "0.50")]), 0, ulong.MaxValue),
        new(5, new Cell(2, [new Coordinate("data.sparsity", "0.50")]), 1, 0),
    ];

    private string _folder = "";

    private string File => Path.Combine(_folder, "pack.safetensors");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("toy-weights-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    private static EnsembleWeights Weights(ModelKind kind) => new()
    {
        Kind = kind,
        Features = 3,
        Hidden = 2,
        Instances = s_instances,
        W = [.. Enumerable.Range(0, 12).Select(i => i / 7f)],
        W2 = kind == ModelKind.AbsoluteValue ? [.. Enumerable.Range(0, 12).Select(i => -i / 7f)] : null,
        B = [1, 2, 3, 4, 5, 6],
        Experiment = "name: x\n",
    };

    [Test]
    public void Weights_that_are_saved_are_loaded([Values] ModelKind kind)
    {
        var weights = Weights(kind);
        weights.Save(File);
        var loaded = EnsembleWeights.Load(File);
        Assert.Multiple(() =>
        {
            Assert.That((loaded.Kind, loaded.Features, loaded.Hidden, loaded.Experiment), Is.EqualTo((kind, 3, 2, "name: x\n")));
            Assert.That(loaded.W, Is.EqualTo(weights.W));
            Assert.That(loaded.W2, Is.EqualTo(weights.W2));
            Assert.That(loaded.B, Is.EqualTo(weights.B));
            Assert.That(InstancesJson.Write(loaded.Instances), Is.EqualTo(InstancesJson.Write(s_instances)));
            Assert.That(loaded.Instances[0].Seed, Is.EqualTo(ulong.MaxValue));
            Assert.That(loaded.WOf(1).ToArray(), Is.EqualTo(weights.W[6..]));
            Assert.That(loaded.DecoderOf(1).ToArray(), Is.EqualTo((weights.W2 ?? weights.W)[6..]));
            Assert.That(loaded.BOf(1).ToArray(), Is.EqualTo(new float[] { 4, 5, 6 }));
        });
    }

    [Test]
    public void Values_that_are_not_finite_are_refused()
    {
        (Weights(ModelKind.Linear) with { B = [1, 2, 3, 4, float.NaN, 6] }).Save(File);
        Assert.That(() => EnsembleWeights.Load(File), Throws.TypeOf<InvalidInputException>().With.Message.Contains("tensor b has values that are not finite"));
    }

    [TestCase("format", "other")]
    [TestCase("kind", "transformer")]
    [TestCase("instances", "[]")]
    [TestCase("instances", "[null, null]")]
    [TestCase("instances", "{")]
    [TestCase("instances", "[{\"index\":0,\"cell\":0,\"replica\":0,\"seed\":0,\"coordinates\":null},{\"index\":0,\"cell\":0,\"replica\":0,\"seed\":0,\"coordinates\":{}}]")]
    [TestCase("instances", "[{\"index\":0,\"cell\":0,\"replica\":0,\"seed\":0,\"coordinates\":{\"a\":null}},{\"index\":0,\"cell\":0,\"replica\":0,\"seed\":0,\"coordinates\":{}}]")]
    public void Metadata_that_does_not_fit_is_refused(string key, string value)
    {
        Weights(ModelKind.ReluOutput).Save(File);
        var file = Safetensors.Load(File);
        new Safetensors { Tensors = file.Tensors, Metadata = new Dictionary<string, string>(file.Metadata) { [key] = value } }.Save(File);
        Assert.That(() => EnsembleWeights.Load(File), Throws.TypeOf<InvalidInputException>().With.Message.Contains(File));
    }

    [Test]
    public void A_history_that_is_saved_is_loaded()
    {
        var history = new TrainingHistory
        {
            Instances = s_instances,
            LossSteps = [10, 20, 25],
            Loss = [1, 2, 3, 4, 5, 6],
            SnapshotSteps = [0, 25],
            Snapshots = new Dictionary<string, Tensor> { ["W"] = new([2, 2, 3, 2], new float[24]), ["b"] = new([2, 2, 3], new float[12]) },
        };
        history.Save(File);
        var loaded = TrainingHistory.Load(File);
        Assert.Multiple(() =>
        {
            Assert.That(loaded.LossSteps, Is.EqualTo(history.LossSteps));
            Assert.That(loaded.Loss, Is.EqualTo(history.Loss));
            Assert.That(loaded.SnapshotSteps, Is.EqualTo(history.SnapshotSteps));
            Assert.That(loaded.Snapshots.Keys, Is.EquivalentTo(new[] { "W", "b" }));
            Assert.That(loaded.Snapshots["W"].Shape, Is.EqualTo(new[] { 2, 2, 3, 2 }));
        });

        (history with { SnapshotSteps = [25] }).Save(File);
        Assert.That(() => TrainingHistory.Load(File), Throws.TypeOf<InvalidInputException>().With.Message.Contains("snapshots W"));
    }
}
