namespace ToyPipeline.Analysis.Geometry;

/// <summary>Eigenvalues and eigenvectors of a small symmetric matrix by cyclic Jacobi rotations.</summary>
internal static class SymmetricEigenvalues
{
    private const int MaxSweeps = 50;

    /// <param name="matrix">Row-major, [size, size]; left as it is.</param>
    /// <param name="size">Number of rows.</param>
    /// <returns>The eigenvalues, in no order.</returns>
    public static double[] Of(ReadOnlySpan<double> matrix, int size)
    {
        double[] a = matrix.ToArray();
        Diagonalise(a, size, []);
        double[] values = new double[size];
        for (int i = 0; i < size; i++)
            values[i] = a[(i * size) + i];
        return values;
    }

    /// <summary>Eigenvalues, largest first, and an orthonormal eigenvector of each.</summary>
    /// <param name="matrix">Row-major, [size, size]; left as it is.</param>
    /// <param name="size">Number of rows.</param>
    /// <returns>Values, [size], and vectors, [size, size], a row each.</returns>
    public static (double[] Values, double[] Vectors) WithVectors(ReadOnlySpan<double> matrix, int size)
    {
        double[] a = matrix.ToArray();
        double[] turned = new double[size * size];
        for (int i = 0; i < size; i++)
            turned[(i * size) + i] = 1;
        Diagonalise(a, size, turned);
        int[] order = [.. Enumerable.Range(0, size).OrderByDescending(i => a[(i * size) + i])];
        return ([.. order.Select(i => a[(i * size) + i])], [.. order.SelectMany(i => turned.AsSpan(i * size, size).ToArray())]);
    }

    // Rows of vectors turn with the rows of a; there may be none.
    private static void Diagonalise(double[] a, int size, double[] vectors)
    {
        for (int sweep = 0; sweep < MaxSweeps && OffDiagonal(a, size) > 1e-20; sweep++)
        {
            for (int p = 0; p < size; p++)
            {
                for (int q = p + 1; q < size; q++)
                    Rotate(a, size, p, q, vectors);
            }
        }
    }

    // Golub and Van Loan, 8.5: the rotation that makes a_pq zero.
    private static void Rotate(double[] a, int size, int p, int q, double[] vectors)
    {
        double apq = a[(p * size) + q];
        if (apq == 0)
            return;
        double tau = (a[(q * size) + q] - a[(p * size) + p]) / (2 * apq);
        double t = (tau >= 0 ? 1 : -1) / (Math.Abs(tau) + Math.Sqrt(1 + (tau * tau)));
        double c = 1 / Math.Sqrt(1 + (t * t));
        double s = t * c;
        for (int k = 0; k < size; k++)
        {
            double kp = a[(k * size) + p];
            double kq = a[(k * size) + q];
            a[(k * size) + p] = (c * kp) - (s * kq);
            a[(k * size) + q] = (s * kp) + (c * kq);
        }

        for (int k = 0; k < size; k++)
        {
            double pk = a[(p * size) + k];
            double qk = a[(q * size) + k];
            a[(p * size) + k] = (c * pk) - (s * qk);
            a[(q * size) + k] = (s * pk) + (c * qk);
        }

        for (int k = 0; k < size && vectors.Length > 0; k++)
        {
            double pk = vectors[(p * size) + k];
            double qk = vectors[(q * size) + k];
            vectors[(p * size) + k] = (c * pk) - (s * qk);
            vectors[(q * size) + k] = (s * pk) + (c * qk);
        }
    }

    private static double OffDiagonal(double[] a, int size)
    {
        double sum = 0;
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j < size; j++)
                sum += i == j ? 0 : a[(i * size) + j] * a[(i * size) + j];
        }

        return sum;
    }
}
