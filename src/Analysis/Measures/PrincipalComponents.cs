using ToyPipeline.Analysis.Data;
using ToyPipeline.Analysis.Geometry;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Measures;

/// <summary>The principal components of samples, and how a model's directions lie among them.</summary>
/// <remarks>
/// Eigenvectors of the covariance matrix <c>C = E[(x − x̄)(x − x̄)ᵀ]</c>: with its bias the best linear model reconstructs x from the first m of
/// them. A loss with importances asks for those of <c>√I_i x_i</c>.
/// </remarks>
public sealed record PrincipalComponents
{
    /// <summary>Variance along each component, largest first.</summary>
    public required IReadOnlyList<double> Variances { get; init; }

    /// <summary>The components in the same order, [components, features], each of length 1.</summary>
    public required IReadOnlyList<double> Vectors { get; init; }

    /// <summary>n.</summary>
    public int Features => Variances.Count;

    /// <summary>The components of all samples that are left.</summary>
    /// <param name="samples">Samples.</param>
    /// <param name="importance">I_i, length n.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static PrincipalComponents Of(SampleBatches samples, IReadOnlyList<double> importance, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(importance);
        int n = importance.Count;
        double[] sum = new double[n], products = new double[n * n];
        float[] x = new float[Math.Max(1, (1 << 16) / n) * n];
        long count = 0;
        while (samples.Read(x) is > 0 and var rows)
        {
            cancellation.ThrowIfCancellationRequested();
            count += rows;
            for (int row = 0; row < rows; row++)
                Add(x.AsSpan(row * n, n), sum, products);
        }

        double[] covariance = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double value = ((products[(i * n) + j] / count) - (sum[i] / count * (sum[j] / count))) * Math.Sqrt(importance[i] * importance[j]);
                covariance[(i * n) + j] = value;
                covariance[(j * n) + i] = value;
            }
        }

        var (values, vectors) = SymmetricEigenvalues.WithVectors(covariance, n);
        return new PrincipalComponents { Variances = values, Vectors = vectors };
    }

    /// <summary>Share of <c>‖W‖_F²</c> along each component v, <c>‖Wᵀv‖² / ‖W‖_F²</c>; they add up to 1. Not numbers where W is 0.</summary>
    /// <param name="weights">Pack of the instance.</param>
    /// <param name="place">Its place.</param>
    public double[] SharesOf(EnsembleWeights weights, int place)
    {
        ArgumentNullException.ThrowIfNull(weights);
        var w = weights.WOf(place);
        int n = Features, m = weights.Hidden;
        double total = 0;
        foreach (float value in w)
            total += (double)value * value;
        double[] shares = new double[n];
        for (int c = 0; c < n; c++)
        {
            for (int k = 0; k < m; k++)
            {
                double along = 0;
                for (int i = 0; i < n; i++)
                    along += Vectors[(c * n) + i] * w[(i * m) + k];
                shares[c] += along * along / total;
            }
        }

        return shares;
    }

    // The lower triangle is enough, and sparse rows have little of it.
    private static void Add(ReadOnlySpan<float> x, double[] sum, double[] products)
    {
        int n = x.Length;
        for (int i = 0; i < n; i++)
        {
            if (x[i] == 0)
                continue;
            sum[i] += x[i];
            for (int j = 0; j <= i; j++)
                products[(i * n) + j] += (double)x[i] * x[j];
        }
    }
}
