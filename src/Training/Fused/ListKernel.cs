using System.Numerics;
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

    /// <summary>Of every draw: dh[sample] += value · D[feature], and dD[feature] += value · h[sample].</summary>
    public static void Backward(float* decoder, float* dDecoder, int* draws, float* values, int count, float* h, float* dh, int rows)
    {
        int lanes = TOps.Lanes;
        for (int k = 0; k < rows; k += 4 * lanes)
        {
            switch ((rows - k) / lanes)
            {
                case 1:
                    Backward<One>(decoder + k, dDecoder + k, draws, values, count, h + k, dh + k, rows);
                    break;
                case 2:
                    Backward<Two>(decoder + k, dDecoder + k, draws, values, count, h + k, dh + k, rows);
                    break;
                case 3:
                    Backward<Three>(decoder + k, dDecoder + k, draws, values, count, h + k, dh + k, rows);
                    break;
                default:
                    Backward<Four>(decoder + k, dDecoder + k, draws, values, count, h + k, dh + k, rows);
                    break;
            }
        }
    }

    /// <summary>Of one feature, in the samples in which its output is on: dh[sample] += g[sample] · D, and dD += g[sample] · h[sample].</summary>
    public static void Backward(float* decoder, float* dDecoder, ulong samples, float* g, float* h, float* dh, int rows)
    {
        int lanes = TOps.Lanes;
        for (int k = 0; k < rows; k += 4 * lanes)
        {
            switch ((rows - k) / lanes)
            {
                case 1:
                    Backward<One>(decoder + k, dDecoder + k, samples, g, h + k, dh + k, rows);
                    break;
                case 2:
                    Backward<Two>(decoder + k, dDecoder + k, samples, g, h + k, dh + k, rows);
                    break;
                case 3:
                    Backward<Three>(decoder + k, dDecoder + k, samples, g, h + k, dh + k, rows);
                    break;
                default:
                    Backward<Four>(decoder + k, dDecoder + k, samples, g, h + k, dh + k, rows);
                    break;
            }
        }
    }

    private static void AddRows<TCount>(float* w, int* draws, float* values, int count, float* h, int rows)
        where TCount : struct, IVectorCount
    {
        for (int e = 0; e < count; e++)
        {
            var (w0, w1, w2, w3) = VectorRow<TOps, TVector>.Load<TCount, None>(w + Feature(draws[e], rows));
            VectorRow<TOps, TVector>.AddProduct<TCount, None>(h + Sample(draws[e], rows), TOps.Broadcast(values[e]), w0, w1, w2, w3);
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
        var (h0, h1, h2, h3) = VectorRow<TOps, TVector>.Load<TCount, None>(dh + Sample(*draw, rows));
        VectorRow<TOps, TVector>.AddProduct<TCount, None>(dw + Feature(*draw, rows), TOps.Broadcast(*value), h0, h1, h2, h3);
    }

    // In turn as in AddOuter, and for the same reason.
    private static void Backward<TCount>(float* decoder, float* dDecoder, int* draws, float* values, int count, float* h, float* dh, int rows)
        where TCount : struct, IVectorCount
    {
        int quarter = count / 4;
        for (int e = 0; e < quarter; e++)
        {
            Backward<TCount>(decoder, dDecoder, draws + e, values + e, h, dh, rows);
            Backward<TCount>(decoder, dDecoder, draws + e + quarter, values + e + quarter, h, dh, rows);
            Backward<TCount>(decoder, dDecoder, draws + e + (2 * quarter), values + e + (2 * quarter), h, dh, rows);
            Backward<TCount>(decoder, dDecoder, draws + e + (3 * quarter), values + e + (3 * quarter), h, dh, rows);
        }

        for (int e = 4 * quarter; e < count; e++)
            Backward<TCount>(decoder, dDecoder, draws + e, values + e, h, dh, rows);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Backward<TCount>(float* decoder, float* dDecoder, int* draw, float* value, float* h, float* dh, int rows)
        where TCount : struct, IVectorCount
    {
        long feature = Feature(*draw, rows), sample = Sample(*draw, rows);
        var factor = TOps.Broadcast(*value);
        var (h0, h1, h2, h3) = VectorRow<TOps, TVector>.Load<TCount, None>(h + sample);
        VectorRow<TOps, TVector>.AddProduct<TCount, None>(dDecoder + feature, factor, h0, h1, h2, h3);
        var (d0, d1, d2, d3) = VectorRow<TOps, TVector>.Load<TCount, None>(decoder + feature);
        VectorRow<TOps, TVector>.AddProduct<TCount, None>(dh + sample, factor, d0, d1, d2, d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Feature(int draw, int rows) => (long)TileRun.Feature(draw) * rows;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Sample(int draw, int rows) => (long)TileRun.Sample(draw) * rows;

    private static void Backward<TCount>(float* decoder, float* dDecoder, ulong samples, float* g, float* h, float* dh, int rows)
        where TCount : struct, IVectorCount
    {
        var (w0, w1, w2, w3) = VectorRow<TOps, TVector>.Load<TCount, None>(decoder);
        var (d0, d1, d2, d3) = VectorRow<TOps, TVector>.Load<TCount, None>(dDecoder);
        for (; samples != 0; samples &= samples - 1)
        {
            long sample = BitOperations.TrailingZeroCount(samples);
            var factor = TOps.Broadcast(g[sample]);
            VectorRow<TOps, TVector>.AddTo<TCount, None>(h + (sample * rows), factor, ref d0, ref d1, ref d2, ref d3);
            VectorRow<TOps, TVector>.AddProduct<TCount, None>(dh + (sample * rows), factor, w0, w1, w2, w3);
        }

        VectorRow<TOps, TVector>.Store<TCount, None>(dDecoder, d0, d1, d2, d3);
    }
}
