using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Dynamics;

/// <summary>The weight snapshots of one instance.</summary>
/// <param name="Steps">Steps after which they were taken, ascending; 0 is the initialization.</param>
/// <param name="Weights">The weights at each, as a pack of one.</param>
internal sealed record SnapshotWeights(IReadOnlyList<int> Steps, IReadOnlyList<EnsembleWeights> Weights)
{
    /// <summary>Reads the snapshots of an instance from its pack's history.</summary>
    /// <param name="history">The history.</param>
    /// <param name="path">Its file, for errors.</param>
    /// <param name="instance">Which instance.</param>
    /// <param name="model">Its architecture and shape.</param>
    /// <exception cref="InvalidInputException">The history has no snapshots of such an instance, or values that are not finite.</exception>
    public static SnapshotWeights Of(TrainingHistory history, string path, Instance instance, ModelSpec model)
    {
        var (kind, n, m) = model;
        int place = history.Instances.Select(member => member.Index).ToList().IndexOf(instance.Index);
        bool pair = kind == ModelKind.AbsoluteValue;
        int count = history.SnapshotSteps.Length;
        int[] matrix = [count, history.Instances.Count, n, m];
        if (place < 0 || count == 0 || !Has(pair ? "W1" : "W", matrix) || (pair && !Has("W2", matrix)) || !Has("b", [count, history.Instances.Count, n]))
            throw new InvalidInputException($"{path} has no snapshots of instance {instance.Index} with {n} features and {m} hidden dimensions: train again, with training.history.snapshots.");

        var weights = new EnsembleWeights[count];
        for (int s = 0; s < count; s++)
        {
            weights[s] = new EnsembleWeights
            {
                Kind = kind,
                Features = n,
                Hidden = m,
                Instances = [instance],
                W = Slice(pair ? "W1" : "W", s, n * m),
                W2 = pair ? Slice("W2", s, n * m) : null,
                B = Slice("b", s, n),
            };
        }

        return new SnapshotWeights([.. history.SnapshotSteps.Select(step => (int)step)], weights);

        bool Has(string name, int[] shape) => history.Snapshots.TryGetValue(name, out var tensor) && tensor.Shape.SequenceEqual(shape);

        float[] Slice(string name, int snapshot, int length)
        {
            float[] values = history.Snapshots[name].Values.AsSpan(((snapshot * history.Instances.Count) + place) * length, length).ToArray();
            return Array.TrueForAll(values, float.IsFinite) ? values : throw new InvalidInputException($"{path}: the snapshots {name} have values that are not finite.");
        }
    }
}
