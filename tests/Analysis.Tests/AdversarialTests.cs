using System.Runtime.Intrinsics;
using ToyPipeline.Analysis.Geometry;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Tests;

public sealed class AdversarialTests
{
    private static readonly AttackSpec s_thorough = new(0.1, 100, 200, 6, 200);

    [Test]
    public void Loss_and_gradient_are_those_of_the_plain_forward_pass([Values] ModelKind kind)
    {
        const int n = 5, m = 3;
        var weights = TestData.Weights(kind, 2, n, m);
        double[] importance = [1, 0.9, 0.8, 0.7, 0.6];
        float[] x = TestData.Samples(NetworkLanes.Lanes, n, 0.8, signed: true);
        var network = new NetworkLanes(weights, 1, importance);
        Vector512<double>[] lanes = Lanes(x, n), gradient = new Vector512<double>[n];
        Vector512<double>[] target = [.. lanes.Select(value => kind == ModelKind.AbsoluteValue ? Vector512.Abs(value) : value)];
        var loss = network.LossAndGradient(lanes, target, gradient);
        Assert.Multiple(() =>
        {
            Assert.That(network.Loss(lanes, target), Is.EqualTo(loss));
            for (int lane = 0; lane < NetworkLanes.Lanes; lane++)
            {
                double[] sample = [.. x.AsSpan(lane * n, n).ToArray()];
                Assert.That(loss[lane], Is.EqualTo(PlainLoss(weights, 1, importance, sample, sample)).Within(1e-9));
                for (int i = 0; i < n; i++)
                {
                    const double step = 1e-5;
                    double[] up = [.. sample], down = [.. sample];
                    up[i] += step;
                    down[i] -= step;
                    double slope = (PlainLoss(weights, 1, importance, sample, up) - PlainLoss(weights, 1, importance, sample, down)) / (2 * step);
                    Assert.That(gradient[i][lane], Is.EqualTo(slope).Within(1e-6), $"lane {lane}, feature {i}");
                }
            }
        });
    }

    [Test]
    public void Where_nothing_is_lost_the_worst_of_a_linear_model_is_its_largest_eigenvalue()
    {
        // x = 0 and b = 0: L(δ) = δᵀ G D G δ / n, at most ε² λ_max(G D G) / n.
        const int n = 6;
        var weights = TestData.Weights(ModelKind.Linear, 1, n, 3) with { B = new float[n] };
        double[] importance = [1, 0.8, 0.6, 0.5, 0.4, 0.3];
        double[] quadratic = Quadratic(weights, importance);
        double expected = 0.01 * SymmetricEigenvalues.Of(quadratic, n).Max();
        var found = new AdversarialAttack(s_thorough, n, 1).On(weights, 0, importance, new float[n]);
        Assert.Multiple(() =>
        {
            Assert.That(found.Clean, Is.Zero);
            Assert.That(found.Worst, Is.EqualTo(expected).Within(expected * 1e-6));
            Assert.That(found.Random, Is.LessThanOrEqualTo(expected));
        });
    }

    [Test]
    public void The_worst_of_a_linear_model_is_that_of_its_dual_problem()
    {
        // max δᵀAδ + 2 cᵀδ + r over ‖δ‖ ≤ ε, with A = G D G / n, c = G D e / n and e = G x + b − x. Strong duality holds for one quadratic
        // constraint: the maximum is min over λ ≥ λ_max(A) of λ ε² + cᵀ (λ − A)⁻¹ c + r.
        const int n = 6;
        var weights = TestData.Weights(ModelKind.Linear, 1, n, 3);
        double[] importance = [1, 0.8, 0.6, 0.5, 0.4, 0.3];
        double[] a = Quadratic(weights, importance);
        double[] g = FeatureMeasures.InterferenceMatrix(weights, 0);
        double largest = SymmetricEigenvalues.Of(a, n).Max();
        float[] x = TestData.Samples(20, n, 0.4);
        var attack = new AdversarialAttack(s_thorough with { Epsilon = 0.3 }, n, 1);
        Assert.Multiple(() =>
        {
            for (int s = 0; s < 20; s++)
            {
                float[] sample = x[(s * n)..((s + 1) * n)];
                double[] error = [.. Enumerable.Range(0, n).Select(i => (double)weights.B[i] - sample[i] + Enumerable.Range(0, n).Sum(j => g[(i * n) + j] * sample[j]))];
                double[] c = [.. Enumerable.Range(0, n).Select(i => Enumerable.Range(0, n).Sum(j => g[(j * n) + i] * importance[j] * error[j]) / n)];
                double clean = Enumerable.Range(0, n).Sum(i => importance[i] * error[i] * error[i]) / n;
                double dual = Minimum(t => Dual(largest * (1 + Math.Exp(t))), -25, 25);
                var found = attack.On(weights, 0, importance, sample);
                Assert.That(found.Clean, Is.EqualTo(clean).Within(1e-9));
                Assert.That(found.Worst, Is.EqualTo(clean + dual).Within((clean + dual) * 1e-5), $"sample {s}");

                double Dual(double lambda)
                {
                    double[,] system = new double[n, n + 1];
                    for (int i = 0; i < n; i++)
                    {
                        for (int j = 0; j < n; j++)
                            system[i, j] = (i == j ? lambda : 0) - a[(i * n) + j];
                        system[i, n] = c[i];
                    }

                    return (lambda * 0.09) + LinearSystem.Solve(system).Zip(c, (u, v) => u * v).Sum();
                }
            }
        });
    }

