using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ToyPipeline.Training.Fused;

/// <summary>Small dense products, blocked so that up to twelve vectors of results stay in registers.</summary>
internal static unsafe class BlockKernel<TOps, TVector>
    where TOps : struct, IVectors<TVector>
    where TVector : struct
{
    /// <summary>C = start + A B, for row-major matrices whose rows are stride floats apart.</summary>
    /// <param name="a">A, [<paramref name="count"/>, <paramref name="terms"/>].</param>
    /// <param name="aStride">Stride of A.</param>
    /// <param name="count">Rows of A and C.</param>
    /// <param name="terms">Columns of A, rows of B.</param>
    /// <param name="b">B, [<paramref name="terms"/>, <paramref name="width"/>].</param>
    /// <param name="bStride">Stride of B.</param>
    /// <param name="width">Columns of B and C: whole vectors, or with AVX-512 half of one at the end.</param>
    /// <param name="start">What the products are added to: C itself, or rows of another matrix.</param>
    /// <param name="startStride">Stride of <paramref name="start"/>; 0 where all rows start from the same.</param>
    /// <param name="c">Receives C.</param>
    /// <param name="cStride">Stride of C.</param>
    public static void Multiply(
        float* a, int aStride, int count, int terms, float* b, int bStride, int width, float* start, int startStride, float* c, int cStride) =>
        Multiply(a, aStride, 1, count, terms, b, bStride, width, start, startStride, c, cStride);

    /// <summary>C += Aᵀ B.</summary>
    /// <param name="a">A, [<paramref name="terms"/>, <paramref name="count"/>].</param>
    /// <param name="aStride">Stride of A.</param>
    /// <param name="count">Columns of A, rows of C.</param>
    /// <param name="terms">Rows of A and B.</param>
    /// <param name="b">B, [<paramref name="terms"/>, <paramref name="width"/>].</param>
    /// <param name="bStride">Stride of B.</param>
    /// <param name="width">Columns of B and C, as above.</param>
    /// <param name="c">C.</param>
    /// <param name="cStride">Stride of C.</param>
    public static void AddTransposed(float* a, int aStride, int count, int terms, float* b, int bStride, int width, float* c, int cStride) =>
        Multiply(a, 1, aStride, count, terms, b, bStride, width, c, cStride, c, cStride);

    // Element (r, t) of A stands at r · aStride + t · aStep.
    private static void Multiply(
        float* a, int aStride, int aStep, int count, int terms, float* b, int bStride, int width, float* start, int startStride, float* c, int cStride)
    {
        int taken;
        for (int v = 0; v < width; v += taken * TOps.Lanes / 2)
        {
            // Half vectors: at most three whole ones, and no half alone at the end.
            int left = 2 * (width - v) / TOps.Lanes;
            taken = left is 7 or 8 ? 4 : Math.Min(left, 6);
            switch (taken)
            {
                case 1:
                    Multiply<Half>(a, aStride, aStep, count, terms, b + v, bStride, start + v, startStride, c + v, cStride);
                    break;
                case 2:
                    Multiply<One>(a, aStride, aStep, count, terms, b + v, bStride, start + v, startStride, c + v, cStride);
                    break;
                case 3:
                    Multiply<OneAndHalf>(a, aStride, aStep, count, terms, b + v, bStride, start + v, startStride, c + v, cStride);
                    break;
                case 4:
                    Multiply<Two>(a, aStride, aStep, count, terms, b + v, bStride, start + v, startStride, c + v, cStride);
                    break;
                case 5:
                    Multiply<TwoAndHalf>(a, aStride, aStep, count, terms, b + v, bStride, start + v, startStride, c + v, cStride);
                    break;
                default:
                    Multiply<Three>(a, aStride, aStep, count, terms, b + v, bStride, start + v, startStride, c + v, cStride);
                    break;
            }
        }
    }

    private static void Multiply<TCount>(
        float* a, int aStride, int aStep, int count, int terms, float* b, int bStride, float* start, int startStride, float* c, int cStride)
        where TCount : struct, IVectorCount
    {
        for (; count > 0; count -= 4, a += 4L * aStride, start += 4L * startStride, c += 4L * cStride)
        {
            // Of fewer than four rows the last one is computed again, and stored once.
            long second = Math.Min(1, count - 1);
            long third = Math.Min(2, count - 1);
            long fourth = Math.Min(3, count - 1);
            float* a0 = a;
            float* a1 = a + (second * aStride);
            float* a2 = a + (third * aStride);
            float* a3 = a + (fourth * aStride);
            Load<TCount>(start, out var c00, out var c01, out var c02, out var half0);
            Load<TCount>(start + (second * startStride), out var c10, out var c11, out var c12, out var half1);
            Load<TCount>(start + (third * startStride), out var c20, out var c21, out var c22, out var half2);
            Load<TCount>(start + (fourth * startStride), out var c30, out var c31, out var c32, out var half3);
            float* row = b;
            for (int t = 0; t < terms; t++, row += bStride, a0 += aStep, a1 += aStep, a2 += aStep, a3 += aStep)
            {
                Load<TCount>(row, out var b0, out var b1, out var b2, out var halfB);
                AddTo<TCount>(a0, b0, b1, b2, halfB, ref c00, ref c01, ref c02, ref half0);
                AddTo<TCount>(a1, b0, b1, b2, halfB, ref c10, ref c11, ref c12, ref half1);
                AddTo<TCount>(a2, b0, b1, b2, halfB, ref c20, ref c21, ref c22, ref half2);
                AddTo<TCount>(a3, b0, b1, b2, halfB, ref c30, ref c31, ref c32, ref half3);
            }

            Store<TCount>(c, c00, c01, c02, half0);
            if (count > 1)
                Store<TCount>(c + cStride, c10, c11, c12, half1);
            if (count > 2)
                Store<TCount>(c + (2L * cStride), c20, c21, c22, half2);
            if (count > 3)
                Store<TCount>(c + (3L * cStride), c30, c31, c32, half3);
        }
    }

    // sums += factor · b
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo<TCount>(
        float* factor, TVector b0, TVector b1, TVector b2, Vector256<float> half, ref TVector sum0, ref TVector sum1, ref TVector sum2, ref Vector256<float> halfSum)
        where TCount : struct, IVectorCount
    {
        var weight = TOps.Broadcast(*factor);
        if (TCount.Value > 0)
            sum0 = TOps.MultiplyAdd(weight, b0, sum0);
        if (TCount.Value > 1)
            sum1 = TOps.MultiplyAdd(weight, b1, sum1);
        if (TCount.Value > 2)
            sum2 = TOps.MultiplyAdd(weight, b2, sum2);
        if (TCount.Half)
            halfSum = Vector256.FusedMultiplyAdd(Vector256.Create(*factor), half, halfSum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load<TCount>(float* p, out TVector v0, out TVector v1, out TVector v2, out Vector256<float> half)
        where TCount : struct, IVectorCount
    {
        v0 = TCount.Value > 0 ? TOps.Load(p) : TOps.Zero;
        v1 = TCount.Value > 1 ? TOps.Load(p + TOps.Lanes) : TOps.Zero;
        v2 = TCount.Value > 2 ? TOps.Load(p + (2 * TOps.Lanes)) : TOps.Zero;
        half = TCount.Half ? Vector256.Load(p + (TCount.Value * TOps.Lanes)) : Vector256<float>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TCount>(float* p, TVector v0, TVector v1, TVector v2, Vector256<float> half)
        where TCount : struct, IVectorCount
    {
        if (TCount.Value > 0)
            TOps.Store(v0, p);
        if (TCount.Value > 1)
            TOps.Store(v1, p + TOps.Lanes);
        if (TCount.Value > 2)
            TOps.Store(v2, p + (2 * TOps.Lanes));
        if (TCount.Half)
            half.Store(p + (TCount.Value * TOps.Lanes));
    }
}
