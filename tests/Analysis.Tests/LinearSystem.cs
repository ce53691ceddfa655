namespace ToyPipeline.Analysis.Tests;

internal static class LinearSystem
{
    /// <summary>Solves [A | b], [n, n + 1], by Gaussian elimination with pivots.</summary>
    public static double[] Solve(double[,] a)
    {
        int n = a.GetLength(0);
        for (int column = 0; column < n; column++)
        {
            int pivot = Enumerable.Range(column, n - column).MaxBy(row => Math.Abs(a[row, column]));
            for (int k = 0; k <= n; k++)
                (a[column, k], a[pivot, k]) = (a[pivot, k], a[column, k]);
            for (int row = 0; row < n; row++)
            {
                double factor = row == column ? 0 : a[row, column] / a[column, column];
                for (int k = column; k <= n; k++)
                    a[row, k] -= factor * a[column, k];
            }
        }

        return [.. Enumerable.Range(0, n).Select(row => a[row, n] / a[row, row])];
    }
}
