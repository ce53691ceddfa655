using System.Runtime.CompilerServices;
using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Fused;

/// <summary>
/// The kernel of sparse samples of models without a hidden nonlinearity: with G = W Wᵀ the preactivation is z = b + Σ_j x_j G_j over the few
/// features that are present, and with M_ji = Σ_samples x_j g_i the gradient of W is (M + Mᵀ) W. Neither the hidden activation nor its
/// gradient is ever computed: a sample with a present features costs 2 a n operations each way instead of some 2 n m.
/// </summary>
/// <remarks>Vectors run over features; rows of G and M are padded to whole vectors, [n, np].</remarks>
internal sealed unsafe class GramKernel<TOps, TVector> : FusedKernel
    where TOps : struct, IVectors<TVector>
    where TVector : struct
{
    private const int Tile = SampleSource.TileSamples;

    // G and M of more features leave the second-level cache, and the more they are the longer they take to come from there.
    private const int MaxFeatures = 256;

    // Features present for each hidden dimension up to which this kernel was measured to be the faster one.
    private const double MaxPresent = 0.8;

    private readonly int _columns; // np
    private readonly int _rows; // mp: m padded to whole vectors
    private readonly int _width; // m padded to half vectors of AVX-512

    public GramKernel(ModelSpec model, int batch) : base(model, batch)
    {
        _columns = RoundUp(model.Features, TOps.Lanes);
        _rows = RoundUp(model.Hidden, TOps.Lanes);
        _width = Math.Min(RoundUp(model.Hidden, 8), _rows);
    }

    // State: G [n, np], b [np], c [np], W [n, mp], and W transposed [m, np] or later its gradient [n, mp].
    public override long StateFloats => ((long)N * _columns) + (2 * _columns) + ((long)N * _rows) + Math.Max((long)M * _columns, (long)N * _rows);

    // Accumulator: M [n, np], db [np].
    public override long AccumulatorFloats => ((long)N * _columns) + _columns;

    // Scratch: x [np].
    public override long ScratchFloats => _columns;

    /// <summary>Whether this kernel takes fewer operations than others.</summary>
    /// <param name="model">Architecture and shape.</param>
    /// <param name="batch">Samples per step.</param>
    /// <param name="density">Mean share of the features that are present in a sample.</param>
    public static bool Suits(ModelSpec model, int batch, double density) =>
        model.Kind is ModelKind.Linear or ModelKind.ReluOutput
        && model.Features <= Math.Min(MaxFeatures, batch / 2)
        && density * model.Features * (1 + ((double)model.Features / MaxFeatures)) <= MaxPresent * model.Hidden;

    public override void Prepare(ParameterPointers parameters, ReadOnlySpan<float> importance, float* state)
    {
        float* b = state + ((long)N * _columns);
        new ReadOnlySpan<float>(parameters.BPointer, N).CopyTo(new Span<float>(b, N));
        Coefficients(importance, b + _columns);
        // Features that only fill up the last vector are off, and count nothing.
        new Span<float>(b + N, _columns - N).Clear();
        new Span<float>(b + _columns + N, _columns - N).Clear();
        float* w = b + (2 * _columns);
        Rows.Pad(parameters.WPointer, w, N, M, _rows);
        float* transposed = w + ((long)N * _rows);
        new Span<float>(transposed, M * _columns).Clear();
        Rows.Transpose(w, _rows, N, M, transposed, _columns);
        new Span<float>(state, N * _columns).Clear();
        BlockKernel<TOps, TVector>.Multiply(w, _rows, N, M, transposed, _columns, _columns, state, _columns, state, _columns);
    }

    public override double Accumulate(SampleSource source, long step, int from, int to, float* state, float* accumulator, Scratch scratch)
    {
        float* b = state + ((long)N * _columns);
        var parts = new GramParts
        {
            Columns = _columns,
            Relu = ReluOutput,
            Gram = state,
            B = b,
            C = b + _columns,
            X = scratch.Floats,
            Moments = accumulator,
            Db = accumulator + ((long)N * _columns),
        };
        new Span<float>(parts.X, _columns).Clear();
        var entries = scratch.Entries;
        int run = scratch.Buffer.MaxTiles;
        double loss = 0;
        for (int tile = from; tile < to; tile += run)
        {
            int tiles = Math.Min(run, to - tile);
            source.FillEntries(step, tile, tiles, entries, scratch.Buffer);
            for (int t = 0; t < tiles; t++)
                loss += Run(in parts, entries, t * Tile, Math.Min(Tile, Batch - ((tile + t) * Tile)));
        }

        return -0.5 * loss;
    }

    public override void Finish(float* state, float* accumulator, ParameterPointers gradient)
    {
        // (M + Mᵀ) W
        float* w = state + ((long)N * _columns) + (2 * _columns);
        float* dw = w + ((long)N * _rows);
        Rows.AddOwnTranspose(accumulator, N, _columns);
        new Span<float>(dw, N * _rows).Clear();
        BlockKernel<TOps, TVector>.Multiply(accumulator, _columns, N, N, w, _rows, _width, dw, _rows, dw, _rows);
        Rows.Unpad(dw, gradient.WPointer, N, M, _rows);
        new ReadOnlySpan<float>(accumulator + ((long)N * _columns), N).CopyTo(new Span<float>(gradient.BPointer, N));
    }

    // A tile of samples, from one of the run on.
    private double Run(in GramParts parts, TileEntries entries, int first, int count)
    {
        int* order = stackalloc int[Tile];
        Sort(entries, first, count, order);
        double loss = 0;
        int taken;
        for (int i = 0; i < _columns; i += taken * TOps.Lanes)
        {
            taken = Math.Min((_columns - i) / TOps.Lanes, 8);
            loss += taken switch
            {
                1 => Samples<One>(in parts, i, entries, order, count),
                2 => Samples<Two>(in parts, i, entries, order, count),
                3 => Samples<Three>(in parts, i, entries, order, count),
                4 => Samples<Four>(in parts, i, entries, order, count),
                5 => Samples<Five>(in parts, i, entries, order, count),
                6 => Samples<Six>(in parts, i, entries, order, count),
                7 => Samples<Seven>(in parts, i, entries, order, count),
                _ => Samples<Eight>(in parts, i, entries, order, count),
            };
        }

        return loss;
    }

    // By the number of features that are present: so that loops over them end where they ended before, which the processor foresees.
    private static void Sort(TileEntries entries, int first, int count, int* order)
    {
        const int buckets = 32;
        int* starts = stackalloc int[buckets + 1];
        new Span<int>(starts, buckets + 1).Clear();
        for (int s = 0; s < count; s++)
            starts[1 + Math.Min(entries.Count(first + s), buckets - 1)]++;
        for (int b = 1; b < buckets; b++)
            starts[b] += starts[b - 1];
        for (int s = 0; s < count; s++)
            order[starts[Math.Min(entries.Count(first + s), buckets - 1)]++] = first + s;
    }

    // Some vectors of features, from feature i on.
    private static double Samples<TCount>(in GramParts parts, int i, TileEntries entries, int* order, int count)
        where TCount : struct, IVectorCount
    {
        var sum = TOps.Zero;
        for (int s = 0; s < count; s++)
        {
            int sample = order[s];
            Spread(entries, sample, parts.X, present: true);
            Sample<TCount>(in parts, i, entries.Columns(sample), entries.Values(sample), entries.Count(sample), ref sum);
            Spread(entries, sample, parts.X, present: false);
        }

        return TOps.Sum(sum);
    }

    // Puts the features that are present in their places, or zeros there again.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Spread(TileEntries entries, int sample, float* x, bool present)
    {
        int* features = entries.Columns(sample);
        float* values = entries.Values(sample);
        int count = entries.Count(sample);
        for (int e = 0; e < count; e++)
            x[features[e]] = present ? values[e] : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sample<TCount>(in GramParts parts, int i, int* features, float* values, int present, ref TVector sum)
        where TCount : struct, IVectorCount
    {
        // z_i = b_i + Σ_j x_j G_ji
        int columns = parts.Columns;
        float* b = parts.B + i;
        var (v0, v1, v2, v3) = VectorRow<TOps, TVector>.Load<TCount, None>(b);
        var (v4, v5, v6, v7) = VectorRow<TOps, TVector>.Load<TCount, Four>(b);
        float* gram = parts.Gram + i;
        for (int e = 0; e < present; e++)
        {
            float* row = gram + ((long)features[e] * columns);
            var factor = TOps.Broadcast(values[e]);
            VectorRow<TOps, TVector>.AddTo<TCount, None>(row, factor, ref v0, ref v1, ref v2, ref v3);
            VectorRow<TOps, TVector>.AddTo<TCount, Four>(row, factor, ref v4, ref v5, ref v6, ref v7);
        }

        // g_i = ∂L/∂z_i in place of z_i
        Output<TCount, None>(in parts, i, ref v0, ref v1, ref v2, ref v3, ref sum);
        Output<TCount, Four>(in parts, i, ref v4, ref v5, ref v6, ref v7, ref sum);

        // M_ji += x_j g_i
        float* moments = parts.Moments + i;
        for (int e = 0; e < present; e++)
        {
            float* row = moments + ((long)features[e] * columns);
            var factor = TOps.Broadcast(values[e]);
            VectorRow<TOps, TVector>.AddProduct<TCount, None>(row, factor, v0, v1, v2, v3);
            VectorRow<TOps, TVector>.AddProduct<TCount, Four>(row, factor, v4, v5, v6, v7);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Output<TCount, TFirst>(
        in GramParts parts, int i, ref TVector v0, ref TVector v1, ref TVector v2, ref TVector v3, ref TVector sum)
        where TCount : struct, IVectorCount
        where TFirst : struct, IVectorCount
    {
        int lanes = TOps.Lanes;
        i += TFirst.Value * lanes;
        if (VectorRow<TOps, TVector>.Has<TCount, TFirst>(0))
            v0 = Output(in parts, i, v0, ref sum);
        if (VectorRow<TOps, TVector>.Has<TCount, TFirst>(1))
            v1 = Output(in parts, i + lanes, v1, ref sum);
        if (VectorRow<TOps, TVector>.Has<TCount, TFirst>(2))
            v2 = Output(in parts, i + (2 * lanes), v2, ref sum);
        if (VectorRow<TOps, TVector>.Has<TCount, TFirst>(3))
            v3 = Output(in parts, i + (3 * lanes), v3, ref sum);
    }

    // q_i = c_i (t_i − y_i), and g_i, which is q_i where the output is on: the minus of (t − y) is in c; ∂L/∂b_i += g_i.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Output(in GramParts parts, int i, TVector z, ref TVector sum)
    {
        var e = TOps.Subtract(TOps.Load(parts.X + i), parts.Relu ? TOps.Max(z, TOps.Zero) : z);
        var q = TOps.Multiply(TOps.Load(parts.C + i), e);
        sum = TOps.MultiplyAdd(q, e, sum);
        if (parts.Relu)
            q = TOps.WherePositive(z, q);
        float* db = parts.Db + i;
        TOps.Store(TOps.Add(TOps.Load(db), q), db);
        return q;
    }
}

/// <summary>Where what a <see cref="GramKernel{TOps, TVector}"/> reads and writes is.</summary>
internal readonly unsafe struct GramParts
{
    /// <summary>Floats from one feature's row to the next.</summary>
    public required int Columns { get; init; }

    public required bool Relu { get; init; }

    /// <summary>G, [n, columns].</summary>
    public required float* Gram { get; init; }

    /// <summary>Bias, [columns].</summary>
    public required float* B { get; init; }

    /// <summary>c_i = −2 I_i / (batch · n), [columns].</summary>
    public required float* C { get; init; }

    /// <summary>x of a sample, [columns]; 0 between samples.</summary>
    public required float* X { get; init; }

    /// <summary>M, [n, columns].</summary>
    public required float* Moments { get; init; }

    /// <summary>Sums of ∂L/∂b, [columns].</summary>
    public required float* Db { get; init; }
}
