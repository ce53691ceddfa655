using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Random;
using ToyPipeline.Training.Exact;

namespace ToyPipeline.Training.Tests;

/// <summary>Starts taken down to local minima.</summary>
public sealed class ExactSolverTests
{
    private static ExactSolution[] Solve(List<CellSpec> cells, int threads = 2, ulong seed = 0) =>
        ExactSolver.Solve(cells[0].Model, cells, i => Start(cells[0].Model, seed + (ulong)i), _ => { }, threads, default);

    private static double[] Start(ModelSpec model, ulong seed) =>
        [.. Initializer.Weights(model, [seed], 0).Select(value => (double)value), .. new double[model.Features]];

    private static CellSpec Cell(ModelKind kind, int features, int hidden, double density, params double[] importance) =>
        new(new ModelSpec(kind, features, hidden), Ensembles.Data(features, density),
            importance.Length > 0 ? importance : [.. Enumerable.Repeat(1.0, features)], Ensembles.Training(1));

    // Importance and density all over the phase diagrams.
    private static List<CellSpec> Diagram(ModelKind kind, int features, int hidden, int count) =>
    [
        .. Enumerable.Range(0, count).Select(i => Cell(
            kind, features, hidden, Math.Pow(10, -2 * RandomNumbers.Uniform(3, RandomStream.Analysis, i, 0)),
            [.. Enumerable.Repeat(1.0, features - 1), Math.Pow(10, (2 * RandomNumbers.Uniform(3, RandomStream.Analysis, i, 1)) - 1)])),
    ];

    [TestCase(ModelKind.ReluOutput, 2, 1, 4000)]
    [TestCase(ModelKind.ReluOutput, 3, 2, 2000)]
    [TestCase(ModelKind.ReluOutput, 5, 2, 200)]
    [TestCase(ModelKind.Linear, 4, 2, 500)]
    public void Every_start_arrives_at_a_point_without_slope_or_downhill(ModelKind kind, int features, int hidden, int count)
    {
        var cells = Diagram(kind, features, hidden, count);
        var solutions = Solve(cells);
        Assert.Multiple(() =>
        {
            Assert.That(solutions.Count(solution => !solution.Converged), Is.Zero);
            foreach (int i in Enumerable.Range(0, count).Where(i => i % 100 == 0))
            {
                var (loss, gradient, hessian) = Exactly.Evaluate(cells[i], solutions[i].X);
                Assert.That(loss, Is.EqualTo(solutions[i].Loss));
                Assert.That(Math.Sqrt(gradient.Sum(g => g * g)), Is.LessThanOrEqualTo(1e-8));
                double[] eigenvalues = SymmetricMatrix.Eigen(hessian, gradient.Length).Values;
                Assert.That(eigenvalues[0], Is.GreaterThan(-1e-6 * eigenvalues[^1]));
            }
        });
    }

    [TestCase(2, 1)]
    [TestCase(3, 2)]
    [TestCase(5, 2)]
    public void Threads_neighbours_and_packs_change_no_bit(int features, int hidden)
    {
        var cells = Diagram(ModelKind.ReluOutput, features, hidden, 60);
        var expected = Solve(cells, threads: 1);
        var threads = Solve(cells, threads: 7);
        for (int i = 0; i < cells.Count; i++)
        {
            Assert.That(threads[i].X, Is.EqualTo(expected[i].X));
            if (i % 7 == 0)
                Assert.That(Solve([cells[i]], seed: (ulong)i)[0].X, Is.EqualTo(expected[i].X), "alone");
        }
    }

    [Test]
    public void The_best_of_many_starts_is_no_worse_than_the_ideal_arrangements_of_the_paper([Values(0.02, 0.2, 0.9)] double p, [Values(0.2, 1, 5)] double r)
    {
        double best = Solve([.. Enumerable.Repeat(Cell(ModelKind.ReluOutput, 2, 1, p, 1, r), 32)]).Min(solution => solution.Loss);
        double ideal = new[] { r * ((p / 3) - (p * p / 4)), (p / 3) - (p * p / 4), (1 + r) * p * p / 6 }.Min() / 2;
        Assert.That(best, Is.LessThanOrEqualTo(ideal * (1 + 1e-12)).And.GreaterThan(ideal / 2));
    }

