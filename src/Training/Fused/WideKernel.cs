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
            Gate(h, h, model.M);
        int rows;
        for (int i = 0; i < model.N; i += rows)
        {
            rows = SampleLanes<TOps, TVector>.Rows(model.N - i);
            sum = SampleLanes<TOps, TVector>.Decode(in model, i, rows, h, x + (i * model.Stride), g + (Samples * i), Samples, valid, null, 0, sum);
        }

        // ∂L/∂h_k = Σ_i D_ik g_i, 0 where the hidden unit is off
        SampleLanes<TOps, TVector>.Project(model.Decoder, model.Rows, g, Samples, model.N, model.M, dh, Samples, add: false);
        if (model.ReluHidden)
            Gate(h, dh, model.M);
        BackwardWeights(in model, x, g, h, dh);
        return sum;
    }

    // Keeps values where the hidden unit is on.
    private static void Gate(float* h, float* values, int m)
    {
        for (int e = 0; e < m * Samples; e += TOps.Lanes)
            TOps.Store(TOps.WherePositive(TOps.Load(h + e), TOps.Load(values + e)), values + e);
    }

    // ∂L/∂W_ik = Σ_samples x_i ∂L/∂h_k  (encoder)  +  g_i h_k  (decoder, into W itself where it is tied)
    private static void BackwardWeights(in ModelParts model, float* x, float* g, float* h, float* dh)
    {
        var (lanes, n, m) = (TOps.Lanes, model.N, model.M);
        float* dw = model.DW;
        float* dDecoder = model.DDecoder;
        bool tied = dw == dDecoder;
        for (int i = 0; i < n; i++, x += model.Stride, g += Samples)
        {
            var (x0, x1, x2, x3) = SampleLanes<TOps, TVector>.Load(x);
            var (g0, g1, g2, g3) = SampleLanes<TOps, TVector>.Load(g);
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
        }
    }
}
