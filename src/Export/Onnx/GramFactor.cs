namespace ToyPipeline.Export.Onnx;

/// <summary>Factors <c>G = W·Wᵀ</c> where a graph holds only G: the eigenvectors of G, scaled by the roots of its eigenvalues.</summary>
internal static class GramFactor
{
    /// <summary>Matrices beyond this size are not factored.</summary>
    public const int MaxFeatures = 512;

    private const int MaxSweeps = 50;

    // Of float32 matrices that were multiplied in float32.
    private const double Rounding = 1e-5;

    /// <summary>W of every instance, up to a rotation of the hidden dimensions; null where a G is not symmetric and positive semidefinite.</summary>
    /// <param name="g">Matrices, [instances, features, features].</param>
    /// <param name="n">Number of features.</param>
    /// <returns>W [instances, features, rank], where rank is the largest of an instance.</returns>
    public static (double[] W, int Rank)? Of(double[] g, int n)
    {
        if (n > MaxFeatures)
            return null;
        var factors = new List<(double[] Values, double[] Vectors)>();
        for (int at = 0; at < g.Length; at += n * n)
        {
            double[] matrix = g[at..(at + (n * n))];
            double scale = matrix.Max(Math.Abs);
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j < i; j++)
                {
                    if (Math.Abs(matrix[(i * n) + j] - matrix[(j * n) + i]) > Rounding * scale)
                        return null;
                    matrix[(i * n) + j] = matrix[(j * n) + i] = (matrix[(i * n) + j] + matrix[(j * n) + i]) / 2;
                }
            }

            var (values, vectors) = Diagonalise(matrix, n);
            if (values.Any(value => value < -Rounding * scale))
                return null;
            factors.Add((values.Select(value => value > Rounding * scale ? value : 0).ToArray(), vectors));
        }

        int rank = Math.Max(1, factors.Max(factor => factor.Values.Count(value => value > 0)));
        return (Scaled(factors, n, rank), rank);
    }

    private static double[] Scaled(List<(double[] Values, double[] Vectors)> factors, int n, int rank)
    {
        double[] w = new double[factors.Count * n * rank];
        for (int instance = 0; instance < factors.Count; instance++)
        {
            var (values, vectors) = factors[instance];
            int[] order = [.. Enumerable.Range(0, n).OrderByDescending(k => values[k]).Take(rank)];
            for (int i = 0; i < n; i++)
            {
                for (int k = 0; k < order.Length; k++)
                    w[(((instance * n) + i) * rank) + k] = vectors[(i * n) + order[k]] * Math.Sqrt(values[order[k]]);
            }
        }

        return w;
    }

    // Cyclic Jacobi: rotations that make one pair of entries after the other vanish (Golub & Van Loan, 8.5).
    private static (double[] Values, double[] Vectors) Diagonalise(double[] a, int n)
    {
        double[] v = new double[n * n];
        for (int i = 0; i < n; i++)
            v[(i * n) + i] = 1;
        double total = a.Sum(value => value * value);
        for (int sweep = 0; sweep < MaxSweeps; sweep++)
        {
            double off = 0;
            for (int p = 0; p < n; p++)
            {
                for (int q = p + 1; q < n; q++)
                {
                    off += a[(p * n) + q] * a[(p * n) + q];
                    Rotate(a, v, n, p, q);
                }
            }

            if (off <= 1e-28 * total)
                break;
        }

        return ([.. Enumerable.Range(0, n).Select(i => a[(i * n) + i])], v);
    }

    private static void Rotate(double[] a, double[] v, int n, int p, int q)
    {
        double apq = a[(p * n) + q];
        if (apq == 0)
            return;
        double tau = (a[(q * n) + q] - a[(p * n) + p]) / (2 * apq);
        double t = (tau >= 0 ? 1 : -1) / (Math.Abs(tau) + Math.Sqrt(1 + (tau * tau)));
        double c = 1 / Math.Sqrt(1 + (t * t)), s = t * c;
        for (int k = 0; k < n; k++)
            (a[(k * n) + p], a[(k * n) + q]) = ((c * a[(k * n) + p]) - (s * a[(k * n) + q]), (s * a[(k * n) + p]) + (c * a[(k * n) + q]));
        for (int k = 0; k < n; k++)
            (a[(p * n) + k], a[(q * n) + k]) = ((c * a[(p * n) + k]) - (s * a[(q * n) + k]), (s * a[(p * n) + k]) + (c * a[(q * n) + k]));
        for (int k = 0; k < n; k++)
            (v[(k * n) + p], v[(k * n) + q]) = ((c * v[(k * n) + p]) - (s * v[(k * n) + q]), (s * v[(k * n) + p]) + (c * v[(k * n) + q]));
    }
}
