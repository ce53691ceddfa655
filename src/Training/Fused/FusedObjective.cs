using System.Collections.Concurrent;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Runs;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Fused;

/// <summary>
/// SIMD kernels that draw the samples, run the model, differentiate the loss and step the optimizer in one pass through the cache,
/// on the memory of the TorchSharp parameters.
/// </summary>
/// <remarks>
/// Instances are independent: a thread takes one through many steps at a time, so that its parameters stay in the thread's cache.
/// The batch of a large model is cut into slices whose gradients are added in order; the cut depends on the shape alone, so that
/// an instance's result is bitwise the same for any number of threads and in any pack.
/// </remarks>
internal sealed unsafe class FusedObjective : IObjective
{
    // Models of at least this many weights are worth cutting a batch for, into slices of at least so many tiles.
    private const int SlicedWeights = 8192;
    private const int SliceTiles = 4;
    private const int MaxSlices = 8;

    // Operations of a spell, one or two milliseconds: many times what it costs a thread to change to another instance.
    private const long SpellOperations = 400_000_000;

    private readonly Ensemble _ensemble;
    private readonly FusedKernel[] _kernels; // of each instance
    private readonly FusedOptimizer _optimizer;
    private readonly int _threads;
    private readonly int _slices;
    private readonly ParameterPointers _parameters; // of the first instance; libtorch's memory does not move while the tensors live
    private readonly AlignedBuffer _moments; // [instances, 2, parameters]
    private readonly Stack<Workspace> _idle = new();
    private readonly Lock _lock = new();

    public FusedObjective(Ensemble ensemble) : this(ensemble, Simd.Current, Environment.ProcessorCount) { }

    public FusedObjective(Ensemble ensemble, InstructionSet set, int threads)
    {
        _ensemble = ensemble;
        _threads = threads;
        _kernels = Kernels(ensemble, set);
        _optimizer = FusedOptimizer.Create(ensemble.Training.Optimizer, set);
        _slices = Weights >= SlicedWeights ? Math.Clamp(Tiles / SliceTiles, 1, MaxSlices) : 1;
        var model = ensemble.Model;
        _parameters = new ParameterPointers(Pointer(model.W), model.W2 is null ? 0 : Pointer(model.W2), Pointer(model.B));
        _moments = new AlignedBuffer((long)ensemble.Instances * 2 * Parameters);
    }

    private ModelSpec Spec => _ensemble.Spec;

    private int Matrices => Spec.Kind == ModelKind.AbsoluteValue ? 2 : 1;

    private int Weights => Spec.Features * Spec.Hidden;

    private int Parameters => (Matrices * Weights) + Spec.Features;

    // Whole instances side by side, unless there are too few of them to keep every thread busy: then the slices of one.
    private bool Within => _slices > 1 && _ensemble.Instances < _threads;

    // Steps that a thread takes with an instance before it turns to the next: 12 operations a weight and sample, and some 40 to draw a feature.
    private long SpellSteps => Math.Max(1, SpellOperations / ((long)_ensemble.Training.Batch * ((12L * Weights) + (40L * Spec.Features))));

    private int Tiles => SampleSource.Tiles(_ensemble.Training.Batch);

    public void Train(long from, long to, Span<double> loss, CancellationToken cancellation)
    {
        double[] losses = new double[_ensemble.Instances];
        long[] next = new long[_ensemble.Instances];
        Array.Fill(next, from);
        // Instances go round in spells of some steps, so that no thread is left with a whole one at the end.
        var waiting = new ConcurrentQueue<int>(Enumerable.Range(0, _ensemble.Instances));
        int workers = Within ? 1 : Math.Min(_threads, _ensemble.Instances);
        Share(workers, work =>
        {
            while (!cancellation.IsCancellationRequested && waiting.TryDequeue(out int instance))
            {
                long end = Math.Min(to, next[instance] + SpellSteps);
                TrainInstance(instance, next[instance], end, work, ref losses[instance], cancellation);
                next[instance] = end;
                if (end < to)
                    waiting.Enqueue(instance);
            }
        });
        cancellation.ThrowIfCancellationRequested();
        for (int i = 0; i < losses.Length; i++)
            loss[i] = losses[i] / (to - from);
    }

