using ToyPipeline.Analysis.Dynamics;

namespace ToyPipeline.Analysis.Tests;

/// <summary>Jumps are found where there are steps, and nowhere on smooth curves.</summary>
public sealed class StepCurveTests
{
    private const int Points = 200;
    private const double Least = 0.1;

    [Test]
    public void Steps_in_noise_are_found_where_they_are([Values(0, 0.005, 0.02)] double noise, [Range(1, 5)] int seed)
    {
        int[] steps = [40, 90, 150];
        double[] levels = [0, 0.5, 0.35, 0.9];
        var curve = Curve(t => levels[steps.Count(step => t >= step)], noise, seed);
        Assert.That(curve.Jumps, Has.Count.EqualTo(3));
        for (int j = 0; j < steps.Length; j++)
        {
            var jump = curve.Jumps[j];
            Assert.Multiple(() =>
            {
                Assert.That(jump.First, Is.EqualTo(steps[j] - 1).Within(1));
                Assert.That(jump.Last, Is.EqualTo(steps[j]).Within(1));
                Assert.That(jump.Before[0], Is.EqualTo(levels[j]).Within(0.03));
                Assert.That(jump.After[0], Is.EqualTo(levels[j + 1]).Within(0.03));
            });
        }
    }

    [Test]
    public void A_quick_passage_is_a_jump_and_a_slow_one_is_none()
    {
        static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
        Assert.Multiple(() =>
        {
            Assert.That(Curve(t => 0.5 * Sigmoid((t - 100) / 1.5)).Jumps, Has.Count.EqualTo(1));
            Assert.That(Curve(t => 0.5 * Sigmoid((t - 100) / 25.0)).Jumps, Is.Empty);
        });
    }

    [Test]
    public void A_step_on_a_slope_is_found()
    {
        var jump = Curve(t => (0.002 * t) + (t >= 120 ? 0.2 : 0)).Jumps.Single();
        Assert.That((jump.First, jump.Last), Is.EqualTo((119, 120)));
        Assert.That(jump.After[0] - jump.Before[0], Is.EqualTo(0.202).Within(0.005));
    }

    [TestCaseSource(nameof(SmoothCurves))]
    public void Smooth_curves_have_no_jump(string name, Func<double, double> y)
    {
        foreach (double noise in (double[])[0, 0.005, 0.02])
            Assert.That(Curve(t => y(t), noise, 3).Jumps, Is.Empty, $"{name}, noise {noise}");
    }

    private static IEnumerable<TestCaseData> SmoothCurves =>
    [
        Case("constant", _ => 0.3),
        Case("line", t => t / Points),
        Case("steep line", t => 3 * t / Points),
        Case("exponential", t => Math.Exp(-t / 30)),
        Case("power", t => 1 / Math.Sqrt(1 + t)),
        Case("square", t => t * t / (Points * Points)),
        Case("wave", t => Math.Sin(2 * Math.PI * t / Points)),
    ];

    [Test]
    public void A_change_smaller_than_the_least_is_none() =>
        Assert.That(Curve(t => t >= 100 ? 0.08 : 0, 0.005, 1).Jumps, Is.Empty);

    [Test]
    public void Plateaus_are_the_flat_stretches()
    {
        var curve = Curve(t => t < 60 ? 0 : t < 140 ? (t - 60) / 80.0 : 1);
        Assert.That(curve.Plateaus.Select(plateau => (double)plateau.First), Is.EqualTo(new[] { 0.0, 140 }).Within(8));
        Assert.That(curve.Plateaus.Sum(plateau => plateau.Points), Is.EqualTo(120).Within(16));
    }

    [Test]
    public void Many_dimensions_jump_together()
    {
        double[] values = new double[Points * 4];
        var random = new Random(2);
        for (int t = 0; t < Points; t++)
        {
            for (int k = 0; k < 4; k++)
                values[(t * 4) + k] = (t < 70 ? 0 : 0.1 * (k % 2 == 0 ? 1 : -1)) + Normal(random, 0.005);
        }

        var jump = new StepCurve(values, 4, Least).Jumps.Single();
        Assert.That((jump.First, jump.Last), Is.EqualTo((69, 70)));
        Assert.That(StepCurve.Distance(jump.Before, jump.After), Is.EqualTo(0.2).Within(0.02));
    }

    /// <summary>The pieces are the best ones: no other cut into as many or fewer costs less.</summary>
    [Test]
    public void Pieces_are_those_of_an_exhaustive_search()
    {
        var random = new Random(5);
        for (int trial = 0; trial < 20; trial++)
        {
            double[] y = [.. Enumerable.Range(0, 9).Select(_ => random.NextDouble())];
            double scale = 0.8;
            var pieces = LinearPieces.Of(y, 1, scale);
            double penalty = Math.Max(3 * Variance(y) * Math.Log(y.Length), 3 * scale * scale / 16);
            double best = Enumerable.Range(0, 1 << 8).Min(cuts => Cost(y, cuts, penalty));
            int found = pieces.Skip(1).Sum(piece => 1 << (piece.First - 1));
            Assert.That(Cost(y, found, penalty), Is.EqualTo(best).Within(1e-12));
        }
    }

    // A bit for each place between two points: cut there.
    private static double Cost(double[] y, int cuts, double penalty)
    {
        double cost = 0;
        for (int first = 0, end = 1; end <= y.Length; end++)
        {
            if (end < y.Length && (cuts >> (end - 1) & 1) == 0)
                continue;
            double[] x = [.. Enumerable.Range(first, end - first).Select(t => (double)t)];
            double[] part = y[first..end];
            double mx = x.Average(), my = part.Average();
            double sxx = x.Sum(t => (t - mx) * (t - mx));
            double slope = sxx > 0 ? x.Zip(part, (t, v) => (t - mx) * (v - my)).Sum() / sxx : 0;
            cost += penalty + x.Zip(part, (t, v) => Math.Pow(v - my - (slope * (t - mx)), 2)).Sum();
            first = end;
        }

        return cost;
    }

    private static double Variance(double[] y)
    {
        double[] second = [.. Enumerable.Range(0, y.Length - 2).Select(t => Math.Abs(y[t] - (2 * y[t + 1]) + y[t + 2])).Order()];
        return Math.Pow(second[second.Length / 2] / 0.6744897501960817, 2) / 6;
    }

    private static TestCaseData Case(string name, Func<double, double> y) => new TestCaseData(name, y).SetArgDisplayNames(name);

    private static StepCurve Curve(Func<int, double> y, double noise = 0, int seed = 1)
    {
        var random = new Random(seed);
        return new StepCurve([.. Enumerable.Range(0, Points).Select(t => y(t) + Normal(random, noise))], 1, Least);
    }

    private static double Normal(Random random, double deviation) =>
        deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
