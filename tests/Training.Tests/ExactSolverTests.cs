using System.Diagnostics;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Training.Exact;

namespace ToyPipeline.Training.Tests;

/// <summary>Starts taken down to local minima.</summary>
public sealed class ExactSolverTests
{
    [Test]
    public void Scratch([Values("2 1", "3 2", "5 2", "8 3")] string shape)
    {
        int n = shape[0] - '0', m = shape[2] - '0';
        int count = n <= 3 ? 20000 : n == 5 ? 2000 : 32;
        var random = new Random(1);
        var model = new ModelSpec(ModelKind.ReluOutput, n, m);
        var cells = Enumerable.Range(0, count).Select(_ =>
        {
            double r = Math.Pow(10, (2 * random.NextDouble()) - 1), p = Math.Pow(10, -2 * random.NextDouble());
            return new CellSpec(model, Ensembles.Data(n, p), [.. Enumerable.Repeat(1.0, n - 1), r], Ensembles.Training(1));
        }).ToList();
        var w = Initializer.Weights(model, [.. Enumerable.Range(0, count).Select(i => (ulong)i)], 0);
        double[] Start(int i) => [.. w.AsSpan(i * n * m, n * m).ToArray().Select(v => (double)v), .. new double[n]];
        ExactSolver.Solve(model, cells.Take(64).ToList(), Start, _ => { }, 1, default);
        var clock = Stopwatch.StartNew();
        var solutions = ExactSolver.Solve(model, cells, Start, _ => { }, 1, default);
        TestContext.Out.WriteLine($"{shape}: {clock.Elapsed.TotalMicroseconds / count:0.0} µs each; evaluations mean {solutions.Average(s => s.Evaluations):0.0} max {solutions.Max(s => s.Evaluations)}; not converged {solutions.Count(s => !s.Converged)}");
        foreach (var (s, i) in solutions.Select((s, i) => (s, i)).Where(x => !x.s.Converged).Take(8))
            TestContext.Out.WriteLine($"  r {cells[i].Importance[^1]:0.000} p {cells[i].Data.Density[0]:0.000} loss {s.Loss:0.000000} g {s.GradientNorm:E1} evals {s.Evaluations} x {string.Join(' ', s.X.Select(v => v.ToString("0.0000")))}");
        foreach (var (s, i) in solutions.Select((s, i) => (s, i)).Where(x => x.s.Evaluations > 100).Take(5))
            TestContext.Out.WriteLine($"  slow r {cells[i].Importance[^1]:0.000} p {cells[i].Data.Density[0]:0.000} loss {s.Loss:0.000000} g {s.GradientNorm:E1} evals {s.Evaluations} x {string.Join(' ', s.X.Select(v => v.ToString("0.0000")))}");
    }
}
