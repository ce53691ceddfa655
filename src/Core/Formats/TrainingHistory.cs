using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Core.Formats;

/// <summary>What was recorded while a pack trained: <c>weights/pack-NNNNN.history.safetensors</c>.</summary>
/// <remarks>
/// Tensors: <c>loss [instances, records]</c> with <c>loss_step [records]</c>; with snapshots also <c>snapshot_step [snapshots]</c>,
/// <c>W [snapshots, instances, features, hidden]</c> (W1 and W2 of the absolute-value model) and <c>b [snapshots, instances, features]</c>.
/// </remarks>
public sealed record TrainingHistory
{
    /// <summary>What each instance is, in the order of the instances axis.</summary>
    public required IReadOnlyList<Instance> Instances { get; init; }

    /// <summary>The last step of each span over which the loss was averaged, [records].</summary>
    public required float[] LossSteps { get; init; }

    /// <summary>Mean training loss of each span, [instances, records].</summary>
    public required float[] Loss { get; init; }

    /// <summary>Steps after which weights were recorded; 0 is the initialization.</summary>
    public float[] SnapshotSteps { get; init; } = [];

    /// <summary>Weights at the snapshots by tensor name, [snapshots, instances, ...].</summary>
    public IReadOnlyDictionary<string, Tensor> Snapshots { get; init; } = new Dictionary<string, Tensor>();

    /// <inheritdoc cref="EnsembleWeights.MadeFrom"/>
    public string MadeFrom { get; init; } = "";

    /// <summary>Writes the file whole or not at all.</summary>
    /// <inheritdoc cref="AtomicFile.Write" path="/exception"/>
    public void Save(string path)
    {
        var tensors = new Dictionary<string, Tensor>
        {
            ["loss_step"] = new([LossSteps.Length], LossSteps),
            ["loss"] = new([Instances.Count, LossSteps.Length], Loss),
        };
        if (SnapshotSteps.Length > 0)
        {
            tensors["snapshot_step"] = new([SnapshotSteps.Length], SnapshotSteps);
            foreach (var (name, tensor) in Snapshots)
                tensors[name] = tensor;
        }

        var metadata = new Dictionary<string, string> { ["format"] = "toypipeline-history-1", ["instances"] = InstancesJson.Write(Instances) };
        Provenance.Add(metadata, MadeFrom, tensors);
        new Safetensors { Tensors = tensors, Metadata = metadata }.Save(path);
    }

    /// <summary>Reads and checks a history file.</summary>
    /// <exception cref="InvalidInputException">The file is missing, damaged, or no history file.</exception>
    public static TrainingHistory Load(string path)
    {
        var file = Safetensors.Load(path);
        var instances = InstancesJson.Read(file.Metadata.GetValueOrDefault("instances", "[]"), path);
        if (!file.Tensors.TryGetValue("loss_step", out var steps) || !file.Tensors.TryGetValue("loss", out var loss)
            || !loss.Shape.SequenceEqual([instances.Count, steps.Values.Length]))
        {
            throw new InvalidInputException($"{path} is no training history: loss [instances, records] and loss_step [records] are expected.");
        }

        var snapshotSteps = file.Tensors.GetValueOrDefault("snapshot_step")?.Values ?? [];
        var snapshots = file.Tensors.Where(pair => pair.Key is "W" or "W1" or "W2" or "b").ToDictionary();
        foreach (var (name, tensor) in snapshots)
        {
            if (tensor.Shape.Count < 3 || tensor.Shape[0] != snapshotSteps.Length || tensor.Shape[1] != instances.Count)
                throw new InvalidInputException($"{path} has snapshots {name} of shape [{string.Join(", ", tensor.Shape)}] for {snapshotSteps.Length} steps and {instances.Count} instances.");
        }

        return new TrainingHistory
        {
            Instances = instances,
            LossSteps = steps.Values,
            Loss = loss.Values,
            SnapshotSteps = snapshotSteps,
            Snapshots = snapshots,
            MadeFrom = Provenance.Of(file),
        };
    }
}
