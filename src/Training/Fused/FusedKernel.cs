using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Fused;

/// <summary>Where the parameters of one instance are, or their gradients.</summary>
/// <param name="W">[features, hidden].</param>
/// <param name="W2">[features, hidden]; null where the decoder is W itself.</param>
/// <param name="B">[features].</param>
internal readonly unsafe record struct ParameterPointers(nint W, nint W2, nint B)
{
    public float* WPointer => (float*)W;

    public float* W2Pointer => (float*)W2;

    public float* BPointer => (float*)B;

    /// <summary>The decoder: W2 where there is one, else W.</summary>
    public float* Decoder => (float*)(W2 == 0 ? W : W2);
}

/// <summary>Loss and gradient of one instance, fused: samples are drawn, encoded, decoded and differentiated tile by tile in cache.</summary>
/// <remarks>
/// An instance's <em>state</em> holds its parameters in the kernel's layout; a slice of the batch adds up in an <em>accumulator</em>;
/// a worker needs <em>scratch</em>. Slices are summed in order, so that the result does not depend on who computed them.
/// With c_i = −2 I_i / (batch · n): q_i = c_i (t_i − y_i) is the loss's derivative by y_i, and −½ Σ q_i (t_i − y_i) the loss itself.
/// </remarks>
internal abstract unsafe class FusedKernel(ModelSpec model, int batch)
{
    /// <summary>Architecture and shape.</summary>
    protected ModelSpec Model { get; } = model;

    /// <summary>Samples per step.</summary>
    protected int Batch { get; } = batch;

    protected int N => Model.Features;

    protected int M => Model.Hidden;

    /// <summary>The hidden activation passes through a ReLU.</summary>
    protected bool ReluHidden => Model.Kind is ModelKind.ReluHidden or ModelKind.AbsoluteValue;

    /// <summary>The output passes through a ReLU.</summary>
    protected bool ReluOutput => Model.Kind != ModelKind.Linear;

    /// <summary>The target is |x|, and the decoder a matrix of its own.</summary>
    protected bool AbsoluteValue => Model.Kind == ModelKind.AbsoluteValue;

    public abstract long StateFloats { get; }

    public abstract long AccumulatorFloats { get; }

    public abstract long ScratchFloats { get; }

    /// <summary>Lays out an instance's parameters as the kernel wants them.</summary>
    /// <param name="parameters">Parameters.</param>
    /// <param name="importance">I_i, [features].</param>
    /// <param name="state">Receives the layout.</param>
    public abstract void Prepare(ParameterPointers parameters, ReadOnlySpan<float> importance, float* state);

    /// <summary>Adds loss and gradient of tiles <paramref name="from"/> to before <paramref name="to"/> of a step's batch.</summary>
    /// <param name="source">Samples.</param>
    /// <param name="step">Step.</param>
    /// <param name="from">First tile.</param>
    /// <param name="to">The tile after the last one.</param>
    /// <param name="state">Parameters as <see cref="Prepare"/> laid them out.</param>
    /// <param name="accumulator">Gradient so far in the kernel's layout; zero at the start of a slice.</param>
    /// <param name="scratch">Working space.</param>
    /// <returns>The tiles' part of the loss.</returns>
    public abstract double Accumulate(SampleSource source, long step, int from, int to, float* state, float* accumulator, Scratch scratch);

    /// <summary>Turns an accumulator, all slices already summed in it, into the gradient.</summary>
    /// <param name="state">Parameters as <see cref="Prepare"/> laid them out; may be overwritten.</param>
    /// <param name="accumulator">Sums; may be overwritten.</param>
    /// <param name="gradient">Receives the gradient.</param>
    public abstract void Finish(float* state, float* accumulator, ParameterPointers gradient);

    /// <summary>−2 I_i / (batch · n) of every feature.</summary>
    protected void Coefficients(ReadOnlySpan<float> importance, float* coefficients)
    {
        for (int i = 0; i < N; i++)
            coefficients[i] = (float)(-2.0 * importance[i] / ((double)Batch * N));
    }

    protected static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;
}

/// <summary>Working space of one worker.</summary>
/// <param name="floats">Room for what the kernel asks for.</param>
/// <param name="features">n.</param>
/// <param name="sets">Sets of features, at most.</param>
internal sealed unsafe class Scratch(float* floats, int features, int sets)
{
    private TileDraws? _draws;
    private TileEntries? _entries;

    public float* Floats { get; } = floats;

    public DrawBuffer Buffer { get; } = new(features, sets);

    public TileDraws Draws => _draws ??= new TileDraws(features);

    public TileEntries Entries => _entries ??= new TileEntries(features);
}