    [Test]
    public void Random_perturbations_are_never_worse([Values] ModelKind kind, [Values(0.1, 0.5)] double epsilon)
    {
        const int n = 20;
        var weights = TestData.Weights(kind, 1, n, 6);
        float[] x = TestData.Samples(60, n, 0.2, signed: kind == ModelKind.AbsoluteValue);
        double[] importance = [.. Enumerable.Repeat(1.0, n)];
        var attack = new AdversarialAttack(new AttackSpec(epsilon, 60, 20, 4, 500), n, 5);
        for (int s = 0; s < 60; s++)
        {
            var found = attack.On(weights, 0, importance, x.AsMemory(s * n, n));
            Assert.That(found.Random, Is.LessThanOrEqualTo(found.Worst * (1 + 1e-9)));
            Assert.That(found.Clean, Is.LessThan(found.Worst));
        }
    }

    [Test]
    public void The_default_search_finds_what_a_thorough_one_finds([Values] ModelKind kind)
    {
        const int n = 20;
        var weights = TestData.Weights(kind, 1, n, 6);
        float[] x = TestData.Samples(50, n, 0.2, signed: kind == ModelKind.AbsoluteValue);
        double[] importance = [.. Enumerable.Repeat(1.0, n)];
        var quick = new AdversarialAttack(new AttackSpec(0.1, 50, 20, 4, 0), n, 5).On(weights, 0, importance, x);
        var thorough = new AdversarialAttack(new AttackSpec(0.1, 50, 300, 40, 0), n, 6).On(weights, 0, importance, x);
        Assert.That(quick.Worst, Is.EqualTo(thorough.Worst).Within(thorough.Worst * 0.005));
        Assert.That(quick.Random, Is.NaN);
    }

    [Test]
    public void The_reference_keeps_the_most_important_features_to_themselves()
    {
        var spec = Spec(ModelKind.ReluOutput, 4, 2, [0.5, 1, 0.1, 0.9], 0.4);
        var reference = AdversarialVulnerability.WithoutSuperposition(spec);
        var analysis = WeightAnalysis.Of(reference, 0);
        // Kept features pass on a perturbation of theirs: 1/n · I ε², the most important kept one's; the others cost I E[(x − p/2)²].
        float[] x = TestData.Samples(400, 4, 0.4);
        var found = new AdversarialAttack(s_thorough, 4, 1).On(reference, 0, spec.Importance, x);
        double left = x.Select((value, k) => (k % 4) switch { 0 => 0.5, 2 => 0.1, _ => 0 } * Math.Pow(value - 0.2, 2)).Sum() / 1600;
        Assert.Multiple(() =>
        {
            Assert.That(analysis.Represented, Is.EqualTo(new[] { 1, 3 }));
            Assert.That(analysis.Features.Where(f => f.Represented).Select(f => f.Dimensionality), Has.All.EqualTo(1));
            Assert.That(reference.B, Is.EqualTo(new[] { 0.2f, 0, 0.2f, 0 }));
            Assert.That(found.Clean, Is.EqualTo(left).Within(1e-7));
            Assert.That(found.Worst - found.Clean, Is.EqualTo(1.0 * 0.01 / 4).Within(1e-5));
        });
    }

