using System.Runtime.CompilerServices;

namespace ToyPipeline.Training.Fused;

/// <summary>
/// One block of a <see cref="TileKernel{TOps, TVector}"/> run for models of some hidden dimensions: four vectors of samples go through the
/// model step by step. A step takes two rows of its result at once, so that what it reads serves both.
/// </summary>
internal static unsafe class WideKernel<TOps, TVector>
    where TOps : struct, IVectors<TVector>
    where TVector : struct
{
    /// <summary>Samples in a block.</summary>
    public static int Samples => 4 * TOps.Lanes;

    /// <summary>Adds loss and gradient of one block.</summary>
    /// <param name="model">Shape and place of the parameters and sums; its scratch takes g [n, block], h [m, block] and ∂L/∂h [m, block].</param>
    /// <param name="x">First sample of the block, [features, stride].</param>
    /// <param name="valid">1 for samples of the batch and 0 for what fills up its last block; null where all are of the batch.</param>
    /// <param name="sum">Loss so far, Σ q_i (t_i − y_i).</param>
    /// <returns>The loss with the block's added.</returns>
    public static TVector Run(in TileParts model, float* x, float* valid, TVector sum)
    {
        float* g = model.Scratch;
        float* h = g + (Samples * model.N);
        float* dh = h + (Samples * model.M);
        // h_k = Σ_i W_ik x_i
        Project(model.W, x, model.Stride, model.N, model.M, h);
        if (model.ReluHidden)
            Gate(h, h, model.M);
        sum = Decode(in model, h, x, g, valid, sum);
        // ∂L/∂h_k = Σ_i D_ik g_i, 0 where the hidden unit is off
        Project(model.Decoder, g, Samples, model.N, model.M, dh);
        if (model.ReluHidden)
            Gate(h, dh, model.M);
        BackwardWeights(in model, x, g, h, dh);
        return sum;
    }

    // result_k = Σ_i matrix_ik rows_i
    private static void Project(float* matrix, float* rows, int stride, int n, int m, float* result)
    {
        int k = 0;
        for (; k + 2 <= m; k += 2, matrix += 2, result += 2 * Samples)
            Project<Two>(matrix, rows, stride, n, m, result);
        if (k < m)
            Project<One>(matrix, rows, stride, n, m, result);
    }

    private static void Project<TRows>(float* matrix, float* rows, int stride, int n, int m, float* result)
        where TRows : struct, IVectorCount
    {
        var (a0, a1, a2, a3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var (b0, b1, b2, b3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        for (int i = 0; i < n; i++, rows += stride, matrix += m)
        {
            var (v0, v1, v2, v3) = Load(rows);
            AddTo(matrix, v0, v1, v2, v3, ref a0, ref a1, ref a2, ref a3);
            if (TRows.Value > 1)
                AddTo(matrix + 1, v0, v1, v2, v3, ref b0, ref b1, ref b2, ref b3);
        }

        Store(result, a0, a1, a2, a3);
        if (TRows.Value > 1)
            Store(result + Samples, b0, b1, b2, b3);
    }

    // Keeps values where the hidden unit is on.
    private static void Gate(float* h, float* values, int m)
    {
        for (int e = 0; e < m * Samples; e += TOps.Lanes)
            TOps.Store(TOps.WherePositive(TOps.Load(h + e), TOps.Load(values + e)), values + e);
    }

    private static TVector Decode(in TileParts model, float* h, float* x, float* g, float* valid, TVector sum)
    {
        int i = 0;
        for (; i + 2 <= model.N; i += 2)
            sum = Decode<Two>(in model, i, h, x, g, valid, sum);
        return i < model.N ? Decode<One>(in model, i, h, x, g, valid, sum) : sum;
    }

    // z_i = b_i + Σ_k D_ik h_k
    private static TVector Decode<TRows>(in TileParts model, int i, float* h, float* x, float* g, float* valid, TVector sum)
        where TRows : struct, IVectorCount
    {
        int m = model.M;
        float* d = model.Decoder + (i * m);
        var a0 = TOps.Broadcast(model.B[i]);
        var (a1, a2, a3) = (a0, a0, a0);
        var b0 = TRows.Value > 1 ? TOps.Broadcast(model.B[i + 1]) : TOps.Zero;
        var (b1, b2, b3) = (b0, b0, b0);
        for (int k = 0; k < m; k++, h += Samples)
        {
            var (h0, h1, h2, h3) = Load(h);
            AddTo(d + k, h0, h1, h2, h3, ref a0, ref a1, ref a2, ref a3);
            if (TRows.Value > 1)
                AddTo(d + m + k, h0, h1, h2, h3, ref b0, ref b1, ref b2, ref b3);
        }

        sum = Output(in model, i, x, g, valid, a0, a1, a2, a3, sum);
        return TRows.Value > 1 ? Output(in model, i + 1, x, g, valid, b0, b1, b2, b3, sum) : sum;
    }

    // q_i = c_i (t_i − y_i);  g_i = ∂L/∂z_i = q_i where the output is on: the minus of (t − y) is in c.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Output(in TileParts model, int i, float* x, float* g, float* valid, TVector z0, TVector z1, TVector z2, TVector z3, TVector sum)
    {
        var (e0, e1, e2, e3) = Load(x + (i * model.Stride));
        if (model.AbsoluteValue)
            (e0, e1, e2, e3) = (TOps.Abs(e0), TOps.Abs(e1), TOps.Abs(e2), TOps.Abs(e3));
        (e0, e1, e2, e3) = model.ReluOutput
            ? (TOps.Subtract(e0, TOps.Max(z0, TOps.Zero)), TOps.Subtract(e1, TOps.Max(z1, TOps.Zero)),
                TOps.Subtract(e2, TOps.Max(z2, TOps.Zero)), TOps.Subtract(e3, TOps.Max(z3, TOps.Zero)))
            : (TOps.Subtract(e0, z0), TOps.Subtract(e1, z1), TOps.Subtract(e2, z2), TOps.Subtract(e3, z3));
        if (valid != null)
        {
            var (v0, v1, v2, v3) = Load(valid);
            (e0, e1, e2, e3) = (TOps.Multiply(e0, v0), TOps.Multiply(e1, v1), TOps.Multiply(e2, v2), TOps.Multiply(e3, v3));
        }

        var c = TOps.Broadcast(model.C[i]);
        var (q0, q1, q2, q3) = (TOps.Multiply(c, e0), TOps.Multiply(c, e1), TOps.Multiply(c, e2), TOps.Multiply(c, e3));
        sum = TOps.MultiplyAdd(q0, e0, sum);
        sum = TOps.MultiplyAdd(q1, e1, sum);
        sum = TOps.MultiplyAdd(q2, e2, sum);
        sum = TOps.MultiplyAdd(q3, e3, sum);
        if (model.ReluOutput)
            (q0, q1, q2, q3) = (TOps.WherePositive(z0, q0), TOps.WherePositive(z1, q1), TOps.WherePositive(z2, q2), TOps.WherePositive(z3, q3));
        Store(g + (Samples * i), q0, q1, q2, q3);
        return sum;
    }

    // ∂L/∂W_ik = Σ_samples x_i ∂L/∂h_k  (encoder)  +  g_i h_k  (decoder, into W itself where it is tied);  ∂L/∂b_i = Σ_samples g_i
    private static void BackwardWeights(in TileParts model, float* x, float* g, float* h, float* dh)
    {
        var (lanes, n, m) = (TOps.Lanes, model.N, model.M);
        float* dw = model.DW;
        float* dDecoder = model.DDecoder;
        float* db = model.Db;
        bool tied = dw == dDecoder;
        for (int i = 0; i < n; i++, x += model.Stride, g += Samples, db += lanes)
        {
            var (x0, x1, x2, x3) = Load(x);
            var (g0, g1, g2, g3) = Load(g);
            float* hk = h;
            float* dhk = dh;
            for (int k = 0; k < m; k++, hk += Samples, dhk += Samples, dw += lanes, dDecoder += lanes)
            {
                var decoderPart = TOps.Multiply(g0, TOps.Load(hk));
                decoderPart = TOps.MultiplyAdd(g1, TOps.Load(hk + lanes), decoderPart);
                decoderPart = TOps.MultiplyAdd(g2, TOps.Load(hk + (2 * lanes)), decoderPart);
                decoderPart = TOps.MultiplyAdd(g3, TOps.Load(hk + (3 * lanes)), decoderPart);
                var encoderPart = TOps.Multiply(x0, TOps.Load(dhk));
                encoderPart = TOps.MultiplyAdd(x1, TOps.Load(dhk + lanes), encoderPart);
                encoderPart = TOps.MultiplyAdd(x2, TOps.Load(dhk + (2 * lanes)), encoderPart);
                encoderPart = TOps.MultiplyAdd(x3, TOps.Load(dhk + (3 * lanes)), encoderPart);
                if (tied)
                {
                    TOps.Store(TOps.Add(TOps.Load(dw), TOps.Add(decoderPart, encoderPart)), dw);
                }
                else
                {
                    TOps.Store(TOps.Add(TOps.Load(dDecoder), decoderPart), dDecoder);
                    TOps.Store(TOps.Add(TOps.Load(dw), encoderPart), dw);
                }
            }

            TOps.Store(TOps.Add(TOps.Load(db), TOps.Add(TOps.Add(g0, g1), TOps.Add(g2, g3))), db);
        }
    }

    // sums += weight · v
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(
        float* weight, TVector v0, TVector v1, TVector v2, TVector v3, ref TVector sum0, ref TVector sum1, ref TVector sum2, ref TVector sum3)
    {
        var w = TOps.Broadcast(*weight);
        sum0 = TOps.MultiplyAdd(w, v0, sum0);
        sum1 = TOps.MultiplyAdd(w, v1, sum1);
        sum2 = TOps.MultiplyAdd(w, v2, sum2);
        sum3 = TOps.MultiplyAdd(w, v3, sum3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (TVector, TVector, TVector, TVector) Load(float* p) =>
        (TOps.Load(p), TOps.Load(p + TOps.Lanes), TOps.Load(p + (2 * TOps.Lanes)), TOps.Load(p + (3 * TOps.Lanes)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* p, TVector v0, TVector v1, TVector v2, TVector v3)
    {
        TOps.Store(v0, p);
        TOps.Store(v1, p + TOps.Lanes);
        TOps.Store(v2, p + (2 * TOps.Lanes));
        TOps.Store(v3, p + (3 * TOps.Lanes));
    }
}
