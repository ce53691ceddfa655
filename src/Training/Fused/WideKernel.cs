using System.Runtime.CompilerServices;

namespace ToyPipeline.Training.Fused;

/// <summary>
/// One block of a <see cref="TileKernel{TOps, TVector}"/> run for models of some hidden dimensions: four vectors of samples go through the
/// model step by step.
/// </summary>
internal static unsafe class WideKernel<TOps, TVector>
    where TOps : struct, IVectors<TVector>
    where TVector : struct
{
    /// <summary>Samples in a block.</summary>
    public static int Samples => SampleLanes<TOps, TVector>.Samples;

    /// <summary>Adds loss and gradient of one block.</summary>
    /// <param name="model">Shape and place of the parameters and sums.</param>
    /// <param name="x">First sample of the block, [features, stride].</param>
    /// <param name="scratch">Room for g [n, block], h [m, block] and ∂L/∂h [m, block].</param>
    /// <param name="valid">1 for samples of the batch and 0 for what fills up its last block; null where all are of the batch.</param>
    /// <param name="sum">Loss so far, Σ q_i (t_i − y_i).</param>
    /// <returns>The loss with the block's added.</returns>
    public static TVector Run(in ModelParts model, float* x, float* scratch, float* valid, TVector sum)
    {
        float* g = scratch;
        float* h = g + (Samples * model.N);
        float* dh = h + (Samples * model.M);
        // h_k = Σ_i W_ik x_i
        SampleLanes<TOps, TVector>.Project(model.W, model.Rows, x, model.Stride, model.N, model.M, h, Samples, add: false);
        if (model.ReluHidden)
            SampleLanes<TOps, TVector>.Gate(h, h, model.M * Samples);
        int rows;
        for (int i = 0; i < model.N; i += rows)
        {
            rows = SampleLanes<TOps, TVector>.Rows(model.N - i);
            sum = SampleLanes<TOps, TVector>.Decode(in model, i, rows, h, x + (i * model.Stride), g + (Samples * i), Samples, valid, null, 0, sum);
        }

        // ∂L/∂h_k = Σ_i D_ik g_i, 0 where the hidden unit is off
        SampleLanes<TOps, TVector>.Project(model.Decoder, model.Rows, g, Samples, model.N, model.M, dh, Samples, add: false);
        if (model.ReluHidden)
            SampleLanes<TOps, TVector>.Gate(h, dh, model.M * Samples);
        BackwardWeights(in model, x, g, h, dh);
        return sum;
    }

    // ∂L/∂W_ik = Σ_samples x_i ∂L/∂h_k  (encoder)  +  g_i h_k  (decoder, into W itself where it is tied)
    private static void BackwardWeights(in ModelParts model, float* x, float* g, float* h, float* dh)
    {
        int i = 0;
        // Two features need the registers of AVX-512.
        for (; TOps.Lanes > 8 && i + 2 <= model.N; i += 2)
            BackwardWeights<Two>(in model, i, x, g, h, dh);
        for (; i < model.N; i++)
            BackwardWeights<One>(in model, i, x, g, h, dh);
    }

    private static void BackwardWeights<TRows>(in ModelParts model, int i, float* x, float* g, float* h, float* dh)
        where TRows : struct, IVectorCount
    {
        var (lanes, m, stride) = (TOps.Lanes, model.M, model.Stride);
        x += i * stride;
        g += i * Samples;
        var (x0, x1, x2, x3) = SampleLanes<TOps, TVector>.Load(x);
        var (g0, g1, g2, g3) = SampleLanes<TOps, TVector>.Load(g);
        var (y0, y1, y2, y3) = TRows.Value > 1 ? SampleLanes<TOps, TVector>.Load(x + stride) : (x0, x1, x2, x3);
        var (f0, f1, f2, f3) = TRows.Value > 1 ? SampleLanes<TOps, TVector>.Load(g + Samples) : (g0, g1, g2, g3);
        float* dw = model.DW + (i * m * lanes);
        float* dDecoder = model.DDecoder + (i * m * lanes);
        bool tied = dw == dDecoder;
        for (int k = 0; k < m; k++, h += Samples, dh += Samples, dw += lanes, dDecoder += lanes)
        {
            var (h0, h1, h2, h3) = SampleLanes<TOps, TVector>.Load(h);
            var (d0, d1, d2, d3) = SampleLanes<TOps, TVector>.Load(dh);
            AddTo(dDecoder, g0, g1, g2, g3, h0, h1, h2, h3, dw, x0, x1, x2, x3, d0, d1, d2, d3, tied);
            if (TRows.Value > 1)
                AddTo(dDecoder + (m * lanes), f0, f1, f2, f3, h0, h1, h2, h3, dw + (m * lanes), y0, y1, y2, y3, d0, d1, d2, d3, tied);
        }
    }

    // first += a b and second += c d, which may be the same place.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(
        float* first, TVector a0, TVector a1, TVector a2, TVector a3, TVector b0, TVector b1, TVector b2, TVector b3,
        float* second, TVector c0, TVector c1, TVector c2, TVector c3, TVector d0, TVector d1, TVector d2, TVector d3, bool same)
    {
        var sum = TOps.MultiplyAdd(a3, b3, TOps.MultiplyAdd(a2, b2, TOps.MultiplyAdd(a1, b1, TOps.MultiplyAdd(a0, b0, TOps.Load(first)))));
        var other = TOps.MultiplyAdd(c3, d3, TOps.MultiplyAdd(c2, d2, TOps.MultiplyAdd(c1, d1, TOps.Multiply(c0, d0))));
        if (same)
        {
            TOps.Store(TOps.Add(sum, other), first);
            return;
        }

        TOps.Store(sum, first);
        TOps.Store(TOps.Add(TOps.Load(second), other), second);
    }
}
