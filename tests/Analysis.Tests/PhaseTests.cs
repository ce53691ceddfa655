using ToyPipeline.Analysis.Measures;
using ToyPipeline.Analysis.Phases;
using ToyPipeline.Analysis.Stage;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Tests;

/// <summary>Regions, the theory beside them, and the distinct minima of a cell.</summary>
public sealed class PhaseTests
{
    private static CellSpec Spec(int features, int hidden, double density, params double[] importance) => new(
        new ModelSpec(ModelKind.ReluOutput, features, hidden), TestData.Distribution(features, density), importance,
        new TrainingSpec(ObjectiveKind.Exact, 1, 1, new OptimizerSpec(OptimizerKind.AdamW, 1e-3, 0, 0.9, 0.999, 1e-8, 0), Schedule.Constant, new HistorySpec(0, 0, SnapshotSpacing.Log)));

    private static CellAnalysis Cell(CellSpec spec, int index, IReadOnlyList<Coordinate> coordinates, params (double[] W, double[] B, double Loss)[] solutions)
    {
        var cell = new Cell(index, coordinates);
        var weights = new EnsembleWeights
        {
            Kind = spec.Model.Kind,
            Features = spec.Model.Features,
            Hidden = spec.Model.Hidden,
            Instances = [.. solutions.Select((_, i) => new Instance(i, cell, i, 0))],
            W = [.. solutions.SelectMany(solution => solution.W).Select(value => (float)value)],
            B = [.. solutions.SelectMany(solution => solution.B).Select(value => (float)value)],
            Exact = new ExactResult([.. solutions.Select(solution => (float)solution.Loss)], [.. solutions.Select(solution => solution.Loss < 0 ? 1f : 0f)]),
        };
        return new CellAnalysis([.. solutions.Select((solution, i) =>
            new InstanceAnalysis(weights.Instances[i], spec, weights, i, WeightAnalysis.Of(weights, i), new LossEstimate(Math.Abs(solution.Loss), 0, 0)))]);
    }

    [Test]
    public void Theory_has_the_losses_of_the_paper_and_the_mean_of_every_arrangement_over_samples([Values(0.05, 0.4, 1)] double p, [Values(0.3, 1, 4)] double r)
    {
        // Sums over features; W and b of each arrangement in the order of the candidates.
        double ignored = (p / 3) - (p * p / 4);
        Assert.That(PhaseTheory.Candidates(Spec(2, 1, p, 1, r), 1).Select(candidate => 2 * candidate.Loss), Is.EqualTo(new[] { ignored, (1 + r) * p * p / 6, r * ignored }).Within(1e-15));

        double half = Math.Sqrt(3) / 2;
        double[] triangle = [1, 0, -0.5, half, -0.5, -half];
        var spec = Spec(3, 2, p, 1, 1, r);
        float[] x = TestData.Samples(400_000, 3, p);
        var weights = TestData.Weights(ModelKind.ReluOutput, 1, 3, 2) with { W = [.. triangle.Select(value => (float)value)], B = [0, 0, 0] };
        var loss = new EvaluationLoss(ModelKind.ReluOutput, spec.Importance);
        for (int at = 0; at < x.Length; at += 3)
            loss.Add(x.AsSpan(at, 3), [.. TestData.Forward(weights, 0, x.AsSpan(at, 3)).Reconstruction.Select(value => (float)value)]);
        Assert.That(PhaseTheory.Candidates(spec, 2).Last().Loss, Is.EqualTo(loss.Estimate.Mean).Within(5 * loss.Estimate.StandardError));
    }

    [TestCase(0.1, 0.9, Region.NotRepresented)]
    [TestCase(1, 0.05, Region.Superposition)]
    [TestCase(8, 0.9, Region.OwnDimension)]
    public void Each_region_has_its_corner_of_the_diagram(double r, double p, object region) =>
        Assert.That(PhaseTheory.Best(Spec(2, 1, p, 1, r), 1).Region, Is.EqualTo(region));

