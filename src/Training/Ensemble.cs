using System.Runtime.InteropServices;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.DataGen;
using static TorchSharp.torch;

namespace ToyPipeline.Training;

/// <summary>A pack in training: the model that holds its parameters, where each instance's samples come from, its importance.</summary>
internal sealed class Ensemble : IDisposable
{
    private Ensemble(Pack pack, ToyModel model, SampleSource[] sources, float[] importance)
    {
        Pack = pack;
        Model = model;
        Sources = sources;
        Importance = importance;
    }

    public Pack Pack { get; }

    public ToyModel Model { get; }

    /// <summary>Samples of each instance.</summary>
    public IReadOnlyList<SampleSource> Sources { get; }

    /// <summary>I_i, [instances, features].</summary>
    public float[] Importance { get; }

    public int Instances => Pack.Instances.Count;

    public ModelSpec Spec => Pack.Model;

    public TrainingSpec Training => Pack.Training;

    /// <summary>The ensemble of a pack at its initialization.</summary>
    /// <param name="pack">The pack.</param>
    /// <param name="dataset">Gives the training dataset of a cell that trains from disk.</param>
    public static Ensemble Create(Pack pack, Func<CellSpec, TrainingDataset> dataset)
    {
        var spec = pack.Model;
        ulong[] seeds = [.. pack.Instances.Select(instance => instance.Seed)];
        long[] shape = [seeds.Length, spec.Features, spec.Hidden];
        var w = Owned(Initializer.Weights(spec, seeds, 0), shape);
        var w2 = spec.Kind == ModelKind.AbsoluteValue ? Owned(Initializer.Weights(spec, seeds, 1), shape) : null;
        var model = ToyModel.Create(spec, w, w2, zeros(seeds.Length, spec.Features));
        // Cells come one after the other: the replicas of a cell share one sampler.
        var samplers = new Dictionary<CellSpec, FeatureSampler>(ReferenceEqualityComparer.Instance);
        var sources = new SampleSource[seeds.Length];
        for (int i = 0; i < seeds.Length; i++)
        {
            var cell = pack.Specs[i];
            if (cell.Data.TrainSamples is not null)
            {
                sources[i] = new DatasetSource(dataset(cell), pack.Training.Batch);
                continue;
            }

            if (!samplers.TryGetValue(cell, out var sampler))
                samplers[cell] = sampler = new FeatureSampler(cell.Data);
            sources[i] = new StreamSource(sampler, seeds[i], pack.Training.Batch);
        }

        return new Ensemble(pack, model, sources, [.. pack.Specs.SelectMany(cell => cell.Importance).Select(value => (float)value)]);
    }

    /// <summary>The parameters as they are now.</summary>
    public EnsembleWeights Weights(string experiment) => new()
    {
        Kind = Spec.Kind,
        Features = Spec.Features,
        Hidden = Spec.Hidden,
        Instances = Pack.Instances,
        W = Values(Model.W),
        W2 = Model.W2 is null ? null : Values(Model.W2),
        B = Values(Model.B),
        Experiment = experiment,
    };

    /// <summary>A copy of a tensor's values, row-major.</summary>
    public static float[] Values(TorchSharp.torch.Tensor tensor)
    {
        using var flat = tensor.detach().contiguous();
        return flat.data<float>().ToArray();
    }

    // A tensor in memory of libtorch's own: one made from an array would pin the array.
    private static TorchSharp.torch.Tensor Owned(float[] values, long[] shape)
    {
        var tensor = empty(shape);
        values.CopyTo(MemoryMarshal.Cast<byte, float>(tensor.bytes));
        return tensor;
    }

    public void Dispose() => Model.Dispose();
}
