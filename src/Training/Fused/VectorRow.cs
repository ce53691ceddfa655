using System.Runtime.CompilerServices;

namespace ToyPipeline.Training.Fused;

/// <summary>
/// Up to four vectors of a row: of <c>TCount</c> vectors those from <c>TFirst</c> on. Registers need names, so that each is written out.
/// </summary>
internal static unsafe class VectorRow<TOps, TVector>
    where TOps : struct, IVectors<TVector>
    where TVector : struct
{
    /// <summary>The vectors; 0 for those that are not there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TVector, TVector, TVector, TVector) Load<TCount, TFirst>(float* p)
        where TCount : struct, IVectorCount
        where TFirst : struct, IVectorCount
    {
        int lanes = TOps.Lanes;
        p += TFirst.Value * lanes;
        return (Has<TCount, TFirst>(0) ? TOps.Load(p) : TOps.Zero,
            Has<TCount, TFirst>(1) ? TOps.Load(p + lanes) : TOps.Zero,
            Has<TCount, TFirst>(2) ? TOps.Load(p + (2 * lanes)) : TOps.Zero,
            Has<TCount, TFirst>(3) ? TOps.Load(p + (3 * lanes)) : TOps.Zero);
    }

    /// <summary>sums += factor · p.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo<TCount, TFirst>(float* p, TVector factor, ref TVector sum0, ref TVector sum1, ref TVector sum2, ref TVector sum3)
        where TCount : struct, IVectorCount
        where TFirst : struct, IVectorCount
    {
        int lanes = TOps.Lanes;
        p += TFirst.Value * lanes;
        if (Has<TCount, TFirst>(0))
            sum0 = TOps.MultiplyAdd(factor, TOps.Load(p), sum0);
        if (Has<TCount, TFirst>(1))
            sum1 = TOps.MultiplyAdd(factor, TOps.Load(p + lanes), sum1);
        if (Has<TCount, TFirst>(2))
            sum2 = TOps.MultiplyAdd(factor, TOps.Load(p + (2 * lanes)), sum2);
        if (Has<TCount, TFirst>(3))
            sum3 = TOps.MultiplyAdd(factor, TOps.Load(p + (3 * lanes)), sum3);
    }

    /// <summary>p += factor · v.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct<TCount, TFirst>(float* p, TVector factor, TVector v0, TVector v1, TVector v2, TVector v3)
        where TCount : struct, IVectorCount
        where TFirst : struct, IVectorCount
    {
        int lanes = TOps.Lanes;
        p += TFirst.Value * lanes;
        if (Has<TCount, TFirst>(0))
            TOps.Store(TOps.MultiplyAdd(factor, v0, TOps.Load(p)), p);
        if (Has<TCount, TFirst>(1))
            TOps.Store(TOps.MultiplyAdd(factor, v1, TOps.Load(p + lanes)), p + lanes);
        if (Has<TCount, TFirst>(2))
            TOps.Store(TOps.MultiplyAdd(factor, v2, TOps.Load(p + (2 * lanes))), p + (2 * lanes));
        if (Has<TCount, TFirst>(3))
            TOps.Store(TOps.MultiplyAdd(factor, v3, TOps.Load(p + (3 * lanes))), p + (3 * lanes));
    }

    /// <summary>p = v.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TCount, TFirst>(float* p, TVector v0, TVector v1, TVector v2, TVector v3)
        where TCount : struct, IVectorCount
        where TFirst : struct, IVectorCount
    {
        int lanes = TOps.Lanes;
        p += TFirst.Value * lanes;
        if (Has<TCount, TFirst>(0))
            TOps.Store(v0, p);
        if (Has<TCount, TFirst>(1))
            TOps.Store(v1, p + lanes);
        if (Has<TCount, TFirst>(2))
            TOps.Store(v2, p + (2 * lanes));
        if (Has<TCount, TFirst>(3))
            TOps.Store(v3, p + (3 * lanes));
    }

    /// <summary>Whether there is a vector at a place from the first on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has<TCount, TFirst>(int place)
        where TCount : struct, IVectorCount
        where TFirst : struct, IVectorCount => TCount.Value > TFirst.Value + place;
}
