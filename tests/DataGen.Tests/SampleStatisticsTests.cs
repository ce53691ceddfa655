using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Random;

namespace ToyPipeline.DataGen.Tests;

/// <summary>The samples have the distribution that was asked for. Seeds are fixed; bounds are five standard errors.</summary>
public sealed class SampleStatisticsTests
{
    private const int Samples = 1 << 18;

    private static float[] Draw(DataSpec data, int samples = Samples, ulong seed = 2024)
    {
        float[] rows = new float[samples * data.Density.Count];
        new FeatureSampler(data).FillRows(seed, RandomStream.Evaluation, 0, rows);
        return rows;
    }

    private static double[] Column(float[] rows, int features, int feature) =>
        [.. Enumerable.Range(0, rows.Length / features).Select(i => (double)rows[(i * features) + feature])];

    private static void AssertFrequency(int count, int samples, double p, string what) =>
        Assert.That((count - (p * samples)) / Math.Sqrt(Math.Max(1, samples * p * (1 - p))), Is.EqualTo(0).Within(5), what);

    [Test]
    public void Features_are_present_as_often_as_their_density_says_and_then_uniform([Values] ValueRange range)
    {
        double[] density = [1, 0.9, 0.5, 0.1, 0.01, 1e-3];
        float[] rows = Draw(new DataSpec(density, range, [], null));
        double mean = range == ValueRange.Signed ? 0 : 0.5, variance = range == ValueRange.Signed ? 1.0 / 3 : 1.0 / 12;
        Assert.Multiple(() =>
        {
            for (int f = 0; f < density.Length; f++)
            {
                double[] present = [.. Column(rows, density.Length, f).Where(x => x != 0)];
                AssertFrequency(present.Length, Samples, density[f], $"presence of feature {f}");
                double m = present.Average();
                Assert.That(m, Is.EqualTo(mean).Within(5 * Math.Sqrt(variance / present.Length)), $"mean of feature {f}");
                // Variance of (x − μ)² of a uniform number of width w: w⁴/180.
                double width = range == ValueRange.Signed ? 2 : 1;
                Assert.That(present.Average(x => (x - mean) * (x - mean)), Is.EqualTo(variance).Within(5 * Math.Sqrt(Math.Pow(width, 4) / 180 / present.Length)), $"variance of feature {f}");
                Assert.That(ChiSquare(present, mean - (width / 2), width), Is.LessThan(63 + (5 * Math.Sqrt(2 * 63))), $"evenness of feature {f}");
            }
        });
    }

    // Sixty-four equal bins: 63 degrees of freedom.
    private static double ChiSquare(double[] values, double from, double width)
    {
        double[] counts = new double[64];
        foreach (double x in values)
            counts[Math.Min(63, (int)((x - from) / width * 64))]++;
        double expected = values.Length / 64.0;
        return counts.Sum(count => (count - expected) * (count - expected) / expected);
    }

    [Test]
    public void Independent_features_are_uncorrelated_in_presence_and_value()
    {
        double[] density = [0.3, 0.3, 1, 1];
        float[] rows = Draw(new DataSpec(density, ValueRange.Unit, [], null));
        double[][] columns = [.. Enumerable.Range(0, 4).Select(f => Column(rows, 4, f))];
        AssertFrequency(columns[0].Zip(columns[1]).Count(pair => pair.First != 0 && pair.Second != 0), Samples, 0.09, "joint presence");
        double covariance = columns[2].Zip(columns[3]).Average(pair => (pair.First - 0.5) * (pair.Second - 0.5));
        Assert.That(covariance, Is.EqualTo(0).Within(5.0 / 12 / Math.Sqrt(Samples)));
        double lag = columns[2].Zip(columns[2].Skip(1)).Average(pair => (pair.First - 0.5) * (pair.Second - 0.5));
        Assert.That(lag, Is.EqualTo(0).Within(5.0 / 12 / Math.Sqrt(Samples)));
    }

