using System.Runtime.InteropServices;
using TorchSharp;
using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;
using static TorchSharp.torch;

namespace ToyPipeline.Training;

/// <summary>
/// TorchSharp eager mode: covers every model, and is the yardstick that the other objectives are tested against.
/// Loss of instance e: <c>mean over samples and features of I_i (target_i − x'_i)²</c>; the sum over instances is differentiated,
/// so that each instance's gradient is its own.
/// </summary>
internal sealed class AutogradObjective : IObjective
{
    private readonly Ensemble _ensemble;
    private readonly optim.Optimizer _optimizer;
    private readonly Tensor _importance; // [instances, 1, features]
    private readonly Tensor _batch; // [instances, batch, features]

    public AutogradObjective(Ensemble ensemble)
    {
        _ensemble = ensemble;
        _optimizer = Optimizer(ensemble.Model, ensemble.Training.Optimizer);
        _importance = tensor(ensemble.Importance).reshape(ensemble.Instances, 1, ensemble.Spec.Features);
        _batch = empty(ensemble.Instances, ensemble.Training.Batch, ensemble.Spec.Features);
    }

    public void Train(long from, long to, Span<double> loss, CancellationToken cancellation)
    {
        loss.Clear();
        for (long step = from; step < to; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            foreach (var group in _optimizer.ParamGroups)
                group.LearningRate = LearningRate.At(_ensemble.Training, step);
            float[] losses = Backward(step);
            _optimizer.step();
            for (int i = 0; i < losses.Length; i++)
                loss[i] += losses[i] / (to - from);
        }
    }

    public LossAndGradient Evaluate(long step)
    {
        using var scope = NewDisposeScope();
        float[] loss = Backward(step);
        var model = _ensemble.Model;
        return new LossAndGradient(
            loss, Ensemble.Values(model.W.grad!), model.W2 is null ? null : Ensemble.Values(model.W2.grad!), Ensemble.Values(model.B.grad!));
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _importance.Dispose();
        _batch.Dispose();
    }

    // Leaves the gradient in the parameters and returns the loss of each instance.
    private float[] Backward(long step)
    {
        FillBatch(step);
        _optimizer.zero_grad();
        var model = _ensemble.Model;
        var difference = model.Target(_batch) - model.forward(_batch);
        var losses = (_importance * difference.square()).mean([1, 2]);
        losses.sum().backward();
        return Ensemble.Values(losses);
    }

    private void FillBatch(long step)
    {
        int n = _ensemble.Spec.Features;
        int batch = _ensemble.Training.Batch;
        Parallel.For(0, _ensemble.Instances, instance =>
        {
            var source = _ensemble.Sources[instance];
            using var own = _batch[instance];
            var rows = MemoryMarshal.Cast<byte, float>(own.bytes);
            float[] tile = new float[n * SampleSource.TileSamples];
            var buffer = new DrawBuffer(n, source.Sets);
            for (int t = 0; t < SampleSource.Tiles(batch); t++)
            {
                unsafe
                {
                    fixed (float* x = tile)
                        source.FillTiles(step, t, 1, x, SampleSource.TileSamples, buffer);
                }

                int first = t * SampleSource.TileSamples;
                for (int j = 0; j < Math.Min(SampleSource.TileSamples, batch - first); j++)
                {
                    for (int f = 0; f < n; f++)
                        rows[((first + j) * n) + f] = tile[(f * SampleSource.TileSamples) + j];
                }
            }
        });
    }

    internal static optim.Optimizer Optimizer(ToyModel model, OptimizerSpec spec) => spec.Kind switch
    {
        OptimizerKind.AdamW => optim.AdamW(model.parameters(), spec.LearningRate, spec.Beta1, spec.Beta2, spec.Epsilon, spec.WeightDecay),
        OptimizerKind.Adam => optim.Adam(model.parameters(), spec.LearningRate, spec.Beta1, spec.Beta2, spec.Epsilon, spec.WeightDecay),
        _ => optim.SGD(model.parameters(), spec.LearningRate, spec.Momentum, weight_decay: spec.WeightDecay),
    };
}
