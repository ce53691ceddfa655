using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ToyPipeline.Training.Fused;

/// <summary>Layouts of matrices.</summary>
internal static unsafe class Rows
{
    /// <summary>[n, m] to rows of <paramref name="stride"/>.</summary>
    public static void Pad(float* from, float* to, int n, int m, int stride)
    {
        for (int i = 0; i < n; i++)
            new ReadOnlySpan<float>(from + ((long)i * m), m).CopyTo(new Span<float>(to + ((long)i * stride), m));
    }

    /// <summary>The inverse of <see cref="Pad"/>.</summary>
    public static void Unpad(float* from, float* to, int n, int m, int stride)
    {
        for (int i = 0; i < n; i++)
            new ReadOnlySpan<float>(from + ((long)i * stride), m).CopyTo(new Span<float>(to + ((long)i * m), m));
    }

    /// <summary>[n, m] to panels of <paramref name="panel"/> rows, each transposed: [n / panel, m, panel].</summary>
    public static void Pack(float* from, float* to, int n, int m, int panel)
    {
        for (int first = 0; first < n; first += panel, to += (long)panel * m)
            Transpose(from + ((long)first * m), m, Math.Min(panel, n - first), m, to, panel);
    }

    /// <summary>Adds to [n, m] what is packed in panels as by <see cref="Pack"/>.</summary>
    public static void AddPacked(float* from, float* to, int n, int m, int panel)
    {
        for (int first = 0; first < n; first += panel, from += (long)panel * m)
        {
            int count = Math.Min(panel, n - first);
            for (int j = 0; j < count; j++)
            {
                float* row = to + ((long)(first + j) * m);
                for (int k = 0; k < m; k++)
                    row[k] += from[(k * panel) + j];
            }
        }
    }

    /// <summary>[n, m] to [m, n], for matrices whose rows are stride floats apart.</summary>
    public static void Transpose(float* from, int fromStride, int n, int m, float* to, int toStride)
    {
        int i = 0;
        if (Avx.IsSupported)
        {
            for (; i + 8 <= n; i += 8)
            {
                int k = 0;
                for (; k + 8 <= m; k += 8)
                    Transpose8(from + ((long)i * fromStride) + k, fromStride, to + ((long)k * toStride) + i, toStride);
                Transpose(from, fromStride, i, i + 8, k, m, to, toStride);
            }
        }

        Transpose(from, fromStride, i, n, 0, m, to, toStride);
    }

    // Rows and columns from the first to before the last.
    private static void Transpose(float* from, int fromStride, int firstRow, int lastRow, int firstColumn, int lastColumn, float* to, int toStride)
    {
        for (int i = firstRow; i < lastRow; i++)
        {
            for (int k = firstColumn; k < lastColumn; k++)
                to[((long)k * toStride) + i] = from[((long)i * fromStride) + k];
        }
    }

    private static void Transpose8(float* from, int fromStride, float* to, int stride)
    {
        var (r0, r1, r2, r3) = (Vector256.Load(from), Vector256.Load(from + fromStride), Vector256.Load(from + (2L * fromStride)), Vector256.Load(from + (3L * fromStride)));
        from += 4L * fromStride;
        var (r4, r5, r6, r7) = (Vector256.Load(from), Vector256.Load(from + fromStride), Vector256.Load(from + (2L * fromStride)), Vector256.Load(from + (3L * fromStride)));
        var (a0, a1, a2, a3) = (Avx.UnpackLow(r0, r1), Avx.UnpackHigh(r0, r1), Avx.UnpackLow(r2, r3), Avx.UnpackHigh(r2, r3));
        var (a4, a5, a6, a7) = (Avx.UnpackLow(r4, r5), Avx.UnpackHigh(r4, r5), Avx.UnpackLow(r6, r7), Avx.UnpackHigh(r6, r7));
        var (b0, b1, b2, b3) = (Avx.Shuffle(a0, a2, 0x44), Avx.Shuffle(a0, a2, 0xEE), Avx.Shuffle(a1, a3, 0x44), Avx.Shuffle(a1, a3, 0xEE));
        var (b4, b5, b6, b7) = (Avx.Shuffle(a4, a6, 0x44), Avx.Shuffle(a4, a6, 0xEE), Avx.Shuffle(a5, a7, 0x44), Avx.Shuffle(a5, a7, 0xEE));
        Avx.Permute2x128(b0, b4, 0x20).Store(to);
        Avx.Permute2x128(b1, b5, 0x20).Store(to + stride);
        Avx.Permute2x128(b2, b6, 0x20).Store(to + (2L * stride));
        Avx.Permute2x128(b3, b7, 0x20).Store(to + (3L * stride));
        Avx.Permute2x128(b0, b4, 0x31).Store(to + (4L * stride));
        Avx.Permute2x128(b1, b5, 0x31).Store(to + (5L * stride));
        Avx.Permute2x128(b2, b6, 0x31).Store(to + (6L * stride));
        Avx.Permute2x128(b3, b7, 0x31).Store(to + (7L * stride));
    }
}