    [Test]
    public void The_linear_model_keeps_the_most_important_features_as_PCA_does()
    {
        var solutions = Solve([.. Enumerable.Repeat(Cell(ModelKind.Linear, 4, 2, 0.3, 1, 0.8, 0.6, 0.4), 16)]);
        // Left out at their mean: I_i Var x_i = I_i (p/3 − p²/4).
        Assert.That(solutions.Min(solution => solution.Loss), Is.EqualTo((0.6 + 0.4) * (0.1 - (0.09 / 4)) / 4).Within(1e-12));
    }

    [Test]
    public void A_saddle_is_left_behind()
    {
        // All weights 0 and the bias at the mean: without slope, and not a minimum.
        var cell = Cell(ModelKind.ReluOutput, 2, 1, 0.2);
        double[] saddle = [0, 0, 0.1, 0.1];
        Assert.That(Exactly.Evaluate(cell, saddle).Gradient.Max(Math.Abs), Is.LessThan(1e-15));
        var solution = ExactSolver.Solve(cell.Model, [cell], _ => saddle, _ => { }, 1, default)[0];
        Assert.That((solution.Converged, solution.Loss < 0.9 * Exactly.Evaluate(cell, saddle).Loss), Is.EqualTo((true, true)));
    }

    [Test]
    public void The_pentagon_is_among_the_minima_of_the_intro_and_the_lowest()
    {
        var cell = Cell(ModelKind.ReluOutput, 5, 2, 0.1, 1, 0.9, 0.81, 0.729, 0.6561);
        var solutions = Solve([.. Enumerable.Repeat(cell, 64)]);
        var pentagons = solutions.Where(solution => IsPentagon(solution.X)).ToList();
        TestContext.Out.WriteLine($"{pentagons.Count} of {solutions.Length} starts, lowest loss {pentagons.Min(solution => solution.Loss)}");
        Assert.That(pentagons, Has.Count.GreaterThan(8));
        Assert.That(pentagons.Min(solution => solution.Loss), Is.EqualTo(solutions.Min(solution => solution.Loss)));
    }

    [Test]
    public void Branches_that_cross_have_one_loss_and_other_weights()
    {
        var experiment = Experiment.Parse(
            """
            name: cross
            model: { features: 5, hidden: 2 }
            data: { density: 0.2 }
            training: { objective: exact }
            axes:
              - { path: "data.density[4]", log: [0.1, 0.22, 5] }
            branches: { axis: "data.density[4]" }
            """, "cross.yaml");
        using var follower = new BranchFollower(experiment, experiment.Branches!);
        var starts = new[] { 0, 4 }.Select(place =>
        {
            var cell = experiment.Spec([new Coordinate("data.density[4]", experiment.Axes[0].Values[place])]);
            return (place, (IReadOnlyList<double[]>)[.. Solve([.. Enumerable.Repeat(cell, 24)]).OrderBy(solution => solution.Loss).Take(4).Select(solution => solution.X)]);
        });
        var file = follower.Follow(starts, default);
        var crossing = file.Crossings.Single(crossing => Math.Abs(crossing.Value - 0.16876) < 1e-4);
        Assert.Multiple(() =>
        {
            Assert.That(Math.Min(crossing.EigenvalueA, crossing.EigenvalueB), Is.GreaterThan(0.005), "both are minima");
            Assert.That(new[] { crossing.A, crossing.B }.Count(k => IsPentagon([.. file.Branches[k].W[^10..].Select(value => (double)value)])), Is.EqualTo(1));
            // Between the values around the crossing the order of the losses changes.
            int before = Array.FindLastIndex([.. file.Axis.Values], value => double.Parse(value) < crossing.Value);
            Assert.That(Loss(crossing.A, before) < Loss(crossing.B, before), Is.Not.EqualTo(Loss(crossing.A, before + 1) < Loss(crossing.B, before + 1)));
        });

        float Loss(int branch, int value) => file.Branches[branch].Loss[value - file.Branches[branch].First];
    }

    // Five directions, neighbours 72° apart within 8°.
    private static bool IsPentagon(double[] x)
    {
        double[] angles = [.. Enumerable.Range(0, 5).Select(i => Math.Atan2(x[(2 * i) + 1], x[2 * i])).Order()];
        return Enumerable.Range(0, 5).All(i => (x[2 * i] * x[2 * i]) + (x[(2 * i) + 1] * x[(2 * i) + 1]) > 0.25)
            && Enumerable.Range(0, 5).All(i => Math.Abs(double.RadiansToDegrees((i < 4 ? angles[i + 1] : angles[0] + (2 * Math.PI)) - angles[i]) - 72) < 8);
    }
}
