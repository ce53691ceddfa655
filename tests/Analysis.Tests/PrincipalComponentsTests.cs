using ToyPipeline.Analysis.Data;
using ToyPipeline.Analysis.Geometry;
using ToyPipeline.Analysis.Measures;

namespace ToyPipeline.Analysis.Tests;

/// <summary>Principal components against closed forms.</summary>
public sealed class PrincipalComponentsTests
{
    private const double P = 0.4;

    [Test]
    public void Eigenvectors_are_eigenvectors()
    {
        var random = new Random(3);
        const int Size = 7;
        double[] a = new double[Size * Size];
        for (int i = 0; i < Size; i++)
        {
            for (int j = 0; j <= i; j++)
                a[(i * Size) + j] = a[(j * Size) + i] = random.NextDouble() - 0.5;
        }

        var (values, vectors) = SymmetricEigenvalues.WithVectors(a, Size);
        Assert.That(values, Is.Ordered.Descending);
        Assert.That(values.Order(), Is.EqualTo(SymmetricEigenvalues.Of(a, Size).Order()).Within(1e-9));
        for (int c = 0; c < Size; c++)
        {
            for (int i = 0; i < Size; i++)
            {
                double av = Enumerable.Range(0, Size).Sum(j => a[(i * Size) + j] * vectors[(c * Size) + j]);
                Assert.That(av, Is.EqualTo(values[c] * vectors[(c * Size) + i]).Within(1e-8));
            }

            Assert.That(Enumerable.Range(0, Size).Sum(i => vectors[(c * Size) + i] * vectors[(c * Size) + i]), Is.EqualTo(1).Within(1e-10));
        }
    }

    [Test]
    public void A_correlated_pair_has_its_sum_and_its_difference()
    {
        // x = s u with one draw s for both: Var = p/3 − p²/4, Cov = (p − p²)/4.
        var components = Pair([1, 1]);
        double variance = (P / 3) - (P * P / 4), covariance = (P - (P * P)) / 4;
        Assert.Multiple(() =>
        {
            Assert.That(components.Variances[0], Is.EqualTo(variance + covariance).Within(0.005));
            Assert.That(components.Variances[1], Is.EqualTo(variance - covariance).Within(0.005));
            Assert.That(Math.Abs(components.Vectors[0] + components.Vectors[1]), Is.EqualTo(Math.Sqrt(2)).Within(0.01));
        });
    }

    [Test]
    public void Importance_scales_the_features()
    {
        var components = Pair([100, 0.01]);
        Assert.That(Math.Abs(components.Vectors[0]), Is.EqualTo(1).Within(0.01));
        Assert.That(components.Variances[0], Is.EqualTo(100 * ((P / 3) - (P * P / 4))).Within(0.5));
    }

    [Test]
    public void Shares_of_the_weights_tell_collapse_from_superposition()
    {
        var components = Pair([1, 1]);
        Assert.Multiple(() =>
        {
            Assert.That(components.SharesOf(Shapes.Pack([[0.7], [0.7]], 1), 0)[0], Is.EqualTo(1).Within(0.001));
            Assert.That(components.SharesOf(Shapes.Pack([[1], [-1]], 1), 0)[0], Is.EqualTo(0).Within(0.001));
            Assert.That(components.SharesOf(Shapes.Pack([[1, 0], [0, 1]], 2), 0), Is.EqualTo(new[] { 0.5, 0.5 }).Within(1e-9));
        });
    }

    private static PrincipalComponents Pair(double[] importance)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(9);
        float[] x = new float[2 * 40_000];
        for (int s = 0; s < x.Length; s += 2)
        {
            if (random.NextDouble() < P)
                (x[s], x[s + 1]) = (random.NextSingle(), random.NextSingle());
        }

        TestData.WriteDataset(folder.File("data"), x, 2, 15_000);
        using var samples = SampleBatches.Open(folder.File("data"));
        return PrincipalComponents.Of(samples, importance);
    }
}
