namespace ToyPipeline.Training.Exact;

/// <summary>Small dense symmetric matrices: what Newton's method asks of them. Row-major, [size, size].</summary>
internal static class SymmetricMatrix
{
    private const int MaxSweeps = 60;

    /// <summary>Factor L with <c>L Lᵀ = A + shift·1</c>.</summary>
    /// <param name="a">A; its lower triangle is read.</param>
    /// <param name="shift">Added to the diagonal.</param>
    /// <param name="factor">Receives L in its lower triangle.</param>
    /// <param name="size">Rows.</param>
    /// <returns>False where the matrix is not positive definite.</returns>
    public static bool Cholesky(ReadOnlySpan<double> a, double shift, Span<double> factor, int size)
    {
        for (int row = 0; row < size; row++)
        {
            var own = factor.Slice(row * size, size);
            for (int column = 0; column <= row; column++)
            {
                var other = factor.Slice(column * size, size);
                double sum = a[(row * size) + column] + (row == column ? shift : 0);
                for (int k = 0; k < column; k++)
                    sum -= own[k] * other[k];
                if (row != column)
                    own[column] = sum / other[column];
                else if (sum > 0)
                    own[column] = Math.Sqrt(sum);
                else
                    return false;
            }
        }

        return true;
    }

    /// <summary>Solves <c>L Lᵀ s = −g</c>.</summary>
    public static void SolveNegative(ReadOnlySpan<double> factor, ReadOnlySpan<double> g, Span<double> s)
    {
        int size = g.Length;
        for (int row = 0; row < size; row++)
        {
            double sum = -g[row];
            for (int k = 0; k < row; k++)
                sum -= factor[(row * size) + k] * s[k];
            s[row] = sum / factor[(row * size) + row];
        }

        for (int row = size - 1; row >= 0; row--)
        {
            double sum = s[row];
            for (int k = row + 1; k < size; k++)
                sum -= factor[(k * size) + row] * s[k];
            s[row] = sum / factor[(row * size) + row];
        }
    }

    /// <summary><c>vᵀ A v</c>.</summary>
    public static double Quadratic(ReadOnlySpan<double> a, ReadOnlySpan<double> v)
    {
        double total = 0;
        for (int row = 0; row < v.Length; row++)
            total += v[row] * System.Numerics.Tensors.TensorPrimitives.Dot(a.Slice(row * v.Length, v.Length), v);
        return total;
    }

    /// <summary>Eigenvalues in ascending order with their eigenvectors, by cyclic Jacobi rotations (Golub and Van Loan, 8.5).</summary>
    /// <param name="matrix">A; left as it is.</param>
    /// <param name="size">Rows.</param>
    /// <returns>Values, and vectors: one a row.</returns>
    public static (double[] Values, double[][] Vectors) Eigen(ReadOnlySpan<double> matrix, int size)
    {
        double[] a = matrix.ToArray();
        double[] v = new double[size * size];
        for (int i = 0; i < size; i++)
            v[(i * size) + i] = 1;
        for (int sweep = 0; sweep < MaxSweeps; sweep++)
        {
            bool done = true;
            for (int p = 0; p < size; p++)
            {
                for (int q = p + 1; q < size; q++)
                    done &= !Rotate(a, v, size, p, q);
            }

            if (done)
                break;
        }

        int[] order = [.. Enumerable.Range(0, size).OrderBy(i => a[(i * size) + i])];
        return ([.. order.Select(i => a[(i * size) + i])], [.. order.Select(i => Enumerable.Range(0, size).Select(k => v[(k * size) + i]).ToArray())]);
    }

    // The rotation that makes a_pq zero; false where it is none already.
    private static bool Rotate(double[] a, double[] v, int size, int p, int q)
    {
        double apq = a[(p * size) + q], app = a[(p * size) + p], aqq = a[(q * size) + q];
        if (Math.Abs(apq) <= 1e-18 * (Math.Abs(app) + Math.Abs(aqq)))
            return false;
        double tau = (aqq - app) / (2 * apq);
        double t = (tau >= 0 ? 1 : -1) / (Math.Abs(tau) + Math.Sqrt(1 + (tau * tau)));
        double c = 1 / Math.Sqrt(1 + (t * t)), s = t * c;
        for (int k = 0; k < size; k++)
            Turn(ref a[(k * size) + p], ref a[(k * size) + q], c, s);
        for (int k = 0; k < size; k++)
            Turn(ref a[(p * size) + k], ref a[(q * size) + k], c, s);
        for (int k = 0; k < size; k++)
            Turn(ref v[(k * size) + p], ref v[(k * size) + q], c, s);
        a[(p * size) + q] = a[(q * size) + p] = 0;
        return true;
    }

    private static void Turn(ref double x, ref double y, double c, double s) => (x, y) = ((c * x) - (s * y), (s * x) + (c * y));
}
