using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ToyPipeline.Training.Fused;

/// <summary>Layouts of matrices.</summary>
internal static unsafe class Rows
{
    /// <summary>[n, m] to rows of <paramref name="stride"/>, 0 beyond m.</summary>
    public static void Pad(float* from, float* to, int n, int m, int stride)
    {
        for (int i = 0; i < n; i++)
        {
            var row = new Span<float>(to + ((long)i * stride), stride);
            new ReadOnlySpan<float>(from + ((long)i * m), m).CopyTo(row);
            row[m..].Clear();
        }
    }

    /// <summary>The inverse of <see cref="Pad"/>.</summary>
    public static void Unpad(float* from, float* to, int n, int m, int stride)
    {
        for (int i = 0; i < n; i++)
            new ReadOnlySpan<float>(from + ((long)i * stride), m).CopyTo(new Span<float>(to + ((long)i * m), m));
    }

    /// <summary>[n, m] to [m, n], for matrices whose rows are stride floats apart.</summary>
    public static void Transpose(float* from, int fromStride, int n, int m, float* to, int toStride) =>
        Transpose<Assign>(from, fromStride, n, m, to, toStride);

    /// <summary>Adds [n, m] to [m, n], for matrices whose rows are stride floats apart.</summary>
    public static void AddTransposed(float* from, int fromStride, int n, int m, float* to, int toStride) =>
        Transpose<Add>(from, fromStride, n, m, to, toStride);

    /// <summary>A square matrix plus its transpose, in place.</summary>
    public static void AddOwnTranspose(float* matrix, int n, int stride)
    {
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                float* place = matrix + ((long)i * stride) + j;
                float* mirror = matrix + ((long)j * stride) + i;
                *place = *mirror = *place + *mirror;
            }
        }
    }

    private static void Transpose<TStore>(float* from, int fromStride, int n, int m, float* to, int toStride)
        where TStore : struct, IStore
    {
        int i = 0;
        if (Avx.IsSupported)
        {
            for (; i + 8 <= n; i += 8)
            {
                int k = 0;
                for (; k + 8 <= m; k += 8)
                    Transpose8<TStore>(from + ((long)i * fromStride) + k, fromStride, to + ((long)k * toStride) + i, toStride);
                Transpose<TStore>(from, fromStride, i, i + 8, k, m, to, toStride);
            }
        }

        Transpose<TStore>(from, fromStride, i, n, 0, m, to, toStride);
    }

    // Rows and columns from the first to before the last.
    private static void Transpose<TStore>(float* from, int fromStride, int firstRow, int lastRow, int firstColumn, int lastColumn, float* to, int toStride)
        where TStore : struct, IStore
    {
        for (int i = firstRow; i < lastRow; i++)
        {
            for (int k = firstColumn; k < lastColumn; k++)
                TStore.Store(from[((long)i * fromStride) + k], to + ((long)k * toStride) + i);
        }
    }

    private static void Transpose8<TStore>(float* from, int fromStride, float* to, int stride)
        where TStore : struct, IStore
    {
        var (r0, r1, r2, r3) = (Vector256.Load(from), Vector256.Load(from + fromStride), Vector256.Load(from + (2L * fromStride)), Vector256.Load(from + (3L * fromStride)));
        from += 4L * fromStride;
        var (r4, r5, r6, r7) = (Vector256.Load(from), Vector256.Load(from + fromStride), Vector256.Load(from + (2L * fromStride)), Vector256.Load(from + (3L * fromStride)));
        var (a0, a1, a2, a3) = (Avx.UnpackLow(r0, r1), Avx.UnpackHigh(r0, r1), Avx.UnpackLow(r2, r3), Avx.UnpackHigh(r2, r3));
        var (a4, a5, a6, a7) = (Avx.UnpackLow(r4, r5), Avx.UnpackHigh(r4, r5), Avx.UnpackLow(r6, r7), Avx.UnpackHigh(r6, r7));
        var (b0, b1, b2, b3) = (Avx.Shuffle(a0, a2, 0x44), Avx.Shuffle(a0, a2, 0xEE), Avx.Shuffle(a1, a3, 0x44), Avx.Shuffle(a1, a3, 0xEE));
        var (b4, b5, b6, b7) = (Avx.Shuffle(a4, a6, 0x44), Avx.Shuffle(a4, a6, 0xEE), Avx.Shuffle(a5, a7, 0x44), Avx.Shuffle(a5, a7, 0xEE));
        TStore.Store(Avx.Permute2x128(b0, b4, 0x20), to);
        TStore.Store(Avx.Permute2x128(b1, b5, 0x20), to + stride);
        TStore.Store(Avx.Permute2x128(b2, b6, 0x20), to + (2L * stride));
        TStore.Store(Avx.Permute2x128(b3, b7, 0x20), to + (3L * stride));
        TStore.Store(Avx.Permute2x128(b0, b4, 0x31), to + (4L * stride));
        TStore.Store(Avx.Permute2x128(b1, b5, 0x31), to + (5L * stride));
        TStore.Store(Avx.Permute2x128(b2, b6, 0x31), to + (6L * stride));
        TStore.Store(Avx.Permute2x128(b3, b7, 0x31), to + (7L * stride));
    }

    /// <summary>What becomes of a transposed value: known when a loop is compiled.</summary>
    private interface IStore
    {
        static abstract void Store(float value, float* to);

        static abstract void Store(Vector256<float> value, float* to);
    }

    private readonly struct Assign : IStore
    {
        public static void Store(float value, float* to) => *to = value;

        public static void Store(Vector256<float> value, float* to) => value.Store(to);
    }

    private readonly struct Add : IStore
    {
        public static void Store(float value, float* to) => *to += value;

        public static void Store(Vector256<float> value, float* to) => (Vector256.Load(to) + value).Store(to);
    }
}
