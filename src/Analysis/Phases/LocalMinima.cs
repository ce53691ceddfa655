using ToyPipeline.Analysis.Stage;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Phases;

/// <summary>A distinct end of a cell's starts.</summary>
/// <param name="Starts">The replicas that ended there, the one with the lowest loss first.</param>
/// <param name="Converged">Whether they are stationary points: the gradient's norm is at most 1e-8.</param>
internal sealed record LocalMinimum(IReadOnlyList<InstanceAnalysis> Starts, bool Converged)
{
    /// <summary>The start that stands for it.</summary>
    public InstanceAnalysis First => Starts[0];

    /// <summary>Outputs that no input turns on.</summary>
    public int DeadOutputs => Enumerable.Range(0, First.Weights.Features.Count).Count(i => LocalMinima.IsDead(First, i));
}

/// <summary>Tells the distinct local minima of a cell apart.</summary>
/// <remarks>
/// Two starts ended in the same minimum when their losses differ by less than 1e-6 of them and a one-to-one map of the features, each to one of the
/// same importance and density, takes every <c>‖W_i‖²</c>, <c>Σ_j G_ij²</c> and <c>b_i</c> to one within 0.002. Rotations and reflections of the
/// hidden space change none of these. The bias of an output that no input turns on is left out: any value as low will do.
/// </remarks>
internal static class LocalMinima
{
    /// <summary>Largest relative difference of the losses.</summary>
    public const double LossTolerance = 1e-6;

    /// <summary>Largest difference of an invariant.</summary>
    public const double ShapeTolerance = 2e-3;

    /// <summary>The minima in ascending order of their losses.</summary>
    public static IReadOnlyList<LocalMinimum> Of(IReadOnlyList<InstanceAnalysis> replicas)
    {
        var found = new List<(List<InstanceAnalysis> Starts, bool Converged, Feature[] Shape)>();
        foreach (var replica in replicas.OrderBy(replica => replica.Loss.Mean))
        {
            bool converged = replica.Pack.Exact!.GradientNorm[replica.Place] <= ExactResult.Tolerance;
            var shape = Shape(replica);
            var same = found.Find(minimum => minimum.Converged == converged && Same(minimum.Starts[0], minimum.Shape, replica, shape));
            if (same.Starts is null)
                found.Add(([replica], converged, shape));
            else
                same.Starts.Add(replica);
        }

        return [.. found.Select(minimum => new LocalMinimum(minimum.Starts, minimum.Converged))];
    }

    /// <summary>Whether z_i is at most 0 for every input: <c>b_i + Σ_j max(G_ij, 0) ≤ 0</c>.</summary>
    public static bool IsDead(InstanceAnalysis instance, int i)
    {
        int n = instance.Weights.Features.Count;
        double highest = instance.Weights.Features[i].Bias;
        for (int j = 0; j < n; j++)
            highest += Math.Max(instance.Weights.G[(i * n) + j], 0);
        return instance.Spec.Model.Kind == Core.Experiments.ModelKind.ReluOutput && highest <= 0;
    }

    private readonly record struct Feature(double Importance, double Density, double Square, double RowSquare, double Bias)
    {
        public bool Matches(Feature other) =>
            Importance == other.Importance && Density == other.Density && Near(Square, other.Square) && Near(RowSquare, other.RowSquare) && Near(Bias, other.Bias);

        private static bool Near(double a, double b) => Math.Abs(a - b) <= ShapeTolerance;
    }

    private static Feature[] Shape(InstanceAnalysis instance)
    {
        int n = instance.Weights.Features.Count;
        var shape = new Feature[n];
        for (int i = 0; i < n; i++)
        {
            double rowSquare = 0;
            for (int j = 0; j < n; j++)
                rowSquare += instance.Weights.G[(i * n) + j] * instance.Weights.G[(i * n) + j];
            shape[i] = new Feature(
                instance.Spec.Importance[i], instance.Spec.Data.Density[i], instance.Weights.G[(i * n) + i], rowSquare,
                IsDead(instance, i) ? 0 : instance.Weights.Features[i].Bias);
        }

        return shape;
    }

    private static bool Same(InstanceAnalysis a, Feature[] shapeA, InstanceAnalysis b, Feature[] shapeB)
    {
        if (!(b.Loss.Mean - a.Loss.Mean <= LossTolerance * a.Loss.Mean))
            return false;
        int taken = 0;
        foreach (var feature in shapeA)
        {
            int match = Array.FindIndex(shapeB, 0, candidate => feature.Matches(candidate));
            while (match >= 0 && (taken >> match & 1) != 0)
                match = Array.FindIndex(shapeB, match + 1, candidate => feature.Matches(candidate));
            if (match < 0)
                return false;
            taken |= 1 << match;
        }

        return true;
    }
}
