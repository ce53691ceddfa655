using System.Runtime.CompilerServices;

namespace ToyPipeline.Training.Fused;

/// <summary>
/// One block of a <see cref="TileKernel{TOps, TVector}"/> tile for models of one, two or three hidden dimensions: two vectors of samples
/// go through the whole model with the hidden activation and its gradient in registers.
/// </summary>
internal static unsafe class NarrowKernel<TOps, TVector, THidden>
    where TOps : struct, IVectors<TVector>
    where TVector : struct
    where THidden : struct, IVectorCount
{
    /// <summary>Samples in a block.</summary>
    public static int Samples => 2 * TOps.Lanes;

    /// <summary>Adds loss and gradient of one block.</summary>
    /// <param name="model">Shape and place of the parameters and sums.</param>
    /// <param name="x">First sample of the block, [features, stride].</param>
    /// <param name="valid">1 for samples of the batch and 0 for what fills up its last tile; null where all are of the batch.</param>
    /// <param name="sum">Loss so far, Σ q_i (t_i − y_i).</param>
    /// <returns>The loss with the block's added.</returns>
    // On its own: within a larger method the compiler runs out of its budget for inlining.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static TVector Run(in ModelParts model, float* x, float* valid, TVector sum)
    {
        int lanes = TOps.Lanes;
        int n = model.N;
        int stride = model.Stride;
        var (h00, h01, h10, h11, h20, h21) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        float* xi = x;
        float* w = model.W;
        for (int i = 0; i < n; i++, xi += stride, w += THidden.Value)
        {
            // h_k = Σ_i W_ik x_i
            var (x0, x1) = (TOps.Load(xi), TOps.Load(xi + lanes));
            var weight = TOps.Broadcast(w[0]);
            h00 = TOps.MultiplyAdd(weight, x0, h00);
            h01 = TOps.MultiplyAdd(weight, x1, h01);
            if (THidden.Value > 1)
            {
                weight = TOps.Broadcast(w[1]);
                h10 = TOps.MultiplyAdd(weight, x0, h10);
                h11 = TOps.MultiplyAdd(weight, x1, h11);
            }

            if (THidden.Value > 2)
            {
                weight = TOps.Broadcast(w[2]);
                h20 = TOps.MultiplyAdd(weight, x0, h20);
                h21 = TOps.MultiplyAdd(weight, x1, h21);
            }
        }

        if (model.ReluHidden)
        {
            (h00, h01) = (TOps.Max(h00, TOps.Zero), TOps.Max(h01, TOps.Zero));
            (h10, h11) = (TOps.Max(h10, TOps.Zero), TOps.Max(h11, TOps.Zero));
            (h20, h21) = (TOps.Max(h20, TOps.Zero), TOps.Max(h21, TOps.Zero));
        }

        var (d00, d01, d10, d11, d20, d21) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        float* decoder = model.Decoder;
        float* b = model.B;
        float* c = model.C;
        float* sums = model.DDecoder;
        float* db = model.Db;
        bool relu = model.ReluOutput;
        bool absolute = model.AbsoluteValue;
        xi = x;
        for (int i = 0; i < n; i++, xi += stride, decoder += THidden.Value, sums += THidden.Value * lanes, db += lanes)
        {
            // z_i = b_i + Σ_k D_ik h_k
            var z0 = TOps.Broadcast(b[i]);
            var z1 = z0;
            var weight0 = TOps.Broadcast(decoder[0]);
            z0 = TOps.MultiplyAdd(weight0, h00, z0);
            z1 = TOps.MultiplyAdd(weight0, h01, z1);
            var weight1 = THidden.Value > 1 ? TOps.Broadcast(decoder[1]) : TOps.Zero;
            var weight2 = THidden.Value > 2 ? TOps.Broadcast(decoder[2]) : TOps.Zero;
            if (THidden.Value > 1)
            {
                z0 = TOps.MultiplyAdd(weight1, h10, z0);
                z1 = TOps.MultiplyAdd(weight1, h11, z1);
            }

            if (THidden.Value > 2)
            {
                z0 = TOps.MultiplyAdd(weight2, h20, z0);
                z1 = TOps.MultiplyAdd(weight2, h21, z1);
            }

            // q_i = c_i (t_i − y_i)
            var (e0, e1) = (TOps.Load(xi), TOps.Load(xi + lanes));
            if (absolute)
                (e0, e1) = (TOps.Abs(e0), TOps.Abs(e1));
            (e0, e1) = relu
                ? (TOps.Subtract(e0, TOps.Max(z0, TOps.Zero)), TOps.Subtract(e1, TOps.Max(z1, TOps.Zero)))
                : (TOps.Subtract(e0, z0), TOps.Subtract(e1, z1));
            if (valid != null)
                (e0, e1) = (TOps.Multiply(e0, TOps.Load(valid)), TOps.Multiply(e1, TOps.Load(valid + lanes)));
            var factor = TOps.Broadcast(c[i]);
            var (g0, g1) = (TOps.Multiply(factor, e0), TOps.Multiply(factor, e1));
            sum = TOps.MultiplyAdd(g0, e0, sum);
            sum = TOps.MultiplyAdd(g1, e1, sum);
            if (relu)
                (g0, g1) = (TOps.WherePositive(z0, g0), TOps.WherePositive(z1, g1));

            // ∂L/∂b_i = g_i;  ∂L/∂D_ik = g_i h_k;  ∂L/∂h_k = Σ_i D_ik g_i
            TOps.Store(TOps.Add(TOps.Load(db), TOps.Add(g0, g1)), db);
            AddTo(sums, g0, h00, g1, h01);
            d00 = TOps.MultiplyAdd(weight0, g0, d00);
            d01 = TOps.MultiplyAdd(weight0, g1, d01);
            if (THidden.Value > 1)
            {
                AddTo(sums + lanes, g0, h10, g1, h11);
                d10 = TOps.MultiplyAdd(weight1, g0, d10);
                d11 = TOps.MultiplyAdd(weight1, g1, d11);
            }

            if (THidden.Value > 2)
            {
                AddTo(sums + (2 * lanes), g0, h20, g1, h21);
                d20 = TOps.MultiplyAdd(weight2, g0, d20);
                d21 = TOps.MultiplyAdd(weight2, g1, d21);
            }
        }

        if (model.ReluHidden)
        {
            (d00, d01) = (TOps.WherePositive(h00, d00), TOps.WherePositive(h01, d01));
            (d10, d11) = (TOps.WherePositive(h10, d10), TOps.WherePositive(h11, d11));
            (d20, d21) = (TOps.WherePositive(h20, d20), TOps.WherePositive(h21, d21));
        }

        // ∂L/∂W_ik = x_i ∂L/∂h_k
        xi = x;
        sums = model.DW;
        for (int i = 0; i < n; i++, xi += stride, sums += THidden.Value * lanes)
        {
            var (x0, x1) = (TOps.Load(xi), TOps.Load(xi + lanes));
            AddTo(sums, x0, d00, x1, d01);
            if (THidden.Value > 1)
                AddTo(sums + lanes, x0, d10, x1, d11);
            if (THidden.Value > 2)
                AddTo(sums + (2 * lanes), x0, d20, x1, d21);
        }

        return sum;
    }

    // sum += a0 b0 + a1 b1
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(float* sum, TVector a0, TVector b0, TVector a1, TVector b1) =>
        TOps.Store(TOps.MultiplyAdd(a0, b0, TOps.MultiplyAdd(a1, b1, TOps.Load(sum))), sum);
}
