using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Fused;

/// <summary>
/// The kernel of larger models: vectors run over hidden dimensions (or, in the decoder, over features), sample by sample.
/// Absent inputs are never looked at by the encoder, and outputs that the ReLU switched off never by the backward pass:
/// both go by lists of what is there.
/// </summary>
/// <remarks>
/// Rows of W are padded to whole vectors, [n, mp]; the decoder is packed in panels of two vectors of features, [np / P, m, P], P = 2 · lanes.
/// </remarks>
internal sealed unsafe class RowKernel<TOps, TVector> : FusedKernel
    where TOps : struct, IVectors<TVector>
    where TVector : struct
{
    private const int Tile = SampleSource.TileSamples;

    // Samples that the decoder takes at once: their preactivations of a panel fill eight registers.
    private const int Block = 4;

    private readonly int _rows; // mp: m padded to whole vectors
    private readonly int _columns; // np: n padded to whole panels

    public RowKernel(ModelSpec model, int batch) : base(model, batch)
    {
        _rows = RoundUp(model.Hidden, TOps.Lanes);
        _columns = RoundUp(model.Features, Panel);
    }

    // State: W [n, mp], W2 [n, mp] where there is one, panels [np, m], b [np], c [np].
    public override long StateFloats => ((long)Matrices * N * _rows) + ((long)_columns * M) + (2 * _columns);

    // Accumulator: dW [n, mp], dW2 [n, mp] where there is one, db [np].
    public override long AccumulatorFloats => ((long)Matrices * N * _rows) + _columns;

    // Scratch: x [64, np], h [64, mp], dh [mp], on values [64, np + pad], on indices [64, np + pad].
    public override long ScratchFloats => ((long)Tile * _columns) + ((Tile + 1) * _rows) + (2L * Tile * ListStride);

    private static int Panel => 2 * TOps.Lanes;

    private int Matrices => AbsoluteValue ? 2 : 1;

    private int ListStride => _columns + TOps.Lanes;

    public override void Prepare(ParameterPointers parameters, ReadOnlySpan<float> importance, float* state)
    {
        Pad(parameters.WPointer, state);
        if (AbsoluteValue)
            Pad(parameters.W2Pointer, state + ((long)N * _rows));
        float* panels = Panels(state);
        float* decoder = parameters.Decoder;
        for (int first = 0; first < _columns; first += Panel)
        {
            float* panel = panels + ((long)first * M);
            int count = Math.Min(Panel, N - first);
            for (int j = 0; j < count; j++)
            {
                float* row = decoder + ((long)(first + j) * M);
                for (int k = 0; k < M; k++)
                    panel[(k * Panel) + j] = row[k];
            }
        }

        float* b = Bias(state);
        new ReadOnlySpan<float>(parameters.BPointer, N).CopyTo(new Span<float>(b, N));
        // Features that only fill up the last panel are always off and cost nothing.
        for (int i = N; i < _columns; i++)
            b[i] = ReluOutput ? -1 : 0;
        Coefficients(importance, b + _columns);
    }

    public override double Accumulate(SampleSource source, long step, int from, int to, float* state, float* accumulator, Scratch scratch)
    {
        float* x = scratch.Floats.Pointer;
        float* h = x + ((long)Tile * _columns);
        float* dh = h + (Tile * _rows);
        float* onValues = dh + _rows;
        int* onIndices = (int*)(onValues + ((long)Tile * ListStride));
        float* decoder = state + ((Matrices - 1) * (long)N * _rows);
        float* dDecoder = accumulator + ((Matrices - 1) * (long)N * _rows);
        var entries = scratch.Entries;
        int* counts = stackalloc int[Tile];
        double loss = 0;
        for (int tile = from; tile < to; tile++)
        {
            source.FillEntries(step, tile, entries, scratch.Words);
            int count = Math.Min(Tile, Batch - (tile * Tile));
            new Span<float>(h, count * _rows).Clear();
            for (int s = 0; s < count; s++)
            {
                fixed (int* columns = entries.Columns(s))
                fixed (float* values = entries.Values(s))
                {
                    int present = entries.Columns(s).Length;
                    Scatter(columns, values, present, x + ((long)s * _columns));
                    AddRows(state, columns, values, present, h + (s * _rows));
                }
            }

            if (ReluHidden)
                Rectify(h, count * _rows);
            new Span<int>(counts, Tile).Clear();
            loss += Decode(state, h, x, count, onValues, onIndices, counts, Db(accumulator));
            for (int s = 0; s < count; s++)
            {
                float* hs = h + (s * _rows);
                new Span<float>(dh, _rows).Clear();
                Backward(decoder, dDecoder, onIndices + ((long)s * ListStride), onValues + ((long)s * ListStride), counts[s], hs, dh);
                if (ReluHidden)
                    Gate(hs, dh);
                fixed (int* columns = entries.Columns(s))
                fixed (float* values = entries.Values(s))
                {
                    int present = entries.Columns(s).Length;
                    AddOuter(accumulator, columns, values, present, dh);
                    Unscatter(columns, present, x + ((long)s * _columns));
                }
            }
        }

        return -0.5 * loss;
    }

    public override void Finish(float* accumulator, ParameterPointers gradient)
    {
        Unpad(accumulator, gradient.WPointer);
        if (AbsoluteValue)
            Unpad(accumulator + ((long)N * _rows), gradient.W2Pointer);
        new ReadOnlySpan<float>(Db(accumulator), N).CopyTo(new Span<float>(gradient.BPointer, N));
    }

    private float* Panels(float* state) => state + ((long)Matrices * N * _rows);

    private float* Bias(float* state) => Panels(state) + ((long)_columns * M);

    private float* Db(float* accumulator) => accumulator + ((long)Matrices * N * _rows);

    private void Pad(float* from, float* to)
    {
        for (int i = 0; i < N; i++)
            new ReadOnlySpan<float>(from + ((long)i * M), M).CopyTo(new Span<float>(to + ((long)i * _rows), M));
    }

    private void Unpad(float* from, float* to)
    {
        for (int i = 0; i < N; i++)
            new ReadOnlySpan<float>(from + ((long)i * _rows), M).CopyTo(new Span<float>(to + ((long)i * M), M));
    }

    private static void Scatter(int* columns, float* values, int count, float* row)
    {
        for (int e = 0; e < count; e++)
            row[columns[e]] = values[e];
    }

    private static void Unscatter(int* columns, int count, float* row)
    {
        for (int e = 0; e < count; e++)
            row[columns[e]] = 0;
    }

    private static void Rectify(float* values, int count)
    {
        for (int e = 0; e < count; e += TOps.Lanes)
            TOps.Store(TOps.Max(TOps.Load(values + e), TOps.Zero), values + e);
    }

    // dh_k is 0 where the hidden unit is off.
    private void Gate(float* h, float* dh)
    {
        for (int k = 0; k < _rows; k += TOps.Lanes)
            TOps.Store(TOps.WherePositive(TOps.Load(h + k), TOps.Load(dh + k)), dh + k);
    }

    // h += Σ_e value_e · W[column_e], up to four vectors of h in registers.
    private void AddRows(float* w, int* columns, float* values, int count, float* h)
    {
        int lanes = TOps.Lanes;
        int k = 0;
        for (; k + (2 * lanes) < _rows; k += 4 * lanes)
        {
            // Four vectors; beyond the end of a row the next one is read, and what comes of it is not stored.
            var (h0, h1, h2, h3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
            bool four = k + (3 * lanes) < _rows;
            for (int e = 0; e < count; e++)
            {
                float* row = w + ((long)columns[e] * _rows) + k;
                var value = TOps.Broadcast(values[e]);
                h0 = TOps.MultiplyAdd(value, TOps.Load(row), h0);
                h1 = TOps.MultiplyAdd(value, TOps.Load(row + lanes), h1);
                h2 = TOps.MultiplyAdd(value, TOps.Load(row + (2 * lanes)), h2);
                h3 = TOps.MultiplyAdd(value, TOps.Load(row + (3 * lanes)), h3);
            }

            TOps.Store(h0, h + k);
            TOps.Store(h1, h + k + lanes);
            TOps.Store(h2, h + k + (2 * lanes));
            if (four)
                TOps.Store(h3, h + k + (3 * lanes));
        }

        for (; k < _rows; k += 2 * lanes)
        {
            var (h0, h1) = (TOps.Zero, TOps.Zero);
            bool two = k + lanes < _rows;
            for (int e = 0; e < count; e++)
            {
                float* row = w + ((long)columns[e] * _rows) + k;
                var value = TOps.Broadcast(values[e]);
                h0 = TOps.MultiplyAdd(value, TOps.Load(row), h0);
                h1 = TOps.MultiplyAdd(value, TOps.Load(row + lanes), h1);
            }

            TOps.Store(h0, h + k);
            if (two)
                TOps.Store(h1, h + k + lanes);
        }
    }

    // dW[column_e] += value_e · dh
    private void AddOuter(float* dw, int* columns, float* values, int count, float* dh)
    {
        int lanes = TOps.Lanes;
        for (int k = 0; k < _rows; k += lanes)
        {
            var d = TOps.Load(dh + k);
            for (int e = 0; e < count; e++)
            {
                float* row = dw + ((long)columns[e] * _rows) + k;
                TOps.Store(TOps.MultiplyAdd(TOps.Broadcast(values[e]), d, TOps.Load(row)), row);
            }
        }
    }

    // For every output that is on: ∂L/∂h += g_i D_i;  ∂L/∂D_i += g_i h.
    private void Backward(float* decoder, float* dDecoder, int* indices, float* values, int count, float* h, float* dh)
    {
        int lanes = TOps.Lanes;
        int k = 0;
        for (; k + lanes < _rows; k += 2 * lanes)
        {
            var (h0, h1) = (TOps.Load(h + k), TOps.Load(h + k + lanes));
            var (d0, d1) = (TOps.Zero, TOps.Zero);
            for (int e = 0; e < count; e++)
            {
                long at = ((long)indices[e] * _rows) + k;
                var g = TOps.Broadcast(values[e]);
                float* row = decoder + at;
                float* gradient = dDecoder + at;
                d0 = TOps.MultiplyAdd(g, TOps.Load(row), d0);
                d1 = TOps.MultiplyAdd(g, TOps.Load(row + lanes), d1);
                TOps.Store(TOps.MultiplyAdd(g, h0, TOps.Load(gradient)), gradient);
                TOps.Store(TOps.MultiplyAdd(g, h1, TOps.Load(gradient + lanes)), gradient + lanes);
            }

            TOps.Store(d0, dh + k);
            TOps.Store(d1, dh + k + lanes);
        }

        if (k < _rows)
        {
            var h0 = TOps.Load(h + k);
            var d0 = TOps.Zero;
            for (int e = 0; e < count; e++)
            {
                long at = ((long)indices[e] * _rows) + k;
                var g = TOps.Broadcast(values[e]);
                d0 = TOps.MultiplyAdd(g, TOps.Load(decoder + at), d0);
                TOps.Store(TOps.MultiplyAdd(g, h0, TOps.Load(dDecoder + at)), dDecoder + at);
            }

            TOps.Store(d0, dh + k);
        }
    }

    // z = b + D h, panel by panel for four samples at a time; what is on goes to each sample's list.
    private double Decode(float* state, float* h, float* x, int count, float* onValues, int* onIndices, int* counts, float* db)
    {
        int lanes = TOps.Lanes;
        float* panels = Panels(state);
        float* bias = Bias(state);
        double loss = 0;
        for (int first = 0; first < _columns; first += Panel)
        {
            float* panel = panels + ((long)first * M);
            var sum = TOps.Zero;
            var (db0, db1) = (TOps.Zero, TOps.Zero);
            var (c0, c1) = (TOps.Load(bias + _columns + first), TOps.Load(bias + _columns + first + lanes));
            for (int s = 0; s < count; s += Block)
            {
                float* h0 = h + (s * _rows);
                float* h1 = h0 + _rows;
                float* h2 = h1 + _rows;
                float* h3 = h2 + _rows;
                var (a0, a1) = (TOps.Load(bias + first), TOps.Load(bias + first + lanes));
                var (b0, b1) = (a0, a1);
                var (e0, e1) = (a0, a1);
                var (f0, f1) = (a0, a1);
                float* p = panel;
                for (int k = 0; k < M; k++, p += 2 * lanes)
                {
                    var (p0, p1) = (TOps.Load(p), TOps.Load(p + lanes));
                    var weight = TOps.Broadcast(h0[k]);
                    a0 = TOps.MultiplyAdd(weight, p0, a0);
                    a1 = TOps.MultiplyAdd(weight, p1, a1);
                    weight = TOps.Broadcast(h1[k]);
                    b0 = TOps.MultiplyAdd(weight, p0, b0);
                    b1 = TOps.MultiplyAdd(weight, p1, b1);
                    weight = TOps.Broadcast(h2[k]);
                    e0 = TOps.MultiplyAdd(weight, p0, e0);
                    e1 = TOps.MultiplyAdd(weight, p1, e1);
                    weight = TOps.Broadcast(h3[k]);
                    f0 = TOps.MultiplyAdd(weight, p0, f0);
                    f1 = TOps.MultiplyAdd(weight, p1, f1);
                }

                Output(s, 0, a0, c0, ref sum, ref db0);
                Output(s, lanes, a1, c1, ref sum, ref db1);
                if (s + 1 < count)
                {
                    Output(s + 1, 0, b0, c0, ref sum, ref db0);
                    Output(s + 1, lanes, b1, c1, ref sum, ref db1);
                }

                if (s + 2 < count)
                {
                    Output(s + 2, 0, e0, c0, ref sum, ref db0);
                    Output(s + 2, lanes, e1, c1, ref sum, ref db1);
                }

                if (s + 3 < count)
                {
                    Output(s + 3, 0, f0, c0, ref sum, ref db0);
                    Output(s + 3, lanes, f1, c1, ref sum, ref db1);
                }
            }

            TOps.Store(TOps.Add(TOps.Load(db + first), db0), db + first);
            TOps.Store(TOps.Add(TOps.Load(db + first + lanes), db1), db + first + lanes);
            loss += TOps.Sum(sum);

            // q_i = c_i (t_i − y_i), kept where the output is on.
            [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
            void Output(int sample, int offset, TVector z, TVector c, ref TVector total, ref TVector dbPart)
            {
                var target = TOps.Load(x + ((long)sample * _columns) + first + offset);
                if (AbsoluteValue)
                    target = TOps.Abs(target);
                var error = TOps.Subtract(target, ReluOutput ? TOps.Max(z, TOps.Zero) : z);
                var q = TOps.Multiply(c, error);
                total = TOps.MultiplyAdd(q, error, total);
                long list = ((long)sample * ListStride) + counts[sample];
                uint mask = uint.MaxValue >> (32 - lanes);
                if (ReluOutput)
                {
                    mask = TOps.PositiveMask(z);
                    q = TOps.WherePositive(z, q);
                }

                dbPart = TOps.Add(dbPart, q);
                counts[sample] += TOps.Pack(q, mask, first + offset, onValues + list, onIndices + list);
            }
        }

        return loss;
    }
}