    [Test]
    public void Members_of_a_correlated_set_are_present_together_with_values_of_their_own()
    {
        float[] rows = Draw(new DataSpec([0.2, 0.2, 0.2, 0.5], ValueRange.Unit, [new FeatureSet(SetKind.Correlated, [0, 2, 1], 0.2)], null));
        double[][] columns = [.. Enumerable.Range(0, 4).Select(f => Column(rows, 4, f))];
        int[] active = [.. Enumerable.Range(0, Samples).Where(i => columns[0][i] != 0)];
        Assert.Multiple(() =>
        {
            AssertFrequency(active.Length, Samples, 0.2, "the set");
            Assert.That(Enumerable.Range(0, Samples).All(i => columns[0][i] != 0 == (columns[1][i] != 0) && columns[0][i] != 0 == (columns[2][i] != 0)), Is.True);
            AssertFrequency(active.Count(i => columns[3][i] != 0), active.Length, 0.5, "a feature outside the set, while the set is active");
            Assert.That(active.Average(i => (columns[0][i] - 0.5) * (columns[1][i] - 0.5)), Is.EqualTo(0).Within(5.0 / 12 / Math.Sqrt(active.Length)));
            Assert.That(active.Average(i => columns[2][i]), Is.EqualTo(0.5).Within(5 * Math.Sqrt(1.0 / 12 / active.Length)));
        });
    }

    [Test]
    public void Of_an_anticorrelated_set_exactly_one_member_is_present_each_as_often()
    {
        float[] rows = Draw(new DataSpec([0.6, 0.6, 0.6], ValueRange.Unit, [new FeatureSet(SetKind.Anticorrelated, [0, 1, 2], 0.6)], null));
        int[] counts = new int[3];
        for (int i = 0; i < Samples; i++)
        {
            int[] present = [.. Enumerable.Range(0, 3).Where(f => rows[(i * 3) + f] != 0)];
            Assert.That(present, Has.Length.LessThan(2));
            foreach (int f in present)
                counts[f]++;
        }

        for (int f = 0; f < 3; f++)
            AssertFrequency(counts[f], Samples, 0.2, $"member {f}");
        AssertFrequency(counts.Sum(), Samples, 0.6, "the set");
        double[] values = [.. rows.Where(x => x != 0).Select(x => (double)x)];
        Assert.That(ChiSquare(values, 0, 1), Is.LessThan(63 + (5 * Math.Sqrt(2 * 63))));
    }

    [TestCase(1e-6)]
    [TestCase(1 - 1e-9)]
    [TestCase(1.0)]
    public void Values_stay_within_their_range_at_extreme_densities(double density)
    {
        foreach (var range in Enum.GetValues<ValueRange>())
        {
            float[] rows = Draw(new DataSpec([.. Enumerable.Repeat(density, 16)], range, [], null), 1 << 20);
            int present = rows.Count(x => x != 0);
            AssertFrequency(rows.Length - present, rows.Length, 1 - density, "absence");
            Assert.That(rows.Min(), range == ValueRange.Unit ? Is.GreaterThanOrEqualTo(0f) : Is.GreaterThanOrEqualTo(-1f));
            Assert.That(rows.Max(), Is.LessThanOrEqualTo(1f));
            if (density == 1 && range == ValueRange.Unit)
                Assert.That(present, Is.EqualTo(rows.Length), "a present value on [0, 1] is never 0");
        }
    }

    [TestCase(SetKind.Anticorrelated, 5000)]
    [TestCase(SetKind.Correlated, 5000)]
    public void A_set_with_more_members_than_words_does_no_harm(SetKind kind, int members)
    {
        var data = new DataSpec([.. Enumerable.Repeat(1e-6, members)], ValueRange.Unit, [new FeatureSet(kind, [.. Enumerable.Range(0, members)], 1e-6)], null);
        Assert.That(Draw(data, 256), Is.All.InRange(0f, 1f));
    }
}
