using System.Runtime.CompilerServices;

namespace ToyPipeline.Training.Fused;

/// <summary>
/// Steps of a model whose vectors run over samples: four vectors of samples, all arrays [features or hidden, samples]. Several rows of a
/// result are taken at once, so that what is read serves all of them.
/// </summary>
internal static unsafe class SampleLanes<TOps, TVector>
    where TOps : struct, IVectors<TVector>
    where TVector : struct
{
    /// <summary>Samples that a step takes.</summary>
    public static int Samples => 4 * TOps.Lanes;

    /// <summary>How many rows of a result to take at once where so many are left: AVX-512 has registers for four of them, others for two.</summary>
    public static int Rows(int left) => TOps.Lanes > 8 && left >= 4 ? 4 : left >= 2 ? 2 : 1;

    /// <summary>result_k = Σ_i matrix_ik rows_i, or that added to the result.</summary>
    /// <param name="matrix">[n, m].</param>
    /// <param name="matrixStride">Floats from one row of the matrix to the next.</param>
    /// <param name="rows">[n, samples].</param>
    /// <param name="rowStride">The same of the rows.</param>
    /// <param name="n">Rows.</param>
    /// <param name="m">Rows of the result.</param>
    /// <param name="result">[m, samples].</param>
    /// <param name="resultStride">The same of the result.</param>
    /// <param name="add">Whether the result is added to.</param>
    public static void Project(float* matrix, int matrixStride, float* rows, int rowStride, int n, int m, float* result, int resultStride, bool add)
    {
        int taken;
        for (int k = 0; k < m; k += taken)
        {
            taken = Rows(m - k);
            float* to = result + ((long)k * resultStride);
            switch (taken)
            {
                case 4:
                    Project<Four>(matrix + k, matrixStride, rows, rowStride, n, to, resultStride, add);
                    break;
                case 2:
                    Project<Two>(matrix + k, matrixStride, rows, rowStride, n, to, resultStride, add);
                    break;
                default:
                    Project<One>(matrix + k, matrixStride, rows, rowStride, n, to, resultStride, add);
                    break;
            }
        }
    }

    private static void Project<TRows>(float* matrix, int matrixStride, float* rows, int rowStride, int n, float* result, int resultStride, bool add)
        where TRows : struct, IVectorCount
    {
        var (a0, a1, a2, a3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var (b0, b1, b2, b3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var (c0, c1, c2, c3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var (d0, d1, d2, d3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        if (add)
        {
            (a0, a1, a2, a3) = Load(result);
            if (TRows.Value > 1)
                (b0, b1, b2, b3) = Load(result + resultStride);
            if (TRows.Value > 2)
                (c0, c1, c2, c3) = Load(result + (2 * resultStride));
            if (TRows.Value > 3)
                (d0, d1, d2, d3) = Load(result + (3 * resultStride));
        }

        for (int i = 0; i < n; i++, rows += rowStride, matrix += matrixStride)
        {
            var (v0, v1, v2, v3) = Load(rows);
            AddTo(matrix, v0, v1, v2, v3, ref a0, ref a1, ref a2, ref a3);
            if (TRows.Value > 1)
                AddTo(matrix + 1, v0, v1, v2, v3, ref b0, ref b1, ref b2, ref b3);
            if (TRows.Value > 2)
                AddTo(matrix + 2, v0, v1, v2, v3, ref c0, ref c1, ref c2, ref c3);
            if (TRows.Value > 3)
                AddTo(matrix + 3, v0, v1, v2, v3, ref d0, ref d1, ref d2, ref d3);
        }

        Store(result, a0, a1, a2, a3);
        if (TRows.Value > 1)
            Store(result + resultStride, b0, b1, b2, b3);
        if (TRows.Value > 2)
            Store(result + (2 * resultStride), c0, c1, c2, c3);
        if (TRows.Value > 3)
            Store(result + (3 * resultStride), d0, d1, d2, d3);
    }

    /// <summary>
    /// z_i = b_i + Σ_k D_ik h_k of one, two or four features, and what follows from it: q_i = c_i (t_i − y_i), the loss, and g_i = ∂L/∂z_i,
    /// which is q_i where the output is on: the minus of (t − y) is in c. Adds ∂L/∂b_i.
    /// </summary>
    /// <param name="model">Shape and place of the parameters and sums.</param>
    /// <param name="i">First feature.</param>
    /// <param name="rows">How many: <see cref="Rows"/>.</param>
    /// <param name="h">[m, samples].</param>
    /// <param name="x">Their x, [rows, samples], rows as far apart as the model says.</param>
    /// <param name="g">Receives g, [rows, samples].</param>
    /// <param name="stride">Floats from one row of h and g to the next.</param>
    /// <param name="valid">1 for samples of the batch and 0 for what fills up its last tile; null where all are of the batch.</param>
    /// <param name="on">Of each feature a bit for every sample in which it is on, added from bit <paramref name="first"/> on; null if nobody asks.</param>
    /// <param name="first">Bit of the first sample.</param>
    /// <param name="sum">Loss so far, Σ q_i (t_i − y_i).</param>
    /// <returns>The loss with these features' added.</returns>
    public static TVector Decode(
        in ModelParts model, int i, int rows, float* h, float* x, float* g, int stride, float* valid, ulong* on, int first, TVector sum) => rows switch
        {
            4 => Decode<Four, Gradient>(in model, i, h, x, g, stride, valid, on, first, sum),
            2 => Decode<Two, Gradient>(in model, i, h, x, g, stride, valid, on, first, sum),
            _ => Decode<One, Gradient>(in model, i, h, x, g, stride, valid, on, first, sum),
        };

    /// <summary>
    /// The same where there are <see cref="LinearFeatures{TOps,TVector}"/>, in units of −c, with all samples of the batch: instead of g what is left of it is
    /// written, g_i + x_i − [i is linear] z_i.
    /// </summary>
    /// <param name="model">Shape and place of the parameters and sums.</param>
    /// <param name="i">First feature.</param>
    /// <param name="rows">How many: <see cref="Rows"/>.</param>
    /// <param name="h">[m, samples].</param>
    /// <param name="x">Their x, [rows, samples], rows as far apart as the model says.</param>
    /// <param name="g">Receives what is left of g, [rows, samples].</param>
    /// <param name="stride">Floats from one row of h and g to the next.</param>
    /// <param name="on">Of each feature a bit for every sample in which it is on, added from bit <paramref name="first"/> on.</param>
    /// <param name="first">Bit of the first sample.</param>
    /// <param name="sum">Loss so far, Σ (x_i − y_i)².</param>
    /// <returns>The loss with these features' added.</returns>
    public static TVector DecodeRest(in ModelParts model, int i, int rows, float* h, float* x, float* g, int stride, ulong* on, int first, TVector sum) => rows switch
    {
        4 => Decode<Four, Rest>(in model, i, h, x, g, stride, null, on, first, sum),
        2 => Decode<Two, Rest>(in model, i, h, x, g, stride, null, on, first, sum),
        _ => Decode<One, Rest>(in model, i, h, x, g, stride, null, on, first, sum),
    };

    // On its own: within a larger method the compiler runs out of its budget for inlining.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TVector Decode<TRows, TOutput>(
        in ModelParts model, int i, float* h, float* x, float* g, int stride, float* valid, ulong* on, int first, TVector sum)
        where TRows : struct, IVectorCount
        where TOutput : struct, IOutput
    {
        int m = model.M;
        int rows = model.Rows;
        float* d = model.Decoder + ((long)i * rows);
        float* bias = model.B + i;
        var a0 = TOps.Broadcast(bias[0]);
        var b0 = TRows.Value > 1 ? TOps.Broadcast(bias[1]) : TOps.Zero;
        var c0 = TRows.Value > 2 ? TOps.Broadcast(bias[2]) : TOps.Zero;
        var d0 = TRows.Value > 3 ? TOps.Broadcast(bias[3]) : TOps.Zero;
        var (a1, a2, a3) = (a0, a0, a0);
        var (b1, b2, b3) = (b0, b0, b0);
        var (c1, c2, c3) = (c0, c0, c0);
        var (d1, d2, d3) = (d0, d0, d0);
        for (int k = 0; k < m; k++, h += stride, d++)
        {
            var (h0, h1, h2, h3) = Load(h);
            AddTo(d, h0, h1, h2, h3, ref a0, ref a1, ref a2, ref a3);
            if (TRows.Value > 1)
                AddTo(d + rows, h0, h1, h2, h3, ref b0, ref b1, ref b2, ref b3);
            if (TRows.Value > 2)
                AddTo(d + (2 * rows), h0, h1, h2, h3, ref c0, ref c1, ref c2, ref c3);
            if (TRows.Value > 3)
                AddTo(d + (3 * rows), h0, h1, h2, h3, ref d0, ref d1, ref d2, ref d3);
        }

        sum = TOutput.Take(in model, i, x, g, valid, on, first, a0, a1, a2, a3, sum);
        if (TRows.Value > 1)
            sum = TOutput.Take(in model, i + 1, x + model.Stride, g + stride, valid, on == null ? null : on + 1, first, b0, b1, b2, b3, sum);
        if (TRows.Value > 2)
            sum = TOutput.Take(in model, i + 2, x + (2 * model.Stride), g + (2 * stride), valid, on == null ? null : on + 2, first, c0, c1, c2, c3, sum);
        if (TRows.Value > 3)
            sum = TOutput.Take(in model, i + 3, x + (3 * model.Stride), g + (3 * stride), valid, on == null ? null : on + 3, first, d0, d1, d2, d3, sum);
        return sum;
    }

    // sums += v0 + v1 + v2 + v3
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(float* sums, TVector v0, TVector v1, TVector v2, TVector v3) =>
        TOps.Store(TOps.Add(TOps.Load(sums), TOps.Add(TOps.Add(v0, v1), TOps.Add(v2, v3))), sums);

    // A bit for every sample in which z > 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Positive(TVector z0, TVector z1, TVector z2, TVector z3) => TOps.PositiveMask(z0)
        | ((ulong)TOps.PositiveMask(z1) << TOps.Lanes) | ((ulong)TOps.PositiveMask(z2) << (2 * TOps.Lanes)) | ((ulong)TOps.PositiveMask(z3) << (3 * TOps.Lanes));

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

    /// <summary>Keeps values where the hidden unit is on: h itself is rectified so. The layout does not matter.</summary>
    public static void Gate(float* h, float* values, int count)
    {
        for (int e = 0; e < count; e += TOps.Lanes)
            TOps.Store(TOps.WherePositive(TOps.Load(h + e), TOps.Load(values + e)), values + e);
    }

    /// <summary>Sums up vectors of partial sums.</summary>
    public static void Collapse(float* vectors, float* destination, int count)
    {
        for (int e = 0; e < count; e++)
            destination[e] = TOps.Sum(TOps.Load(vectors + (e * TOps.Lanes)));
    }

    /// <summary>Four vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TVector V0, TVector V1, TVector V2, TVector V3) Load(float* p) =>
        (TOps.Load(p), TOps.Load(p + TOps.Lanes), TOps.Load(p + (2 * TOps.Lanes)), TOps.Load(p + (3 * TOps.Lanes)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* p, TVector v0, TVector v1, TVector v2, TVector v3)
    {
        TOps.Store(v0, p);
        TOps.Store(v1, p + TOps.Lanes);
        TOps.Store(v2, p + (2 * TOps.Lanes));
        TOps.Store(v3, p + (3 * TOps.Lanes));
    }

    /// <summary>What is made of z.</summary>
    private interface IOutput
    {
        static abstract TVector Take(
            in ModelParts model, int i, float* x, float* g, float* valid, ulong* on, int first, TVector z0, TVector z1, TVector z2, TVector z3, TVector sum);
    }

    // g.
    private readonly struct Gradient : IOutput
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Take(
            in ModelParts model, int i, float* x, float* g, float* valid, ulong* on, int first, TVector z0, TVector z1, TVector z2, TVector z3, TVector sum)
        {
            var (e0, e1, e2, e3) = Load(x);
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
            var (even, odd) = (TOps.MultiplyAdd(q0, e0, TOps.Multiply(q2, e2)), TOps.MultiplyAdd(q1, e1, TOps.Multiply(q3, e3)));
            sum = TOps.Add(sum, TOps.Add(even, odd));
            if (model.ReluOutput)
                (q0, q1, q2, q3) = (TOps.WherePositive(z0, q0), TOps.WherePositive(z1, q1), TOps.WherePositive(z2, q2), TOps.WherePositive(z3, q3));
            Store(g, q0, q1, q2, q3);
            AddTo(model.Db + (i * TOps.Lanes), q0, q1, q2, q3);
            if (on != null)
                *on |= Positive(z0, z1, z2, z3) << first;
            return sum;
        }
    }

    // What linear features leave of it.
    private readonly struct Rest : IOutput
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Take(
            in ModelParts model, int i, float* x, float* g, float* valid, ulong* on, int first, TVector z0, TVector z1, TVector z2, TVector z3, TVector sum)
        {
            var (x0, x1, x2, x3) = Load(x);
            var (g0, g1, g2, g3) = model.ReluOutput
                ? (TOps.Subtract(TOps.Max(z0, TOps.Zero), x0), TOps.Subtract(TOps.Max(z1, TOps.Zero), x1),
                    TOps.Subtract(TOps.Max(z2, TOps.Zero), x2), TOps.Subtract(TOps.Max(z3, TOps.Zero), x3))
                : (TOps.Subtract(z0, x0), TOps.Subtract(z1, x1), TOps.Subtract(z2, x2), TOps.Subtract(z3, x3));
            var (even, odd) = (TOps.MultiplyAdd(g0, g0, TOps.Multiply(g2, g2)), TOps.MultiplyAdd(g1, g1, TOps.Multiply(g3, g3)));
            if (model.ReluOutput)
                (g0, g1, g2, g3) = (TOps.WherePositive(z0, g0), TOps.WherePositive(z1, g1), TOps.WherePositive(z2, g2), TOps.WherePositive(z3, g3));
            AddTo(model.Db + (i * TOps.Lanes), g0, g1, g2, g3);
            var minus = TOps.Broadcast(-model.Linear[i]);
            Store(g, Left(minus, z0, x0), Left(minus, z1, x1), Left(minus, z2, x2), Left(minus, z3, x3));
            *on |= Positive(z0, z1, z2, z3) << first;
            return TOps.Add(sum, TOps.Add(even, odd));
        }

        // z or, where it is off, x; of linear features z less.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static TVector Left(TVector minus, TVector z, TVector x) => TOps.MultiplyAdd(minus, z, TOps.WherePositive(z, z, x));
    }
}
