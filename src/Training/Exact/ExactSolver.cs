using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Training.Fused;
using Lanes = System.Runtime.Intrinsics.Vector512<double>;

namespace ToyPipeline.Training.Exact;

/// <summary>Where the start of an instance ended.</summary>
/// <param name="X">W row by row, then b.</param>
/// <param name="Loss">Exact expected loss.</param>
/// <param name="GradientNorm">Norm of its gradient.</param>
/// <param name="Evaluations">How often the loss was evaluated on the way.</param>
internal readonly record struct ExactSolution(double[] X, double Loss, double GradientNorm, int Evaluations)
{
    /// <summary>Whether the gradient vanishes within the tolerance.</summary>
    public bool Converged => GradientNorm <= ExactResult.Tolerance;
}

/// <summary>Takes many starts down to local minima of their exact expected loss, a vector's lanes at a time.</summary>
/// <remarks>An instance's path depends on its cell and its start alone: the same bits in any lane, pack and number of threads.</remarks>
internal static unsafe class ExactSolver
{
    // Starts that a thread takes at once: enough that lanes waiting for the last one do not count.
    private const int Share = 256;

    /// <summary>Solves all instances of a shape.</summary>
    /// <param name="model">The shape.</param>
    /// <param name="cells">Cell of each instance.</param>
    /// <param name="start">Start of an instance, W row by row, then b.</param>
    /// <param name="solved">Told how many more are solved.</param>
    /// <param name="threads">Number of threads.</param>
    /// <param name="cancellation">Stops between evaluations.</param>
    /// <returns>Solutions in the order of the instances.</returns>
    public static ExactSolution[] Solve(
        ModelSpec model, IReadOnlyList<CellSpec> cells, Func<int, double[]> start, Action<int> solved, int threads, CancellationToken cancellation)
    {
        var solutions = new ExactSolution[cells.Count];
        int share = Math.Clamp(cells.Count / (4 * threads), FaceMoments.Width, Share);
        int shares = (cells.Count + share - 1) / share;
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation };
        Parallel.For(0, shares, options, () => new Worker(model), (at, _, worker) =>
        {
            int end = Math.Min(cells.Count, (at + 1) * share);
            worker.Solve(cells, start, solutions, at * share, end, cancellation);
            solved(end - (at * share));
            return worker;
        }, worker => worker.Dispose());
        return solutions;
    }

    private sealed class Worker : IDisposable
    {
        private readonly ExactLoss _loss;
        private readonly AlignedBuffer _buffer;
        private readonly NewtonPath[] _paths;
        private readonly int[] _instances = new int[FaceMoments.Width];

        public Worker(ModelSpec model)
        {
            _loss = new ExactLoss(model);
            int size = _loss.Parameters;
            _paths = [.. Enumerable.Range(0, FaceMoments.Width).Select(_ => new NewtonPath(size))];
            _buffer = new AlignedBuffer((long)((size * size) + (2 * size)) * sizeof(Lanes) / sizeof(float));
        }

        public void Solve(
            IReadOnlyList<CellSpec> cells, Func<int, double[]> start, ExactSolution[] solutions, int from, int to, CancellationToken cancellation)
        {
            int size = _loss.Parameters, next = from, busy = 0;
            Lanes* x = (Lanes*)_buffer.Pointer;
            Lanes* gradient = x + size;
            Lanes* hessian = gradient + size;
            for (int lane = 0; lane < FaceMoments.Width; lane++)
                Fill(lane);
            while (busy > 0 && !cancellation.IsCancellationRequested)
            {
                var loss = _loss.Evaluate(x, gradient, hessian);
                for (int lane = 0; lane < FaceMoments.Width; lane++)
                {
                    if (_instances[lane] < 0)
                        continue;
                    var path = _paths[lane];
                    if (path.Advance(loss[lane], gradient, hessian, lane))
                    {
                        Load(lane);
                        continue;
                    }

                    solutions[_instances[lane]] = new ExactSolution([.. path.X], path.Loss, path.GradientNorm, path.Evaluations);
                    busy--;
                    Fill(lane);
                }
            }

            void Fill(int lane)
            {
                _instances[lane] = next < to ? next++ : -1;
                if (_instances[lane] < 0)
                    return;
                busy++;
                _loss.SetCell(lane, cells[_instances[lane]]);
                _paths[lane].Start(start(_instances[lane]));
                Load(lane);
            }

            void Load(int lane)
            {
                double[] trial = _paths[lane].Trial;
                for (int p = 0; p < size; p++)
                    ExactLoss.Lane(x + p, lane) = trial[p];
            }
        }

        public void Dispose()
        {
            _loss.Dispose();
            _buffer.Dispose();
        }
    }
}
