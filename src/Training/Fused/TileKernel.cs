using System.Runtime.CompilerServices;
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

    // Scratch: x [n, stride], and of one block g [n, 4 · lanes], h [m, 4 · lanes], dh [m, 4 · lanes].
    public override long ScratchFloats => ((long)N * Stride) + (4L * TOps.Lanes * (N + (2 * M)));

    // Tiles that are drawn at once.
    private int RunTiles => TileRun.Length(N);

    // A run after what is left of the one before, less than a block.
    private int Stride => (RunTiles + 1) * Tile;

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
        var parts = new TileParts
        {
            N = N,
            M = M,
            Stride = Stride,
            Scratch = scratch.Floats.Pointer + ((long)N * Stride),
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

    private double Whole(SampleSource source, long step, int from, int to, in TileParts parts, Scratch scratch)
    {
        float* x = scratch.Floats.Pointer;
        double loss = 0;
        for (int tile = from; tile < to; tile += RunTiles)
        {
            int tiles = Math.Min(RunTiles, to - tile);
            source.FillTiles(step, tile, tiles, x, parts.Stride, scratch.Buffer);
            loss += Run(in parts, x, Math.Min(tiles * Tile, Batch - (tile * Tile)));
        }

        return loss;
    }

    // Samples without any feature all have the same loss and gradient: they are counted, and the others gathered into whole blocks.
    private double Gathered(SampleSource source, long step, int from, int to, in TileParts parts, Scratch scratch)
    {
        float* x = scratch.Floats.Pointer;
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
            loss += Run(in parts, x, whole);
            waiting -= whole;
            // What is left of the run goes to the front.
            for (int i = 0; i < N; i++)
                new Span<float>(x + (i * parts.Stride) + whole, waiting).CopyTo(new Span<float>(x + (i * parts.Stride), waiting));
        }

        if (waiting > 0)
        {
            for (int i = 0; i < N; i++)
                new Span<float>(x + (i * parts.Stride) + waiting, block - waiting).Clear();
            loss += Run(in parts, x, waiting);
        }

        return loss + Empty(in parts, empty);
    }

    // Without features z_i = b_i, and only b has a gradient.
    private double Empty(in TileParts parts, int count)
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
    private int Block => (M <= 3 ? 2 : 4) * TOps.Lanes;

    private double Run(in TileParts parts, float* x, int count) => TOps.Sum(M switch
    {
        1 => Narrow<One>(in parts, x, count),
        2 => Narrow<Two>(in parts, x, count),
        3 => Narrow<Three>(in parts, x, count),
        _ => Wide(in parts, x, count),
    });

    private static TVector Narrow<THidden>(in TileParts parts, float* x, int count)
        where THidden : struct, IVectorCount
    {
        int samples = NarrowKernel<TOps, TVector, THidden>.Samples;
        var sum = TOps.Zero;
        for (int start = 0; start < count; start += samples)
            sum = NarrowKernel<TOps, TVector, THidden>.Run(in parts, x + start, count - start < samples ? ValidLanes.Mask(count - start) : null, sum);
        return sum;
    }

    private static TVector Wide(in TileParts parts, float* x, int count)
    {
        int block = 4 * TOps.Lanes;
        float* g = parts.Scratch;
        float* h = g + (block * parts.N);
        float* dh = h + (block * parts.M);
        var sum = TOps.Zero;
        for (int start = 0; start < count; start += block)
        {
            Encode(in parts, x + start, h);
            sum = Decode(in parts, h, x + start, g, count - start, sum);
            BackwardHidden(in parts, g, h, dh);
            BackwardWeights(in parts, x + start, g, h, dh);
        }

        return sum;
    }

    public override void Finish(float* accumulator, ParameterPointers gradient)
    {
        int size = N * M;
        Collapse(accumulator, gradient.WPointer, size);
        if (AbsoluteValue)
            Collapse(accumulator + ((long)TOps.Lanes * size), gradient.W2Pointer, size);
        Collapse(accumulator + ((long)TOps.Lanes * Matrices * size), gradient.BPointer, N);
    }

    private static void Collapse(float* vectors, float* destination, int count)
    {
        for (int e = 0; e < count; e++)
            destination[e] = TOps.Sum(TOps.Load(vectors + (e * TOps.Lanes)));
    }

    // h_k = Σ_i W_ik x_i
    private static void Encode(in TileParts parts, float* x, float* h)
    {
        var (lanes, n, m) = (TOps.Lanes, parts.N, parts.M);
        for (int k = 0; k < m; k++)
        {
            var (h0, h1, h2, h3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
            float* xi = x;
            float* wik = parts.W + k;
            for (int i = 0; i < n; i++, xi += parts.Stride, wik += m)
            {
                var weight = TOps.Broadcast(*wik);
                h0 = TOps.MultiplyAdd(weight, TOps.Load(xi), h0);
                h1 = TOps.MultiplyAdd(weight, TOps.Load(xi + lanes), h1);
                h2 = TOps.MultiplyAdd(weight, TOps.Load(xi + (2 * lanes)), h2);
                h3 = TOps.MultiplyAdd(weight, TOps.Load(xi + (3 * lanes)), h3);
            }

            if (parts.ReluHidden)
            {
                h0 = TOps.Max(h0, TOps.Zero);
                h1 = TOps.Max(h1, TOps.Zero);
                h2 = TOps.Max(h2, TOps.Zero);
                h3 = TOps.Max(h3, TOps.Zero);
            }

            Store4(h + (4 * lanes * k), h0, h1, h2, h3);
        }
    }

    // z_i = b_i + Σ_k D_ik h_k;  q_i = c_i (t_i − y_i);  g_i = ∂L/∂z_i = q_i where the output is on.
    private static TVector Decode(in TileParts parts, float* h, float* x, float* g, int count, TVector sum)
    {
        var (lanes, n, m) = (TOps.Lanes, parts.N, parts.M);
        float* b = parts.B;
        bool relu = parts.ReluOutput;
        bool absolute = parts.AbsoluteValue;
        float* valid = ValidLanes.Mask(count);
        bool partial = count < 4 * lanes;
        float* d = parts.Decoder;
        for (int i = 0; i < n; i++, d += m)
        {
            var z0 = TOps.Broadcast(b[i]);
            var (z1, z2, z3) = (z0, z0, z0);
            float* hk = h;
            for (int k = 0; k < m; k++, hk += 4 * lanes)
            {
                var weight = TOps.Broadcast(d[k]);
                z0 = TOps.MultiplyAdd(weight, TOps.Load(hk), z0);
                z1 = TOps.MultiplyAdd(weight, TOps.Load(hk + lanes), z1);
                z2 = TOps.MultiplyAdd(weight, TOps.Load(hk + (2 * lanes)), z2);
                z3 = TOps.MultiplyAdd(weight, TOps.Load(hk + (3 * lanes)), z3);
            }

            float* xi = x + (i * parts.Stride);
            var (e0, e1, e2, e3) = (Error(xi, z0, relu, absolute), Error(xi + lanes, z1, relu, absolute), Error(xi + (2 * lanes), z2, relu, absolute), Error(xi + (3 * lanes), z3, relu, absolute));
            if (partial)
            {
                e0 = TOps.Multiply(e0, TOps.Load(valid));
                e1 = TOps.Multiply(e1, TOps.Load(valid + lanes));
                e2 = TOps.Multiply(e2, TOps.Load(valid + (2 * lanes)));
                e3 = TOps.Multiply(e3, TOps.Load(valid + (3 * lanes)));
            }

            var c = TOps.Broadcast(parts.C[i]);
            var (q0, q1, q2, q3) = (TOps.Multiply(c, e0), TOps.Multiply(c, e1), TOps.Multiply(c, e2), TOps.Multiply(c, e3));
            sum = TOps.MultiplyAdd(q0, e0, sum);
            sum = TOps.MultiplyAdd(q1, e1, sum);
            sum = TOps.MultiplyAdd(q2, e2, sum);
            sum = TOps.MultiplyAdd(q3, e3, sum);
            // ∂y/∂z is 1 where the output is on; the minus of (t − y) is in c.
            if (relu)
                Store4(g + (4 * lanes * i), TOps.WherePositive(z0, q0), TOps.WherePositive(z1, q1), TOps.WherePositive(z2, q2), TOps.WherePositive(z3, q3));
            else
                Store4(g + (4 * lanes * i), q0, q1, q2, q3);
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Error(float* x, TVector z, bool relu, bool absolute)
    {
        var target = TOps.Load(x);
        if (absolute)
            target = TOps.Abs(target);
        return TOps.Subtract(target, relu ? TOps.Max(z, TOps.Zero) : z);
    }

    // ∂L/∂h_k = Σ_i D_ik g_i, 0 where the hidden unit is off.
    private static void BackwardHidden(in TileParts parts, float* g, float* h, float* dh)
    {
        var (lanes, n, m) = (TOps.Lanes, parts.N, parts.M);
        for (int k = 0; k < m; k++)
        {
            var (d0, d1, d2, d3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
            float* gi = g;
            float* dik = parts.Decoder + k;
            for (int i = 0; i < n; i++, gi += 4 * lanes, dik += m)
            {
                var weight = TOps.Broadcast(*dik);
                d0 = TOps.MultiplyAdd(weight, TOps.Load(gi), d0);
                d1 = TOps.MultiplyAdd(weight, TOps.Load(gi + lanes), d1);
                d2 = TOps.MultiplyAdd(weight, TOps.Load(gi + (2 * lanes)), d2);
                d3 = TOps.MultiplyAdd(weight, TOps.Load(gi + (3 * lanes)), d3);
            }

            if (parts.ReluHidden)
            {
                float* hk = h + (4 * lanes * k);
                d0 = TOps.WherePositive(TOps.Load(hk), d0);
                d1 = TOps.WherePositive(TOps.Load(hk + lanes), d1);
                d2 = TOps.WherePositive(TOps.Load(hk + (2 * lanes)), d2);
                d3 = TOps.WherePositive(TOps.Load(hk + (3 * lanes)), d3);
            }

            Store4(dh + (4 * lanes * k), d0, d1, d2, d3);
        }
    }

    // ∂L/∂W_ik = Σ_samples x_i ∂L/∂h_k  (encoder)  +  g_i h_k  (decoder, into W itself where it is tied);  ∂L/∂b_i = Σ_samples g_i
    private static void BackwardWeights(in TileParts parts, float* x, float* g, float* h, float* dh)
    {
        var (lanes, n, m) = (TOps.Lanes, parts.N, parts.M);
        float* dw = parts.DW;
        float* dDecoder = parts.DDecoder;
        float* db = parts.Db;
        bool tied = dw == dDecoder;
        for (int i = 0; i < n; i++)
        {
            var (x0, x1, x2, x3) = Load4(x + (i * parts.Stride));
            var (g0, g1, g2, g3) = Load4(g + (4 * lanes * i));
            for (int k = 0; k < m; k++)
            {
                float* hk = h + (4 * lanes * k);
                float* dhk = dh + (4 * lanes * k);
                var decoderPart = TOps.Multiply(g0, TOps.Load(hk));
                decoderPart = TOps.MultiplyAdd(g1, TOps.Load(hk + lanes), decoderPart);
                decoderPart = TOps.MultiplyAdd(g2, TOps.Load(hk + (2 * lanes)), decoderPart);
                decoderPart = TOps.MultiplyAdd(g3, TOps.Load(hk + (3 * lanes)), decoderPart);
                var encoderPart = TOps.Multiply(x0, TOps.Load(dhk));
                encoderPart = TOps.MultiplyAdd(x1, TOps.Load(dhk + lanes), encoderPart);
                encoderPart = TOps.MultiplyAdd(x2, TOps.Load(dhk + (2 * lanes)), encoderPart);
                encoderPart = TOps.MultiplyAdd(x3, TOps.Load(dhk + (3 * lanes)), encoderPart);
                float* at = dw + (((i * m) + k) * lanes);
                if (tied)
                {
                    TOps.Store(TOps.Add(TOps.Load(at), TOps.Add(decoderPart, encoderPart)), at);
                }
                else
                {
                    float* decoderAt = dDecoder + (((i * m) + k) * lanes);
                    TOps.Store(TOps.Add(TOps.Load(decoderAt), decoderPart), decoderAt);
                    TOps.Store(TOps.Add(TOps.Load(at), encoderPart), at);
                }
            }

            TOps.Store(TOps.Add(TOps.Load(db + (i * lanes)), TOps.Add(TOps.Add(g0, g1), TOps.Add(g2, g3))), db + (i * lanes));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (TVector, TVector, TVector, TVector) Load4(float* p) =>
        (TOps.Load(p), TOps.Load(p + TOps.Lanes), TOps.Load(p + (2 * TOps.Lanes)), TOps.Load(p + (3 * TOps.Lanes)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store4(float* p, TVector v0, TVector v1, TVector v2, TVector v3)
    {
        TOps.Store(v0, p);
        TOps.Store(v1, p + TOps.Lanes);
        TOps.Store(v2, p + (2 * TOps.Lanes));
        TOps.Store(v3, p + (3 * TOps.Lanes));
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