    [Test]
    public void Without_room_for_more_the_reference_reconstructs_everything([Values] ModelKind kind)
    {
        bool absolute = kind == ModelKind.AbsoluteValue;
        var spec = Spec(kind, 3, absolute ? 6 : 3, [1, 1, 1], 0.5);
        var reference = AdversarialVulnerability.WithoutSuperposition(spec);
        float[] x = TestData.Samples(50, 3, 0.5, signed: absolute);
        var found = AdversarialVulnerability.Of(reference, 0, spec, s_thorough, 3, x);
        Assert.Multiple(() =>
        {
            Assert.That(found.Model.Clean, Is.Zero);
            Assert.That(found.Vulnerability, Is.EqualTo(1));
            Assert.That(found.Amplification, Is.NaN, "nothing over nothing");
            Assert.That(found.Model.Worst, Is.EqualTo(0.01 / 3).Within(1e-5));
        });
    }

    [Test]
    public void Anticorrelated_members_are_present_less_often()
    {
        var data = new DataSpec([0.8, 0.8, 0.6], ValueRange.Unit, [new FeatureSet(SetKind.Anticorrelated, [0, 1], 0.8)], null);
        var spec = Spec(ModelKind.ReluOutput, 3, 1, [1, 1, 1], 1) with { Data = data };
        Assert.That(AdversarialVulnerability.WithoutSuperposition(spec).B, Is.EqualTo(new[] { 0.2f, 0.2f, 0 }));
    }

    [Test]
    public void Amplification_compares_factors_and_vulnerability_losses()
    {
        var found = new AdversarialVulnerability(0.1, 10, new AttackedLoss(0.1, 0.15, 0.3), new AttackedLoss(0.4, 0.45, 0.6));
        Assert.That((found.Vulnerability, found.Amplification), Is.EqualTo((0.5, 2.0)).Using<(double A, double B)>((x, y) => Math.Abs(x.A - y.A) + Math.Abs(x.B - y.B) < 1e-12));
    }

    [Test]
    public void The_same_seed_finds_the_same()
    {
        const int n = 10;
        var weights = TestData.Weights(ModelKind.ReluOutput, 1, n, 4);
        float[] x = TestData.Samples(101, n, 0.3);
        var attack = new AttackSpec(0.1, 101, 5, 2, 3);
        double[] importance = [.. Enumerable.Repeat(1.0, n)];
        var first = new AdversarialAttack(attack, n, 9).On(weights, 0, importance, x);
        Assert.That(new AdversarialAttack(attack, n, 9).On(weights, 0, importance, x), Is.EqualTo(first));
        Assert.That(new AdversarialAttack(attack, n, 10).On(weights, 0, importance, x), Is.Not.EqualTo(first));
    }

    // A = G D G / n.
    private static double[] Quadratic(EnsembleWeights weights, double[] importance)
    {
        int n = weights.Features;
        double[] g = FeatureMeasures.InterferenceMatrix(weights, 0);
        return [.. Enumerable.Range(0, n * n).Select(at => Enumerable.Range(0, n).Sum(k => g[(k * n) + (at / n)] * importance[k] * g[(k * n) + (at % n)]) / n)];
    }

    // Golden section on a convex function.
    private static double Minimum(Func<double, double> f, double low, double high)
    {
        double ratio = (Math.Sqrt(5) - 1) / 2;
        for (int step = 0; step < 200; step++)
        {
            double a = high - (ratio * (high - low)), b = low + (ratio * (high - low));
            if (f(a) < f(b))
                high = b;
            else
                low = a;
        }

        return f((low + high) / 2);
    }

    private static double PlainLoss(EnsembleWeights weights, int place, double[] importance, double[] sample, double[] moved)
    {
        double[] y = TestData.Forward(weights, place, moved).Reconstruction;
        return Enumerable.Range(0, sample.Length).Sum(i =>
            importance[i] * Math.Pow((weights.Kind == ModelKind.AbsoluteValue ? Math.Abs(sample[i]) : sample[i]) - y[i], 2)) / sample.Length;
    }

    private static Vector512<double>[] Lanes(float[] x, int n) =>
        [.. Enumerable.Range(0, n).Select(i => Vector512.Create([.. Enumerable.Range(0, NetworkLanes.Lanes).Select(lane => (double)x[(lane * n) + i])]))];

    private static CellSpec Spec(ModelKind kind, int n, int m, double[] importance, double density) =>
        Experiment.Parse($"name: a\nmodel: {{ features: {n}, hidden: {m} }}\n", "a.yaml").Spec([]) with
        {
            Model = new ModelSpec(kind, n, m),
            Importance = importance,
            Data = TestData.Distribution(n, density) with { Range = kind == ModelKind.AbsoluteValue ? ValueRange.Signed : ValueRange.Unit },
        };
}
