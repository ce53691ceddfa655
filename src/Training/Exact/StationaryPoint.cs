using System.Runtime.Intrinsics;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Training.Fused;
using Lanes = System.Runtime.Intrinsics.Vector512<double>;

namespace ToyPipeline.Training.Exact;

/// <summary>A point where the gradient vanishes.</summary>
/// <param name="X">W row by row, then b.</param>
/// <param name="Loss">Exact expected loss.</param>
/// <param name="SmallestEigenvalue">Of the Hessian, the rotations of the hidden space left out: positive at a strict local minimum.</param>
internal sealed record StationaryPoint(double[] X, double Loss, double SmallestEigenvalue);

/// <summary>Finds the stationary point next to a given one, whether it is a minimum or not.</summary>
internal sealed unsafe class StationarySearch : IDisposable
{
    private const int MaxIterations = 30;
    private const double Tolerance = 1e-11;

    // Of the largest eigenvalue: below it nothing bends, and a step there leads nowhere.
    private const double FlatEigenvalue = 1e-10;

    private readonly ModelSpec _model;
    private readonly ExactLoss _loss;
    private readonly AlignedBuffer _buffer;

    public StationarySearch(ModelSpec model)
    {
        _model = model;
        _loss = new ExactLoss(model);
        int size = _loss.Parameters;
        _buffer = new AlignedBuffer((long)((size * size) + (2 * size)) * sizeof(Lanes) / sizeof(float));
    }

    /// <summary>Newton's method on the gradient, kept from turning the hidden space.</summary>
    /// <param name="cell">Distribution and importance.</param>
    /// <param name="near">Where it starts.</param>
    /// <param name="reach">How far it may go.</param>
    /// <returns>The point; null where there is none within reach.</returns>
    public StationaryPoint? Find(CellSpec cell, double[] near, double reach)
    {
        int size = _loss.Parameters;
        double[] x = [.. near];
        _loss.SetCell(0, cell);
        for (int iteration = 0; iteration < MaxIterations; iteration++)
        {
            var (loss, g, h) = Evaluate(x);
            // A rotation changes nothing: made stiff, it is neither gone along nor taken for a direction of the branch.
            double stiff = 1;
            for (int p = 0; p < size; p++)
                stiff = Math.Max(stiff, 4 * Math.Abs(h[(p * size) + p]));
            foreach (double[] rotation in Rotations(x))
            {
                for (int p = 0; p < size; p++)
                {
                    for (int q = 0; q < size; q++)
                        h[(p * size) + q] += stiff * rotation[p] * rotation[q];
                }
            }

            var (values, vectors) = SymmetricMatrix.Eigen(h, size);
            double norm = Norm(g);
            if (norm <= Tolerance)
                return new StationaryPoint(x, loss, values[0]);
            for (int e = 0; e < size; e++)
            {
                if (Math.Abs(values[e]) <= FlatEigenvalue * Math.Max(Math.Abs(values[0]), Math.Abs(values[^1])))
                    continue;
                double along = System.Numerics.Tensors.TensorPrimitives.Dot<double>(g, vectors[e]) / values[e];
                for (int p = 0; p < size; p++)
                    x[p] -= along * vectors[e][p];
            }

            double moved = 0;
            for (int p = 0; p < size; p++)
                moved += (x[p] - near[p]) * (x[p] - near[p]);
            if (!(moved <= reach * reach))
                return null;
        }

        return null;
    }

    public void Dispose()
    {
        _loss.Dispose();
        _buffer.Dispose();
    }

    private (double Loss, double[] Gradient, double[] Hessian) Evaluate(double[] x)
    {
        int size = x.Length;
        Lanes* at = (Lanes*)_buffer.Pointer;
        for (int p = 0; p < size; p++)
            at[p] = Vector512.Create(x[p]);
        double loss = _loss.Evaluate(at, at + size, at + (2 * size))[0];
        double[] g = new double[size], h = new double[size * size];
        for (int p = 0; p < size; p++)
            g[p] = ExactLoss.Lane(at + size + p, 0);
        for (int e = 0; e < h.Length; e++)
            h[e] = ExactLoss.Lane(at + (2 * size) + e, 0);
        return (loss, g, h);
    }

    // Directions in which W turns in a plane of the hidden space, W_i → (−W_il, W_ik), orthonormal.
    private List<double[]> Rotations(double[] x)
    {
        int n = _model.Features, m = _model.Hidden;
        var found = new List<double[]>();
        for (int k = 0; k < m; k++)
        {
            for (int l = k + 1; l < m; l++)
            {
                double[] direction = new double[x.Length];
                for (int i = 0; i < n; i++)
                {
                    direction[(i * m) + k] = -x[(i * m) + l];
                    direction[(i * m) + l] = x[(i * m) + k];
                }

                foreach (double[] other in found)
                {
                    double along = System.Numerics.Tensors.TensorPrimitives.Dot<double>(direction, other);
                    for (int p = 0; p < direction.Length; p++)
                        direction[p] -= along * other[p];
                }

                double norm = Norm(direction);
                if (norm > 1e-9)
                    found.Add(Array.ConvertAll(direction, value => value / norm));
            }
        }

        return found;
    }

    private static double Norm(double[] v) => System.Numerics.Tensors.TensorPrimitives.Norm<double>(v);
}
