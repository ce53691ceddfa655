using System.Globalization;
using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;
using static TorchSharp.torch;

namespace ToyPipeline.Training.Tests;

/// <summary>The yardstick itself, held against finite differences and textbook optimizers.</summary>
public sealed class AutogradObjectiveTests
{
    private static void SetParameters(Ensemble ensemble, ulong seed)
    {
        using var _ = no_grad();
        foreach (var (name, parameter) in ensemble.Model.named_parameters())
        {
            using var values = tensor(Small.Numbers(seed + (ulong)name.Sum(c => c), (int)parameter.numel())).reshape(parameter.shape);
            parameter.copy_(name == "b" ? values.abs() : values); // outputs are active, so that no gradient is zero
        }
    }

    // The batch of a step as [batch, features] rows.
    private static float[] Rows(Ensemble ensemble, int instance, long step)
    {
        int n = ensemble.Spec.Features, batch = ensemble.Training.Batch;
        var source = ensemble.Sources[instance];
        float[] tile = new float[n * SampleSource.TileSamples], rows = new float[batch * n];
        for (int t = 0; t < SampleSource.Tiles(batch); t++)
        {
            Tiles.Fill(source, step, t, tile, new DrawBuffer(n, source.Sets));
            for (int j = 0; j < SampleSource.TileSamples && (t * SampleSource.TileSamples) + j < batch; j++)
            {
                for (int f = 0; f < n; f++)
                    rows[(((t * SampleSource.TileSamples) + j) * n) + f] = tile[(f * SampleSource.TileSamples) + j];
            }
        }

        return rows;
    }

    private static PlainModel Plain(Ensemble ensemble, int instance)
    {
        var weights = ensemble.Weights("");
        return new PlainModel(ensemble.Spec, Wide(weights.WOf(instance)), weights.W2 is null ? null : Wide(weights.DecoderOf(instance)), Wide(weights.BOf(instance)));

        static double[] Wide(ReadOnlySpan<float> values) => [.. values.ToArray().Select(value => (double)value)];
    }

    [Test]
    public void Loss_and_gradient_are_those_of_finite_differences([Values] ModelKind kind, [Range(0, 5)] int shape)
    {
        int n = 1 + (shape * 7 % 6), m = 1 + (shape * 5 % 4), batch = 1 + (shape * 37 % 150);
        string sets = n >= 4 ? ", sets: [{ correlated: [0, 2] }, { anticorrelated: [1, 3] }]" : "";
        var experiment = Small.Experiment(kind, n, m, $$"""
            data: { density: 0.6{{sets}} }
            importance: { decay: 0.8 }
            training: { batch: {{batch}}, steps: 10 }
            replicas: 3
            """);
        using var ensemble = Small.Ensemble(experiment);
        using var objective = new AutogradObjective(ensemble);
        SetParameters(ensemble, (ulong)shape);
        var before = ensemble.Weights("");
        var result = objective.Evaluate(4);
        Assert.Multiple(() =>
        {
            Assert.That(ensemble.Weights("").W, Is.EqualTo(before.W), "evaluating changes nothing");
            for (int e = 0; e < 3; e++)
            {
                var plain = Plain(ensemble, e);
                float[] rows = Rows(ensemble, e, 4);
                var importance = ensemble.Pack.Specs[e].Importance;
                Assert.That(result.Loss[e], Is.EqualTo(plain.Loss(rows, importance)).Within(1e-3).Percent.Or.EqualTo(0).Within(1e-9));
                double[] expected = plain.Gradient(rows, importance);
                float[] actual = [.. Part(result.W, e, n * m), .. result.W2 is null ? [] : Part(result.W2, e, n * m), .. Part(result.B, e, n)];
                Assert.That(actual, Is.EqualTo(expected).Within(1e-5), $"instance {e}");
                Assert.That(actual.Max(MathF.Abs), Is.GreaterThan(1e-3), "a gradient that is all zero shows nothing");
            }
        });
    }

