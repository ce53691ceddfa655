using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Fused;

/// <summary>
/// The kernel of small models: vectors run over samples, all arrays are [features or hidden, samples], and every gradient entry
/// has a vector of partial sums of its own that is added up once a slice.
/// </summary>
internal sealed unsafe class TileKernel<TOps, TVector>(ModelSpec model, int batch) : FusedKernel(model, batch)
    where TOps : struct, IVectors<TVector>
    where TVector : struct
{
    private const int Tile = SampleSource.TileSamples;

    // With more hidden dimensions than this, rows of W fill a vector; with more weights, the accumulator leaves the first-level cache.
    private const int MaxHidden = 7;
    private const int MaxWeights = 512;

    // From this share of empty samples on, the others are gathered first.
    private const double GatherFrom = 0.2;

    /// <summary>Whether this is the kernel for a shape.</summary>
    public static bool Suits(ModelSpec model) => model.Hidden <= MaxHidden && model.Features * model.Hidden <= MaxWeights;

    // State: W [n, m], W2 [n, m] where there is one, b [n], c [n].
    public override long StateFloats => (Matrices * N * M) + (2 * N);

    // Accumulator: vectors of dW [n, m], dW2 [n, m] where there is one, db [n].
    public override long AccumulatorFloats => (long)TOps.Lanes * ((Matrices * N * M) + N);

    // Scratch: x [n, stride], and what a block of the wide kernel needs.
    public override long ScratchFloats => ((long)N * Stride) + ((long)WideKernel<TOps, TVector>.Samples * (N + (2 * M)));

    // Tiles that are drawn at once.
    private int RunTiles => TileRun.Length(N);

    // A run after what is left of the one before, less than a block, and what is written beyond it.
    private int Stride => ((RunTiles + 1) * Tile) + Expansion.SpareSamples;

    private int Matrices => AbsoluteValue ? 2 : 1;

    public override void Prepare(ParameterPointers parameters, ReadOnlySpan<float> importance, float* state)
    {
        int size = N * M;
        new ReadOnlySpan<float>(parameters.WPointer, size).CopyTo(new Span<float>(state, size));
        if (AbsoluteValue)
            new ReadOnlySpan<float>(parameters.W2Pointer, size).CopyTo(new Span<float>(state + size, size));
        float* b = state + (Matrices * size);
        new ReadOnlySpan<float>(parameters.BPointer, N).CopyTo(new Span<float>(b, N));
        Coefficients(importance, b + N);
    }

    public override double Accumulate(SampleSource source, long step, int from, int to, float* state, float* accumulator, Scratch scratch)
    {
        int size = N * M;
        int lanes = TOps.Lanes;
        float* b = state + (Matrices * size);
        var parts = new ModelParts
        {
            N = N,
            M = M,
            Rows = M,
            Stride = Stride,
            ReluHidden = ReluHidden,
            ReluOutput = ReluOutput,
            AbsoluteValue = AbsoluteValue,
            W = state,
            Decoder = b - size,
            B = b,
            C = b + N,
            DW = accumulator,
            DDecoder = accumulator + ((Matrices - 1) * size * lanes),
            Db = accumulator + (Matrices * size * lanes),
        };
        double loss = source.EmptyShare >= GatherFrom
            ? Gathered(source, step, from, to, in parts, scratch)
            : Whole(source, step, from, to, in parts, scratch);
        return -0.5 * loss;
    }

    private double Whole(SampleSource source, long step, int from, int to, in ModelParts parts, Scratch scratch)
    {
        float* x = scratch.Floats;
        double loss = 0;
        for (int tile = from; tile < to; tile += RunTiles)
        {
            int tiles = Math.Min(RunTiles, to - tile);
            source.FillTiles(step, tile, tiles, x, parts.Stride, scratch.Buffer);
            loss += Run(in parts, x, Math.Min(tiles * Tile, Batch - (tile * Tile)), scratch);
        }

        return loss;
    }

    // Samples without any feature all have the same loss and gradient: they are counted, and the others gathered into whole blocks.
    private double Gathered(SampleSource source, long step, int from, int to, in ModelParts parts, Scratch scratch)
    {
        float* x = scratch.Floats;
        int block = Block;
        int waiting = 0;
        int empty = 0;
        double loss = 0;
        for (int tile = from; tile < to; tile += RunTiles)
        {
            int count = Math.Min(Math.Min(RunTiles, to - tile) * Tile, Batch - (tile * Tile));
            int present = source.FillPresent(step, tile, count, x + waiting, parts.Stride, scratch.Buffer);
            empty += count - present;
            waiting += present;
            int whole = waiting / block * block;
            if (whole == 0)
                continue;
            loss += Run(in parts, x, whole, scratch);
            waiting -= whole;
            // What is left of the run goes to the front.
            for (int i = 0; i < N; i++)
                new Span<float>(x + (i * parts.Stride) + whole, waiting).CopyTo(new Span<float>(x + (i * parts.Stride), waiting));
        }

        if (waiting > 0)
        {
            for (int i = 0; i < N; i++)
                new Span<float>(x + (i * parts.Stride) + waiting, block - waiting).Clear();
            loss += Run(in parts, x, waiting, scratch);
        }

        return loss + Empty(in parts, empty);
    }

    // Without features z_i = b_i, and only b has a gradient.
    private double Empty(in ModelParts parts, int count)
    {
        double loss = 0;
        for (int i = 0; i < N; i++)
        {
            float output = ReluOutput ? Math.Max(parts.B[i], 0) : parts.B[i];
            float q = -parts.C[i] * output;
            loss -= (double)count * q * output;
            parts.Db[i * TOps.Lanes] += count * q;
        }

        return loss;
    }

    // Samples of a block: what goes through the model at once.
    private int Block => M <= 3 ? NarrowKernel<TOps, TVector, One>.Samples : WideKernel<TOps, TVector>.Samples;

    private double Run(in ModelParts parts, float* x, int count, Scratch scratch) => TOps.Sum(M switch
    {
        1 => Narrow<One>(in parts, x, count),
        2 => Narrow<Two>(in parts, x, count),
        3 => Narrow<Three>(in parts, x, count),
        _ => Wide(in parts, x, scratch.Floats + ((long)N * Stride), count),
    });

    private static TVector Narrow<THidden>(in ModelParts parts, float* x, int count)
        where THidden : struct, IVectorCount
    {
        int samples = NarrowKernel<TOps, TVector, THidden>.Samples;
        var sum = TOps.Zero;
        for (int start = 0; start < count; start += samples)
            sum = NarrowKernel<TOps, TVector, THidden>.Run(in parts, x + start, count - start < samples ? ValidLanes.Mask(count - start) : null, sum);
        return sum;
    }

    private static TVector Wide(in ModelParts parts, float* x, float* room, int count)
    {
        int samples = WideKernel<TOps, TVector>.Samples;
        var sum = TOps.Zero;
        for (int start = 0; start < count; start += samples)
            sum = WideKernel<TOps, TVector>.Run(in parts, x + start, room, count - start < samples ? ValidLanes.Mask(count - start) : null, sum);
        return sum;
    }

    public override void Finish(float* state, float* accumulator, ParameterPointers gradient)
    {
        int size = N * M;
        SampleLanes<TOps, TVector>.Collapse(accumulator, gradient.WPointer, size);
        if (AbsoluteValue)
            SampleLanes<TOps, TVector>.Collapse(accumulator + ((long)TOps.Lanes * size), gradient.W2Pointer, size);
        SampleLanes<TOps, TVector>.Collapse(accumulator + ((long)TOps.Lanes * Matrices * size), gradient.BPointer, N);
    }
}

/// <summary>Ones for the samples of a batch, zeros for what fills up its last tile.</summary>
internal static unsafe class ValidLanes
{
    private const int Tile = SampleSource.TileSamples;
    private static readonly float* s_ones = Fill();

    /// <summary>64 floats: 1 for the first <paramref name="count"/>, 0 for the rest.</summary>
    public static float* Mask(int count) => s_ones + Tile - Math.Min(count, Tile);

    private static float* Fill()
    {
        var buffer = (float*)System.Runtime.InteropServices.NativeMemory.AlignedAlloc(2 * Tile * sizeof(float), 64);
        for (int i = 0; i < 2 * Tile; i++)
            buffer[i] = i < Tile ? 1 : 0;
        return buffer;
    }
}