    public LossAndGradient Evaluate(long step)
    {
        int size = Weights;
        var result = new LossAndGradient(
            new float[_ensemble.Instances], new float[_ensemble.Instances * size],
            Matrices == 2 ? new float[_ensemble.Instances * size] : null, new float[_ensemble.Instances * Spec.Features]);
        var work = Take();
        for (int i = 0; i < _ensemble.Instances; i++)
        {
            result.Loss[i] = (float)Gradient(i, step, work);
            var gradient = new ReadOnlySpan<float>(work.Gradient, Parameters);
            gradient[..size].CopyTo(result.W.AsSpan(i * size));
            if (result.W2 is not null)
                gradient.Slice(size, size).CopyTo(result.W2.AsSpan(i * size));
            gradient[(Matrices * size)..].CopyTo(result.B.AsSpan(i * Spec.Features));
        }

        Return(work);
        return result;
    }

    public void Dispose()
    {
        _moments.Dispose();
        foreach (var work in _idle)
            work.Dispose();
        _idle.Clear();
    }

    // Adds the steps' losses to the sum.
    private void TrainInstance(int instance, long from, long to, Workspace work, ref double loss, CancellationToken cancellation)
    {
        float* moments = _moments.Pointer + ((long)instance * 2 * Parameters);
        var pointers = Pointers(instance);
        ReadOnlySpan<ParameterPart> parts = Matrices == 2
            ? [new(pointers.W, Weights), new(pointers.W2, Weights), new(pointers.B, Spec.Features)]
            : [new(pointers.W, Weights), new(pointers.B, Spec.Features)];
        for (long step = from; step < to && !cancellation.IsCancellationRequested; step++)
        {
            loss += Gradient(instance, step, work);
            _optimizer.Update(parts, work.Gradient, moments, step, LearningRate.At(_ensemble.Training, step));
        }
    }

    // Leaves the gradient in the workspace, [W, W2, b], and returns the loss.
    private double Gradient(int instance, long step, Workspace work)
    {
        var source = _ensemble.Sources[instance];
        var importance = _ensemble.Importance.AsSpan(instance * Spec.Features, Spec.Features);
        float* state = work.State;
        float* sums = work.Accumulators;
        var kernel = _kernels[instance];
        int size = checked((int)kernel.AccumulatorFloats);
        kernel.Prepare(Pointers(instance), importance, state);
        double[] losses = work.Losses;
        if (Within)
        {
            int taken = -1;
            Share(Math.Min(_threads, _slices), worker =>
            {
                while (Interlocked.Increment(ref taken) is var slice && slice < _slices)
                    losses[slice] = Slice(slice, worker.Scratch);
            });
        }

        double loss = 0;
        for (int slice = 0; slice < _slices; slice++)
        {
            if (!Within)
                losses[slice] = Slice(slice, work.Scratch);
            loss += losses[slice];
            if (slice > 0)
                TensorPrimitives.Add(new ReadOnlySpan<float>(sums, size), new ReadOnlySpan<float>(Sums(slice), size), new Span<float>(sums, size));
        }

        float* gradient = work.Gradient;
        kernel.Finish(state, sums, new ParameterPointers((nint)gradient, Matrices == 2 ? (nint)(gradient + Weights) : 0, (nint)(gradient + (Matrices * Weights))));
        return loss;

        // Where one thread takes slice after slice, all but the first share a place that stays in its cache.
        float* Sums(int slice) => sums + ((long)(Within ? slice : Math.Min(slice, 1)) * size);

        double Slice(int slice, Scratch scratch)
        {
            float* accumulator = Sums(slice);
            new Span<float>(accumulator, size).Clear();
            return kernel.Accumulate(source, step, Tiles * slice / _slices, Tiles * (slice + 1) / _slices, state, accumulator, scratch);
        }
    }