    [Test]
    public void A_map_finds_boundaries_agreement_and_the_other_objective()
    {
        var experiment = Experiment.Parse(
            """
            name: m
            model: { features: 2, hidden: 1 }
            importance: { values: 1 }
            data: { density: 0.5 }
            axes:
              - { path: training.objective, values: [exact, fused] }
              - { path: "importance.values[1]", log: [0.1, 10, 21] }
              - { path: data.density, values: [0.05, 0.9] }
            phase: {}
            """, "m.yaml");
        var grid = new Grid(experiment);
        var map = new PhaseMap(experiment);
        foreach (var cell in grid.Cells)
        {
            var spec = grid.Spec(cell);
            // The first objective follows theory; the second takes a pair everywhere, at a loss above the theory's.
            var region = cell.Index < 42 ? PhaseTheory.Best(spec, 1).Region : Region.Superposition;
            double[] w = region switch { Region.NotRepresented => [1, 0], Region.Superposition => [1, -1], _ => [0, 1] };
            map.Add(Cell(spec, cell.Index, cell.Coordinates, (w, [0, 0], 1)));
        }

        var theory = map.Cells.Take(42).Select(cell => cell.Theory!.Value.Region).ToArray();
        int pairs = theory.Count(region => region == Region.Superposition);
        Assert.Multiple(() =>
        {
            Assert.That(map.Agreement, Is.EqualTo((42 + pairs) / 84.0).Within(1e-12));
            Assert.That(map.ObjectiveAgreement, Is.EqualTo(pairs / 42.0).Within(1e-12));
            foreach (var cell in map.Cells)
                Assert.That(map.BoundaryDistance(cell), Is.EqualTo(Distance(cell.Cell.Index % 42)), cell.Cell.ToString());
            Assert.That(map.Accounted, Is.EqualTo(map.Cells.Count(cell => cell.Agrees || Distance(cell.Cell.Index % 42) <= 2) / 84.0).Within(1e-12));
        });

        int Distance(int index) => Enumerable.Range(0, 42).Where(other => theory[other] != theory[index])
            .Select(other => Math.Max(Math.Abs((other / 2) - (index / 2)), Math.Abs((other % 2) - (index % 2)))).DefaultIfEmpty(17).Min();
    }

    [Test]
    public void Turned_mirrored_and_exchanged_solutions_are_one_minimum()
    {
        double c = Math.Cos(0.3), s = Math.Sin(0.3);
        // Features 0 and 1 are alike, feature 2 is not.
        var spec = Spec(3, 2, 0.5, 1, 1, 2);
        var minima = LocalMinima.Of(Cell(
            spec, 0, [],
            ([1, 0, -0.9, 0, 0, 1], [0.1, 0.2, 0], 0.5),
            ([-0.9 * c, -0.9 * s, c, s, s, -c], [0.2, 0.1, 0], 0.5), // turned, mirrored, 0 and 1 exchanged
            ([1, 0, 0, 1, -0.9, 0], [0.1, 0, 0.2], 0.5), // 1 and 2 exchanged, which are not alike
            ([1, 0, -0.9, 0, 0, 1], [0.1, 0.2, 0], 0.50001), // another loss
            ([1, 0, -0.9, 0, 0, 0], [0.1, 0.2, -1], 0.6), // output 2 is dead: its bias says nothing
            ([1, 0, -0.9, 0, 0, 0], [0.1, 0.2, -2], 0.6),
            ([1, 0, -0.9, 0, 0, 1], [0.1, 0.2, 0], -0.5)).Replicas); // not converged
        Assert.That(
            minima.Select(minimum => (minimum.Starts.Count, minimum.Converged, minimum.DeadOutputs)),
            Is.EqualTo(new[] { (2, true, 0), (1, true, 0), (1, false, 0), (1, true, 0), (2, true, 1) }));
    }
}