    [Test]
    public void Plain_gradient_descent_goes_down_the_gradient_at_the_rate_of_the_schedule()
    {
        var experiment = Small.Experiment(ModelKind.ReluOutput, 4, 2, "data: { density: 0.5 }\ntraining: { batch: 100, steps: 4, optimizer: { kind: sgd, lr: 0.5 }, schedule: linear }\nreplicas: 2");
        using var ensemble = Small.Ensemble(experiment);
        using var objective = new AutogradObjective(ensemble);
        double[] loss = new double[2];
        for (int step = 0; step < 4; step++)
        {
            var before = ensemble.Weights("");
            var gradient = objective.Evaluate(step);
            objective.Train(step, step + 1, loss, default);
            var after = ensemble.Weights("");
            float rate = 0.5f * (1 - (step / 4f));
            Assert.That(after.W, Is.EqualTo(before.W.Zip(gradient.W, (w, g) => w - (rate * g))).Within(1e-7));
            Assert.That(after.B, Is.EqualTo(before.B.Zip(gradient.B, (w, g) => w - (rate * g))).Within(1e-7));
            Assert.That(loss, Is.EqualTo(gradient.Loss.Select(value => (double)value)).Within(1e-12), "the loss is that before the step");
        }
    }

    [TestCase("adamw")]
    [TestCase("adam")]
    public void Adam_is_the_published_one(string kind)
    {
        const double Rate = 0.01, Decay = 0.1, Beta1 = 0.8, Beta2 = 0.95, Epsilon = 1e-6;
        var experiment = Small.Experiment(ModelKind.ReluHidden, 4, 2, string.Create(CultureInfo.InvariantCulture,
            $"data: {{ density: 0.5 }}\ntraining: {{ batch: 64, steps: 6, optimizer: {{ kind: {kind}, lr: {Rate}, weight_decay: {Decay}, beta1: {Beta1}, beta2: {Beta2}, eps: {Epsilon} }} }}\nreplicas: 2"));
        using var ensemble = Small.Ensemble(experiment);
        using var objective = new AutogradObjective(ensemble);
        double[] loss = new double[2], w = [.. ensemble.Weights("").W.Select(value => (double)value)], m = new double[w.Length], v = new double[w.Length];
        for (int step = 0; step < 6; step++)
        {
            float[] gradient = objective.Evaluate(step).W;
            for (int p = 0; p < w.Length; p++)
            {
                double g = gradient[p] + (kind == "adam" ? Decay * w[p] : 0);
                if (kind == "adamw")
                    w[p] -= Rate * Decay * w[p];
                m[p] = (Beta1 * m[p]) + ((1 - Beta1) * g);
                v[p] = (Beta2 * v[p]) + ((1 - Beta2) * g * g);
                w[p] -= Rate * (m[p] / (1 - Math.Pow(Beta1, step + 1))) / (Math.Sqrt(v[p] / (1 - Math.Pow(Beta2, step + 1))) + Epsilon);
            }

            objective.Train(step, step + 1, loss, default);
            Assert.That(ensemble.Weights("").W, Is.EqualTo(w).Within(2e-6), $"step {step}");
            w = [.. ensemble.Weights("").W.Select(value => (double)value)];
        }
    }

    [Test]
    public void Momentum_reaches_the_optimizer()
    {
        float[] without = Train("sgd, lr: 0.1"), with = Train("sgd, lr: 0.1, momentum: 0.9");
        Assert.That(with, Is.Not.EqualTo(without));

        static float[] Train(string optimizer) =>
            Small.Train(Small.Experiment(ModelKind.Linear, 3, 2, $"training: {{ batch: 64, steps: 3, optimizer: {{ kind: {optimizer} }} }}"), 1)[0];
    }

    [Test]
    public void Cancelling_stops_between_steps()
    {
        using var ensemble = Small.Ensemble(Small.Experiment(ModelKind.Linear, 3, 2, "training: { batch: 64 }"));
        using var objective = new AutogradObjective(ensemble);
        Assert.That(() => objective.Train(0, 1_000_000, new double[1], new CancellationToken(true)), Throws.InstanceOf<OperationCanceledException>());
    }

    [TestCase("fused")]
    [TestCase("exact")]
    [TestCase("auto")]
    [TestCase("autograd")]
    public void An_objective_either_covers_the_ensemble_or_says_what_does(string name)
    {
        try
        {
            using var ensemble = Small.Ensemble(Small.Experiment(ModelKind.Linear, 9, 2, $"training: {{ batch: 64, objective: {name} }}"));
            Objectives.Create(ensemble).Dispose();
        }
        catch (Core.InvalidInputException e)
        {
            Assert.That(name, Is.Not.AnyOf("auto", "autograd"));
            Assert.That(e.Message, Does.Contain(name));
        }
    }

    private static float[] Part(float[] values, int place, int size) => values[(place * size)..((place + 1) * size)];
}
