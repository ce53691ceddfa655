using System.Runtime.CompilerServices;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Fused;

/// <summary>Sums over the rows of W that a list names. Up to four vectors of a row at a time.</summary>
internal static unsafe class ListKernel<TOps, TVector>
    where TOps : struct, IVectors<TVector>
    where TVector : struct
{
    /// <summary>Of every draw: h[sample] += value · W[feature].</summary>
    public static void AddRows(float* w, int* draws, float* values, int count, float* h, int rows)
    {
        int lanes = TOps.Lanes;
        for (int k = 0; k < rows; k += 4 * lanes)
        {
            switch ((rows - k) / lanes)
            {
                case 1:
                    AddRows<One>(w + k, draws, values, count, h + k, rows);
                    break;
                case 2:
                    AddRows<Two>(w + k, draws, values, count, h + k, rows);
                    break;
                case 3:
                    AddRows<Three>(w + k, draws, values, count, h + k, rows);
                    break;
                default:
                    AddRows<Four>(w + k, draws, values, count, h + k, rows);
                    break;
            }
        }
    }

    /// <summary>Of every draw: dW[feature] += value · dh[sample].</summary>
    public static void AddOuter(float* dw, int* draws, float* values, int count, float* dh, int rows)
    {
        int lanes = TOps.Lanes;
        for (int k = 0; k < rows; k += 4 * lanes)
        {
            switch ((rows - k) / lanes)
            {
                case 1:
                    AddOuter<One>(dw + k, draws, values, count, dh + k, rows);
                    break;
                case 2:
                    AddOuter<Two>(dw + k, draws, values, count, dh + k, rows);
                    break;
                case 3:
                    AddOuter<Three>(dw + k, draws, values, count, dh + k, rows);
                    break;
                default:
                    AddOuter<Four>(dw + k, draws, values, count, dh + k, rows);
                    break;
            }
        }
    }

    /// <summary>Of one feature, in the samples in which its output is on: dh[sample] += g[sample] · D, and dD += g[sample] · h[sample].</summary>
    public static void Backward(float* decoder, float* dDecoder, int* samples, int count, float* g, float* h, float* dh, int rows)
    {
        int lanes = TOps.Lanes;
        for (int k = 0; k < rows; k += 4 * lanes)
        {
            switch ((rows - k) / lanes)
            {
                case 1:
                    Backward<One>(decoder + k, dDecoder + k, samples, count, g, h + k, dh + k, rows);
                    break;
                case 2:
                    Backward<Two>(decoder + k, dDecoder + k, samples, count, g, h + k, dh + k, rows);
                    break;
                case 3:
                    Backward<Three>(decoder + k, dDecoder + k, samples, count, g, h + k, dh + k, rows);
                    break;
                default:
                    Backward<Four>(decoder + k, dDecoder + k, samples, count, g, h + k, dh + k, rows);
                    break;
            }
        }
    }

    private static void AddRows<TCount>(float* w, int* draws, float* values, int count, float* h, int rows)
        where TCount : struct, IVectorCount
    {
        for (int e = 0; e < count; e++)
        {
            var (w0, w1, w2, w3) = Load<TCount>(w + Feature(draws[e], rows));
            AddTo<TCount>(h + Sample(draws[e], rows), TOps.Broadcast(values[e]), w0, w1, w2, w3);
        }
    }

    // Neighbours in the list are mostly of one feature, and a sum waits for the one before: four places of the list in turn overlap.
    private static void AddOuter<TCount>(float* dw, int* draws, float* values, int count, float* dh, int rows)
        where TCount : struct, IVectorCount
    {
        int quarter = count / 4;
        for (int e = 0; e < quarter; e++)
        {
            AddOuter<TCount>(dw, draws + e, values + e, dh, rows);
            AddOuter<TCount>(dw, draws + e + quarter, values + e + quarter, dh, rows);
            AddOuter<TCount>(dw, draws + e + (2 * quarter), values + e + (2 * quarter), dh, rows);
            AddOuter<TCount>(dw, draws + e + (3 * quarter), values + e + (3 * quarter), dh, rows);
        }

        for (int e = 4 * quarter; e < count; e++)
            AddOuter<TCount>(dw, draws + e, values + e, dh, rows);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddOuter<TCount>(float* dw, int* draw, float* value, float* dh, int rows)
        where TCount : struct, IVectorCount
    {
        var (h0, h1, h2, h3) = Load<TCount>(dh + Sample(*draw, rows));
        AddTo<TCount>(dw + Feature(*draw, rows), TOps.Broadcast(*value), h0, h1, h2, h3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Feature(int draw, int rows) => (long)TileRun.Feature(draw) * rows;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Sample(int draw, int rows) => (long)TileRun.Sample(draw) * rows;

    private static void Backward<TCount>(float* decoder, float* dDecoder, int* samples, int count, float* g, float* h, float* dh, int rows)
        where TCount : struct, IVectorCount
    {
        int lanes = TOps.Lanes;
        var (w0, w1, w2, w3) = Load<TCount>(decoder);
        var (d0, d1, d2, d3) = Load<TCount>(dDecoder);
        for (int e = 0; e < count; e++)
        {
            long sample = samples[e];
            var factor = TOps.Broadcast(g[sample]);
            AddTo<TCount>(factor, h + (sample * rows), ref d0, ref d1, ref d2, ref d3);
            AddTo<TCount>(dh + (sample * rows), factor, w0, w1, w2, w3);
        }

        Store<TCount>(dDecoder, d0, d1, d2, d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (TVector, TVector, TVector, TVector) Load<TCount>(float* p)
        where TCount : struct, IVectorCount =>
        (TOps.Load(p),
        TCount.Value > 1 ? TOps.Load(p + TOps.Lanes) : TOps.Zero,
        TCount.Value > 2 ? TOps.Load(p + (2 * TOps.Lanes)) : TOps.Zero,
        TCount.Value > 3 ? TOps.Load(p + (3 * TOps.Lanes)) : TOps.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TCount>(float* p, TVector v0, TVector v1, TVector v2, TVector v3)
        where TCount : struct, IVectorCount
    {
        TOps.Store(v0, p);
        if (TCount.Value > 1)
            TOps.Store(v1, p + TOps.Lanes);
        if (TCount.Value > 2)
            TOps.Store(v2, p + (2 * TOps.Lanes));
        if (TCount.Value > 3)
            TOps.Store(v3, p + (3 * TOps.Lanes));
    }

    // p += factor · v
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo<TCount>(float* p, TVector factor, TVector v0, TVector v1, TVector v2, TVector v3)
        where TCount : struct, IVectorCount
    {
        int lanes = TOps.Lanes;
        TOps.Store(TOps.MultiplyAdd(factor, v0, TOps.Load(p)), p);
        if (TCount.Value > 1)
            TOps.Store(TOps.MultiplyAdd(factor, v1, TOps.Load(p + lanes)), p + lanes);
        if (TCount.Value > 2)
            TOps.Store(TOps.MultiplyAdd(factor, v2, TOps.Load(p + (2 * lanes))), p + (2 * lanes));
        if (TCount.Value > 3)
            TOps.Store(TOps.MultiplyAdd(factor, v3, TOps.Load(p + (3 * lanes))), p + (3 * lanes));
    }

    // sums += factor · p
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo<TCount>(TVector factor, float* p, ref TVector sum0, ref TVector sum1, ref TVector sum2, ref TVector sum3)
        where TCount : struct, IVectorCount
    {
        sum0 = TOps.MultiplyAdd(factor, TOps.Load(p), sum0);
        if (TCount.Value > 1)
            sum1 = TOps.MultiplyAdd(factor, TOps.Load(p + TOps.Lanes), sum1);
        if (TCount.Value > 2)
            sum2 = TOps.MultiplyAdd(factor, TOps.Load(p + (2 * TOps.Lanes)), sum2);
        if (TCount.Value > 3)
            sum3 = TOps.MultiplyAdd(factor, TOps.Load(p + (3 * TOps.Lanes)), sum3);
    }
}
