using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Training;

/// <summary>An instance of one pack that takes its place in another.</summary>
/// <param name="To">Place in the pack that is put together.</param>
/// <param name="From">Place in the pack that it comes from.</param>
internal readonly record struct Move(int To, int From);

/// <summary>Puts a pack's weights and history together from instances that lie in several packs.</summary>
internal sealed class PackAssembly(Pack pack)
{
    private EnsembleWeights? _weights;
    private TrainingHistory? _history;

    /// <summary>Copies instances of a pack of the same shape and training setting.</summary>
    /// <param name="weights">Their weights.</param>
    /// <param name="history">Their history; null where none is kept.</param>
    /// <param name="moves">Which instances, and where they go.</param>
    public void Take(EnsembleWeights weights, TrainingHistory? history, IReadOnlyList<Move> moves)
    {
        int count = pack.Instances.Count;
        int from = weights.Instances.Count;
        _weights ??= weights with
        {
            Instances = pack.Instances,
            W = new float[weights.W.Length / from * count],
            W2 = weights.W2 is null ? null : new float[weights.W2.Length / from * count],
            B = new float[weights.B.Length / from * count],
            Exact = weights.Exact is null ? null : new ExactResult(new float[count], new float[count]),
        };
        Copy(weights.W, _weights.W, 1);
        if (_weights.W2 is not null)
            Copy(weights.W2!, _weights.W2, 1);
        Copy(weights.B, _weights.B, 1);
        if (_weights.Exact is not null)
        {
            Copy(weights.Exact!.Loss, _weights.Exact.Loss, 1);
            Copy(weights.Exact.GradientNorm, _weights.Exact.GradientNorm, 1);
        }

        if (history is null)
            return;
        _history ??= history with
        {
            Instances = pack.Instances,
            Loss = new float[history.LossSteps.Length * count],
            Snapshots = history.Snapshots.ToDictionary(pair => pair.Key, pair => Widened(pair.Value, count)),
        };
        Copy(history.Loss, _history.Loss, 1);
        foreach (var (name, tensor) in _history.Snapshots)
            Copy(history.Snapshots[name].Values, tensor.Values, tensor.Shape[0]);

        // [outer, instances, ...] on both sides.
        void Copy(float[] source, float[] target, int outer)
        {
            int size = target.Length / outer / count;
            for (int o = 0; o < outer; o++)
            {
                foreach (var move in moves)
                    source.AsSpan(((o * from) + move.From) * size, size).CopyTo(target.AsSpan(((o * count) + move.To) * size));
            }
        }
    }

    /// <summary>The pack, once every instance was taken from somewhere.</summary>
    public TrainedPack Finish() => new(_weights!, _history);

    private static Tensor Widened(Tensor tensor, int instances)
    {
        int[] shape = [tensor.Shape[0], instances, .. tensor.Shape.Skip(2)];
        return new Tensor(shape, new float[Tensor.Count(shape)]);
    }
}

/// <summary>What training made of a pack.</summary>
/// <param name="Weights">Its parameters.</param>
/// <param name="History">Its history; null on the exact loss.</param>
internal sealed record TrainedPack(EnsembleWeights Weights, TrainingHistory? History);
