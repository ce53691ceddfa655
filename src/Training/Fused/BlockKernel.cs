namespace ToyPipeline.Training.Fused;

/// <summary>Small dense products, blocked so that eight vectors of results stay in registers.</summary>
internal static unsafe class BlockKernel<TOps, TVector>
    where TOps : struct, IVectors<TVector>
    where TVector : struct
{
    private const int Tile = SampleSource.TileSamples;

    /// <summary>z = b + D h for two vectors of features, four samples at a time.</summary>
    /// <param name="panel">D, transposed, [m, 2 · lanes].</param>
    /// <param name="bias">b, [2 · lanes].</param>
    /// <param name="h">Hidden activations, rows of <paramref name="rows"/>.</param>
    /// <param name="rows">Length of a row of h.</param>
    /// <param name="m">Hidden dimensions.</param>
    /// <param name="count">Samples; up to three more are computed from whatever h holds.</param>
    /// <param name="z">Receives z, [samples, 2 · lanes].</param>
    public static void Panel(float* panel, float* bias, float* h, int rows, int m, int count, float* z)
    {
        int lanes = TOps.Lanes;
        for (int s = 0; s < count; s += 4, h += 4 * rows, z += 8 * lanes)
        {
            float* h1 = h + rows;
            float* h2 = h1 + rows;
            float* h3 = h2 + rows;
            var (a0, a1) = (TOps.Load(bias), TOps.Load(bias + lanes));
            var (b0, b1, c0, c1, d0, d1) = (a0, a1, a0, a1, a0, a1);
            float* p = panel;
            for (int k = 0; k < m; k++, p += 2 * lanes)
            {
                var (p0, p1) = (TOps.Load(p), TOps.Load(p + lanes));
                var weight = TOps.Broadcast(h[k]);
                a0 = TOps.MultiplyAdd(weight, p0, a0);
                a1 = TOps.MultiplyAdd(weight, p1, a1);
                weight = TOps.Broadcast(h1[k]);
                b0 = TOps.MultiplyAdd(weight, p0, b0);
                b1 = TOps.MultiplyAdd(weight, p1, b1);
                weight = TOps.Broadcast(h2[k]);
                c0 = TOps.MultiplyAdd(weight, p0, c0);
                c1 = TOps.MultiplyAdd(weight, p1, c1);
                weight = TOps.Broadcast(h3[k]);
                d0 = TOps.MultiplyAdd(weight, p0, d0);
                d1 = TOps.MultiplyAdd(weight, p1, d1);
            }

            TOps.Store(a0, z);
            TOps.Store(a1, z + lanes);
            TOps.Store(b0, z + (2 * lanes));
            TOps.Store(b1, z + (3 * lanes));
            TOps.Store(c0, z + (4 * lanes));
            TOps.Store(c1, z + (5 * lanes));
            TOps.Store(d0, z + (6 * lanes));
            TOps.Store(d1, z + (7 * lanes));
        }
    }

    /// <summary>h = x W for dense x.</summary>
    /// <param name="x">Samples, rows of <paramref name="columns"/>.</param>
    /// <param name="columns">Length of a row of x.</param>
    /// <param name="n">Features.</param>
    /// <param name="count">Samples; up to three more are computed from whatever x holds.</param>
    /// <param name="w">W, rows of <paramref name="rows"/>.</param>
    /// <param name="h">Receives h, rows of <paramref name="rows"/>.</param>
    /// <param name="rows">Length of a row of W and h, whole vectors.</param>
    public static void Product(float* x, int columns, int n, int count, float* w, float* h, int rows)
    {
        int lanes = TOps.Lanes;
        for (int s = 0; s < count; s += 4, x += 4L * columns, h += 4 * rows)
        {
            for (int k = 0; k < rows; k += 2 * lanes)
            {
                // Of an odd last vector the one beyond it is read, and what comes of it is not stored.
                bool two = k + lanes < rows;
                float* x1 = x + columns;
                float* x2 = x1 + columns;
                float* x3 = x2 + columns;
                var (a0, a1, b0, b1) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
                var (c0, c1, d0, d1) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
                float* row = w + k;
                for (int i = 0; i < n; i++, row += rows)
                {
                    var (w0, w1) = (TOps.Load(row), TOps.Load(row + lanes));
                    var value = TOps.Broadcast(x[i]);
                    a0 = TOps.MultiplyAdd(value, w0, a0);
                    a1 = TOps.MultiplyAdd(value, w1, a1);
                    value = TOps.Broadcast(x1[i]);
                    b0 = TOps.MultiplyAdd(value, w0, b0);
                    b1 = TOps.MultiplyAdd(value, w1, b1);
                    value = TOps.Broadcast(x2[i]);
                    c0 = TOps.MultiplyAdd(value, w0, c0);
                    c1 = TOps.MultiplyAdd(value, w1, c1);
                    value = TOps.Broadcast(x3[i]);
                    d0 = TOps.MultiplyAdd(value, w0, d0);
                    d1 = TOps.MultiplyAdd(value, w1, d1);
                }

                float* to = h + k;
                TOps.Store(a0, to);
                TOps.Store(b0, to + rows);
                TOps.Store(c0, to + (2 * rows));
                TOps.Store(d0, to + (3 * rows));
                if (two)
                {
                    TOps.Store(a1, to + lanes);
                    TOps.Store(b1, to + rows + lanes);
                    TOps.Store(c1, to + (2 * rows) + lanes);
                    TOps.Store(d1, to + (3 * rows) + lanes);
                }
            }
        }
    }

    /// <summary>dW += xᵀ dh for dense x.</summary>
    /// <param name="x">Features, rows of 64 samples.</param>
    /// <param name="n">Features.</param>
    /// <param name="count">Samples.</param>
    /// <param name="dh">Rows of <paramref name="rows"/>.</param>
    /// <param name="dw">Rows of <paramref name="rows"/>.</param>
    /// <param name="rows">Length of a row, whole vectors.</param>
    public static void AddOuter(float* x, int n, int count, float* dh, float* dw, int rows)
    {
        int lanes = TOps.Lanes;
        for (int i = 0; i < n; i += 4, x += 4 * Tile, dw += 4 * rows)
        {
            // Of the last features fewer than four may be left: they are computed again, and stored once.
            int left = Math.Min(4, n - i);
            float* x1 = x + (Math.Min(1, left - 1) * Tile);
            float* x2 = x + (Math.Min(2, left - 1) * Tile);
            float* x3 = x + (Math.Min(3, left - 1) * Tile);
            for (int k = 0; k < rows; k += 2 * lanes)
            {
                bool two = k + lanes < rows;
                var (a0, a1, b0, b1) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
                var (c0, c1, d0, d1) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
                float* row = dh + k;
                for (int s = 0; s < count; s++, row += rows)
                {
                    var (h0, h1) = (TOps.Load(row), TOps.Load(row + lanes));
                    var value = TOps.Broadcast(x[s]);
                    a0 = TOps.MultiplyAdd(value, h0, a0);
                    a1 = TOps.MultiplyAdd(value, h1, a1);
                    value = TOps.Broadcast(x1[s]);
                    b0 = TOps.MultiplyAdd(value, h0, b0);
                    b1 = TOps.MultiplyAdd(value, h1, b1);
                    value = TOps.Broadcast(x2[s]);
                    c0 = TOps.MultiplyAdd(value, h0, c0);
                    c1 = TOps.MultiplyAdd(value, h1, c1);
                    value = TOps.Broadcast(x3[s]);
                    d0 = TOps.MultiplyAdd(value, h0, d0);
                    d1 = TOps.MultiplyAdd(value, h1, d1);
                }

                float* to = dw + k;
                Add(a0, a1, to, two);
                if (left > 1)
                    Add(b0, b1, to + rows, two);
                if (left > 2)
                    Add(c0, c1, to + (2 * rows), two);
                if (left > 3)
                    Add(d0, d1, to + (3 * rows), two);
            }
        }
    }

    private static void Add(TVector v0, TVector v1, float* to, bool two)
    {
        TOps.Store(TOps.Add(TOps.Load(to), v0), to);
        if (two)
            TOps.Store(TOps.Add(TOps.Load(to + TOps.Lanes), v1), to + TOps.Lanes);
    }
}