    private ParameterPointers Pointers(int instance)
    {
        nint matrix = (nint)instance * Weights * sizeof(float);
        return new ParameterPointers(
            _parameters.W + matrix, Matrices == 2 ? _parameters.W2 + matrix : 0, _parameters.B + ((nint)instance * Spec.Features * sizeof(float)));
    }

    private static nint Pointer(TorchSharp.torch.Tensor tensor) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));

    // Each thread has memory of its own.
    private void Share(int threads, Action<Workspace> work) => HelperThreads.Share(threads, () =>
    {
        var own = Take();
        try
        {
            work(own);
        }
        finally
        {
            Return(own);
        }
    });

    private Workspace Take()
    {
        lock (_lock)
            return _idle.TryPop(out var work) ? work : new Workspace(_kernels, _ensemble, _slices, Within ? _slices : Math.Min(_slices, 2), Parameters);
    }

    private void Return(Workspace work)
    {
        lock (_lock)
            _idle.Push(work);
    }

    private static FusedKernel[] Kernels(Ensemble ensemble, InstructionSet set) => set switch
    {
        InstructionSet.Avx512 => Kernels<Avx512Vectors, Vector512<float>>(ensemble),
        InstructionSet.Avx2 => Kernels<Avx2Vectors, Vector256<float>>(ensemble),
        _ => Kernels<PortableVectors, Vector128<float>>(ensemble),
    };

    // Of each instance the kernel that suits its shape and its samples, whatever the others in the pack are like.
    private static FusedKernel[] Kernels<TOps, TVector>(Ensemble ensemble)
        where TOps : struct, IVectors<TVector>
        where TVector : struct
    {
        var spec = ensemble.Spec;
        int batch = ensemble.Training.Batch;
        if (TileKernel<TOps, TVector>.Suits(spec))
            return [.. Enumerable.Repeat(new TileKernel<TOps, TVector>(spec, batch), ensemble.Instances)];
        var ofCell = new Dictionary<CellSpec, FusedKernel>(ReferenceEqualityComparer.Instance);
        return [.. ensemble.Sources.Zip(ensemble.Pack.Specs, (source, cell) =>
        {
            if (!ofCell.TryGetValue(cell, out var kernel))
            {
                ofCell[cell] = kernel = GramKernel<TOps, TVector>.Suits(spec, batch, source.MeanDensity)
                    ? new GramKernel<TOps, TVector>(spec, batch) : new RowKernel<TOps, TVector>(spec, batch, cell.Data, source.Dense);
            }

            return kernel;
        })];
    }

    // Room for any of the kernels, in one place: how arrays lie to each other in the caches is then the same in every run.
    private sealed class Workspace : IDisposable
    {
        private readonly AlignedBuffer _floats;

        public Workspace(FusedKernel[] kernels, Ensemble ensemble, int slices, int accumulators, int parameters)
        {
            long scratch = AlignedBuffer.WholeLines(kernels.Max(kernel => kernel.ScratchFloats));
            long state = AlignedBuffer.WholeLines(kernels.Max(kernel => kernel.StateFloats));
            long sums = AlignedBuffer.WholeLines(kernels.Max(kernel => kernel.AccumulatorFloats) * accumulators);
            _floats = new AlignedBuffer(scratch + state + sums + parameters, AlignedBuffer.HugePage);
            Scratch = new Scratch(_floats.Pointer, ensemble.Spec.Features, ensemble.Sources.Max(source => source.Sets));
            State = _floats.Pointer + scratch;
            Accumulators = State + state;
            Gradient = Accumulators + sums;
            Losses = new double[slices];
        }

        public Scratch Scratch { get; }

        public float* State { get; }

        public float* Accumulators { get; }

        public float* Gradient { get; }

        public double[] Losses { get; }

        public void Dispose() => _floats.Dispose();
    }
}
