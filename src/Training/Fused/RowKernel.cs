using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Fused;

/// <summary>
/// The kernel of larger models: vectors run over hidden dimensions (or, in the decoder, over features), sample by sample.
/// Absent inputs are never looked at by the encoder, and outputs that the ReLU switched off never by the backward pass:
/// both go by lists of what is there. Where most is there, blocked products are cheaper and take over.
/// </summary>
/// <remarks>
/// Rows of W are padded to whole vectors, [n, mp]; the decoder is packed in panels of two vectors of features, [np / P, m, P], P = 2 · lanes.
/// A list holds for every entry the place of its row in W, i · mp, and its value.
/// </remarks>
internal sealed unsafe class RowKernel<TOps, TVector> : FusedKernel
    where TOps : struct, IVectors<TVector>
    where TVector : struct
{
    private const int Tile = SampleSource.TileSamples;

    // Samples that the decoder and the backward pass take at once.
    private const int Block = 32;

    // Share of outputs that are on up to which lists of them pay: wider vectors speed up products more than lists.
    private static double ListsUpTo => TOps.Lanes > 8 ? 0.25 : 0.4;

    // Bytes of the caches next to the core that a group's rows of D and of its gradient may take.
    private const int GroupBytes = 24 << 10;

    private readonly int _rows; // mp: m padded to whole vectors
    private readonly int _columns; // np: n padded to whole panels
    private readonly int _group; // features of a group of panels
    private readonly int[] _places; // i · mp for every feature, [np]; pinned

    private readonly float[] _zeros; // [mp]; pinned

    public RowKernel(ModelSpec model, int batch) : base(model, batch)
    {
        _rows = RoundUp(model.Hidden, TOps.Lanes);
        _columns = RoundUp(model.Features, Panel);
        _group = Math.Max(1, GroupBytes / (2 * sizeof(float) * _rows) / Panel) * Panel;
        _zeros = GC.AllocateArray<float>(_rows, pinned: true);
        _places = GC.AllocateArray<int>(_columns, pinned: true);
        for (int i = 0; i < _columns; i++)
            _places[i] = i * _rows;
    }

    // State: W [n, mp], W2 [n, mp] where there is one, panels [np, m], b [np], c [np].
    public override long StateFloats => ((long)Matrices * N * _rows) + ((long)_columns * M) + (2 * _columns);

    // Accumulator: dW [n, mp], dW2 [n, mp] where there is one, what blocks add to the decoder's in panels [np, m], db [np].
    public override long AccumulatorFloats => ((long)Matrices * N * _rows) + ((long)_columns * M) + _columns;

    // Scratch: x [64, np], x transposed [n, 64], h [64, mp], dh [64, mp], h transposed [mp, 64], q [32, group], a list of values and of places.
    public override long ScratchFloats =>
        ((long)Tile * (_columns + N + (3 * _rows))) + (Block * _group) + (2L * (_group + TOps.Lanes));

    private static int Panel => 2 * TOps.Lanes;

    private int Matrices => AbsoluteValue ? 2 : 1;

    private float* Zeros => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_zeros));

    private int* Places => (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_places));

    public override void Prepare(ParameterPointers parameters, ReadOnlySpan<float> importance, float* state)
    {
        Rows.Pad(parameters.WPointer, state, N, M, _rows);
        if (AbsoluteValue)
            Rows.Pad(parameters.W2Pointer, state + ((long)N * _rows), N, M, _rows);
        Rows.Pack(parameters.Decoder, Panels(state), N, M, Panel);
        float* b = Bias(state);
        new ReadOnlySpan<float>(parameters.BPointer, N).CopyTo(new Span<float>(b, N));
        // Features that only fill up the last panel are always off, and cost nothing.
        for (int i = N; i < _columns; i++)
            b[i] = ReluOutput ? -1 : 0;
        Coefficients(importance, b + _columns);
    }

    public override double Accumulate(SampleSource source, long step, int from, int to, float* state, float* accumulator, Scratch scratch)
    {
        var parts = new Parts(this, state, accumulator, scratch);
        var draws = scratch.Draws;
        int run = scratch.Buffer.MaxTiles;
        double loss = 0;
        for (int tile = from; tile < to; tile++)
        {
            int count = Math.Min(Tile, Batch - (tile * Tile));
            int drawn = (tile - from) % run;
            if (source.Dense)
            {
                EncodeDense(source, step, tile, count, in parts, scratch);
            }
            else
            {
                if (drawn == 0)
                    source.FillDraws(step, tile, Math.Min(run, to - tile), draws, scratch.Buffer);
                EncodeSparse(draws, drawn, in parts);
            }

            if (ReluHidden)
                Rectify(parts.H, count * _rows);
            loss += Decode(count, in parts);
            if (ReluHidden)
                Gate(parts.H, parts.DH, count * _rows);
            if (source.Dense)
                BlockKernel<TOps, TVector>.Multiply(parts.XTransposed, Tile, N, count, parts.DH, _rows, _rows, parts.DW, _rows, parts.DW, _rows);
            else
                ListKernel<TOps, TVector>.AddOuter(parts.DW, draws.Draws(drawn), draws.Values(drawn), draws.Count(drawn), parts.DH, _rows);
        }

        return -0.5 * loss;
    }

    public override void Finish(float* accumulator, ParameterPointers gradient)
    {
        Rows.Unpad(accumulator, gradient.WPointer, N, M, _rows);
        if (AbsoluteValue)
            Rows.Unpad(accumulator + ((long)N * _rows), gradient.W2Pointer, N, M, _rows);
        float* panels = accumulator + ((long)Matrices * N * _rows);
        Rows.AddPacked(panels, gradient.Decoder, N, M, Panel);
        new ReadOnlySpan<float>(panels + ((long)_columns * M), N).CopyTo(new Span<float>(gradient.BPointer, N));
    }

    private float* Panels(float* state) => state + ((long)Matrices * N * _rows);

    private float* Bias(float* state) => Panels(state) + ((long)_columns * M);

    // h = Σ_i x_i W_i over the features that are present.
    private void EncodeSparse(TileDraws drawn, int tile, in Parts parts)
    {
        int* draws = drawn.Draws(tile);
        float* values = drawn.Values(tile);
        int count = drawn.Count(tile);
        new Span<float>(parts.X, checked(Tile * _columns)).Clear();
        for (int e = 0; e < count; e++)
            parts.X[(TileRun.Sample(draws[e]) * (uint)_columns) + TileRun.Feature(draws[e])] = values[e];
        new Span<float>(parts.H, Tile * _rows).Clear();
        ListKernel<TOps, TVector>.AddRows(parts.W, draws, values, count, parts.H, _rows);
    }

    private void EncodeDense(SampleSource source, long step, int tile, int count, in Parts parts, Scratch scratch)
    {
        source.FillTiles(step, tile, 1, parts.XTransposed, Tile, scratch.Buffer);
        Rows.Transpose(parts.XTransposed, Tile, N, Tile, parts.X, _columns);
        BlockKernel<TOps, TVector>.Multiply(parts.X, _columns, count, N, parts.W, _rows, _rows, Zeros, 0, parts.H, _rows);
    }

    // z = b + D h, then ∂L/∂h and ∂L/∂D: a group of panels and a block of samples at a time, so that the group's rows of D
    // and their gradient stay in the caches next to the core.
    private double Decode(int count, in Parts parts)
    {
        new Span<float>(parts.DH, Tile * _rows).Clear();
        Rows.Transpose(parts.H, _rows, count, _rows, parts.HTransposed, Tile);
        double loss = 0;
        for (int group = 0; group < _columns; group += _group)
        {
            int end = Math.Min(group + _group, _columns);
            for (int start = 0; start < count; start += Block)
            {
                int samples = Math.Min(Block, count - start);
                int on = 0;
                for (int first = group; first < end; first += Panel)
                {
                    float* q = parts.Q + (first - group);
                    BlockKernel<TOps, TVector>.Multiply(
                        parts.H + (start * _rows), _rows, samples, M, parts.Panels + ((long)first * M), Panel, Panel, parts.Bias + first, 0, q, _group);
                    loss += Output(first, start, samples, q, ref on, in parts);
                }

                if (on > ListsUpTo * samples * (end - group))
                    BackwardBlock(group, end, start, samples, in parts);
                else
                    BackwardLists(group, end, start, samples, in parts);
            }
        }

        return loss;
    }

    // q_i = c_i (t_i − y_i) in place of z_i for a panel of features, 0 where the output is off.
    private double Output(int first, int start, int count, float* q, ref int on, in Parts parts)
    {
        int lanes = TOps.Lanes;
        int columns = _columns;
        int stride = _group;
        bool relu = ReluOutput;
        bool absolute = AbsoluteValue;
        float* x = parts.X + ((long)start * columns) + first;
        float* bias = parts.Bias + first;
        var (c0, c1) = (TOps.Load(bias + columns), TOps.Load(bias + columns + lanes));
        var (db0, db1, sum0, sum1) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        int active = relu ? 0 : count * Panel;
        for (int s = 0; s < count; s++, x += columns, q += stride)
        {
            var (z0, z1) = (TOps.Load(q), TOps.Load(q + lanes));
            var (t0, t1) = (TOps.Load(x), TOps.Load(x + lanes));
            if (absolute)
                (t0, t1) = (TOps.Abs(t0), TOps.Abs(t1));
            var (e0, e1) = relu
                ? (TOps.Subtract(t0, TOps.Max(z0, TOps.Zero)), TOps.Subtract(t1, TOps.Max(z1, TOps.Zero)))
                : (TOps.Subtract(t0, z0), TOps.Subtract(t1, z1));
            var (q0, q1) = (TOps.Multiply(c0, e0), TOps.Multiply(c1, e1));
            sum0 = TOps.MultiplyAdd(q0, e0, sum0);
            sum1 = TOps.MultiplyAdd(q1, e1, sum1);
            if (relu)
            {
                active += BitOperations.PopCount(TOps.PositiveMask(z0)) + BitOperations.PopCount(TOps.PositiveMask(z1));
                (q0, q1) = (TOps.WherePositive(z0, q0), TOps.WherePositive(z1, q1));
            }

            db0 = TOps.Add(db0, q0);
            db1 = TOps.Add(db1, q1);
            TOps.Store(q0, q);
            TOps.Store(q1, q + lanes);
        }

        on += active;
        float* db = parts.Db + first;
        TOps.Store(TOps.Add(TOps.Load(db), db0), db);
        TOps.Store(TOps.Add(TOps.Load(db + lanes), db1), db + lanes);
        return (double)TOps.Sum(sum0) + TOps.Sum(sum1);
    }

    // ∂L/∂h += q D and ∂L/∂Dᵀ += hᵀ q for all outputs of a group.
    private void BackwardBlock(int group, int end, int start, int samples, in Parts parts)
    {
        float* dh = parts.DH + (start * _rows);
        BlockKernel<TOps, TVector>.Multiply(
            parts.Q, _group, samples, Math.Min(end, N) - group, parts.Decoder + ((long)group * _rows), _rows, _rows, dh, _rows, dh, _rows);
        for (int first = group; first < end; first += Panel)
        {
            float* sums = parts.DPanels + ((long)first * M);
            BlockKernel<TOps, TVector>.Multiply(
                parts.HTransposed + start, Tile, M, samples, parts.Q + (first - group), _group, Panel, sums, Panel, sums, Panel);
        }
    }

    // The same of the outputs that are on, where those are few.
    private void BackwardLists(int group, int end, int start, int samples, in Parts parts)
    {
        float* q = parts.Q;
        for (int s = start; s < start + samples; s++, q += _group)
        {
            int count = 0;
            for (int i = group; i < end; i += TOps.Lanes)
            {
                count += TOps.PackNonzero(PackOrder.Table, TOps.Load(q + (i - group)), Places + i, parts.OnValues + count, parts.OnPlaces + count);
            }

            ListKernel<TOps, TVector>.Backward(
                parts.Decoder, parts.DDecoder, parts.OnPlaces, parts.OnValues, count, parts.H + (s * _rows), parts.DH + (s * _rows), _rows);
        }
    }

    private static void Rectify(float* values, int count)
    {
        for (int e = 0; e < count; e += TOps.Lanes)
            TOps.Store(TOps.Max(TOps.Load(values + e), TOps.Zero), values + e);
    }

    // ∂L/∂h_k is 0 where the hidden unit is off.
    private static void Gate(float* h, float* dh, int count)
    {
        for (int e = 0; e < count; e += TOps.Lanes)
            TOps.Store(TOps.WherePositive(TOps.Load(h + e), TOps.Load(dh + e)), dh + e);
    }

    /// <summary>Where everything is.</summary>
    private readonly struct Parts
    {
        public Parts(RowKernel<TOps, TVector> kernel, float* state, float* accumulator, Scratch scratch)
        {
            long matrix = (long)kernel.N * kernel._rows;
            W = state;
            Decoder = state + ((kernel.Matrices - 1) * matrix);
            Panels = kernel.Panels(state);
            Bias = kernel.Bias(state);
            DW = accumulator;
            DDecoder = accumulator + ((kernel.Matrices - 1) * matrix);
            DPanels = accumulator + (kernel.Matrices * matrix);
            Db = DPanels + ((long)kernel._columns * kernel.M);
            X = scratch.Floats.Pointer;
            XTransposed = X + ((long)Tile * kernel._columns);
            H = XTransposed + ((long)Tile * kernel.N);
            DH = H + (Tile * kernel._rows);
            HTransposed = DH + (Tile * kernel._rows);
            Q = HTransposed + (Tile * kernel._rows);
            OnValues = Q + (Block * kernel._group);
            OnPlaces = (int*)(OnValues + kernel._group + TOps.Lanes);
        }

        public float* W { get; }

        public float* Decoder { get; }

        public float* Panels { get; }

        public float* Bias { get; }

        public float* DW { get; }

        public float* DDecoder { get; }

        public float* DPanels { get; }

        public float* Db { get; }

        public float* X { get; }

        public float* XTransposed { get; }

        public float* H { get; }

        public float* DH { get; }

        public float* HTransposed { get; }

        public float* Q { get; }

        public float* OnValues { get; }

        public int* OnPlaces { get; }
    }
}
