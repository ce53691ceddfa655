using ToyPipeline.Analysis.Measures;

namespace ToyPipeline.Analysis.Tests;

public sealed class ProbeTests
{
    [Test]
    public void Probes_of_orthogonal_directions_recover_their_features()
    {
        // Three features in three dimensions, turned; the fourth has none.
        double[][] w = [[0.6, 0.8, 0], [-0.8, 0.6, 0], [0, 0, 1], [0, 0, 0]];
        var (x, hidden) = Samples(w, 3, 4000, 0.3);
        var r2 = LinearProbes.Train(x, hidden, 2000).R2;
        Assert.Multiple(() =>
        {
            Assert.That(r2.Take(3), Has.All.EqualTo(1).Within(1e-3));
            Assert.That(r2[3], Is.EqualTo(0).Within(0.01), "chance");
        });
    }

    [TestCase(12, 4, 0.1)]
    [TestCase(24, 6, 0.02)]
    [TestCase(6, 4, 1.0)]
    public void R2_is_that_of_least_squares(int n, int m, double density)
    {
        var random = new Random(3);
        double[][] w = [.. Enumerable.Range(0, n).Select(_ => Enumerable.Range(0, m).Select(_ => random.NextDouble() - 0.5).ToArray())];
        var (x, hidden) = Samples(w, m, 6000, density);
        var r2 = LinearProbes.Train(x, hidden, 3000).R2;
        Assert.Multiple(() =>
        {
            for (int i = 0; i < n; i++)
                Assert.That(r2[i], Is.EqualTo(LeastSquaresR2(x, hidden, i, 3000)).Within(5e-3), $"feature {i}");
        });
    }

    [Test]
    public void A_feature_that_never_varies_has_no_R2()
    {
        var (x, hidden) = Samples([[1, 0], [0, 1]], 2, 400, 0.5);
        foreach (float[] row in x)
            row[1] = 0;
        var r2 = LinearProbes.Train(x, hidden, 200).R2;
        Assert.That(r2[0], Is.EqualTo(1).Within(1e-2));
        Assert.That(r2[1], Is.NaN);
    }

    private static (float[][] X, float[][] Hidden) Samples(double[][] w, int m, int samples, double density)
    {
        float[][] x = [.. TestData.Samples(samples, w.Length, density).Chunk(w.Length)];
        return (x, [.. x.Select(row => Enumerable.Range(0, m).Select(k => (float)row.Select((value, i) => value * w[i][k]).Sum()).ToArray())]);
    }

    // Normal equations with an intercept, by Gaussian elimination.
    private static double LeastSquaresR2(float[][] x, float[][] hidden, int i, int trained)
    {
        int size = hidden[0].Length + 1;
        double[,] a = new double[size, size + 1];
        for (int s = 0; s < trained; s++)
        {
            double[] h = [.. hidden[s], 1.0];
            for (int p = 0; p < size; p++)
            {
                for (int q = 0; q < size; q++)
                    a[p, q] += h[p] * h[q];
                a[p, size] += h[p] * x[s][i];
            }
        }

        double[] solution = LinearSystem.Solve(a);
        double mean = x.Skip(trained).Average(row => row[i]);
        double residual = 0, total = 0;
        for (int s = trained; s < x.Length; s++)
        {
            double[] h = [.. hidden[s], 1.0];
            residual += Math.Pow(x[s][i] - h.Zip(solution, (value, weight) => value * weight).Sum(), 2);
            total += Math.Pow(x[s][i] - mean, 2);
        }

        return 1 - (residual / total);
    }
}
