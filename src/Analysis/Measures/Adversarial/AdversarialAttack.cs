using System.Runtime.Intrinsics;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;

namespace ToyPipeline.Analysis.Measures;

/// <summary>Mean losses of one network under perturbations δ of its samples, ‖δ‖₂ ≤ ε; the target stays that of the sample itself.</summary>
/// <param name="Clean">Without perturbation.</param>
/// <param name="Random">Under the worst of the random perturbations of norm ε, for each sample; not a number where none was tried.</param>
/// <param name="Worst">Under the worst perturbation that gradient ascent found for each sample.</param>
public sealed record AttackedLoss(double Clean, double Random, double Worst);

/// <summary>
/// Searches the worst perturbation of each sample, <c>max_{‖δ‖₂ ≤ ε} 1/n Σ_i I_i (target_i(x) − y_i(x + δ))²</c>, by projected gradient ascent
/// on the network's own Jacobian: <c>δ ← Π(δ + η ε ∇L / ‖∇L‖)</c>, with Π the projection onto the ball and η falling from 2 to 0 over the steps.
/// </summary>
/// <remarks>
/// Large first steps, because on a convex loss (the linear model) each step, however long, goes up; short last ones, because a ReLU bends.
/// The best point of all starts and steps counts. Random directions are the same for every sample, and a pure function of the seed.
/// </remarks>
public sealed class AdversarialAttack
{
    private readonly AttackSpec _spec;
    private readonly int _features;
    private readonly double[][] _starts;
    private readonly double[][] _random;

    /// <summary>An attack on networks of n features.</summary>
    /// <param name="spec">ε, steps, starts. Its number of samples is the caller's to heed.</param>
    /// <param name="features">n.</param>
    /// <param name="seed">Seed of the random directions.</param>
    public AdversarialAttack(AttackSpec spec, int features, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(spec);
        (_spec, _features) = (spec, features);
        _starts = Directions(spec.Restarts, slot: 0);
        _random = Directions(spec.Random, slot: 1);

        double[][] Directions(int count, uint slot) => [.. Enumerable.Range(0, count).Select(direction =>
        {
            double[] normal = [.. Enumerable.Range(0, features).Select(i => RandomNumbers.Normal(seed, RandomStream.Analysis, ((long)direction * features) + i, slot))];
            double scale = spec.Epsilon / Math.Sqrt(normal.Sum(value => value * value));
            return normal.Select(value => value * scale).ToArray();
        })];
    }

    /// <summary>Attacks one instance of a pack.</summary>
    /// <param name="weights">The pack.</param>
    /// <param name="place">Place of the instance.</param>
    /// <param name="importance">I_i, length n.</param>
    /// <param name="x">Samples, [samples, features].</param>
    /// <param name="cancellation">Stops between samples.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public AttackedLoss On(EnsembleWeights weights, int place, IReadOnlyList<double> importance, ReadOnlyMemory<float> x, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(weights);
        int samples = x.Length / _features;
        double[] clean = new double[samples], random = new double[samples], worst = new double[samples];
        int groups = (samples + NetworkLanes.Lanes - 1) / NetworkLanes.Lanes;
        Parallel.For(0, groups, new ParallelOptions { CancellationToken = cancellation }, () => new Search(this, weights, place, importance), (group, _, search) =>
        {
            int first = group * NetworkLanes.Lanes;
            int count = Math.Min(NetworkLanes.Lanes, samples - first);
            var found = search.Run(x.Span.Slice(first * _features, count * _features));
            for (int lane = 0; lane < count; lane++)
                (clean[first + lane], random[first + lane], worst[first + lane]) = (found.Clean[lane], found.Random[lane], found.Worst[lane]);
            return search;
        }, _ => { });
        // Added up in the order of the samples, whichever thread found what.
        return new AttackedLoss(clean.Sum() / samples, _random.Length > 0 ? random.Sum() / samples : double.NaN, worst.Sum() / samples);
    }

    // Eight samples at a time; one thread's.
    private sealed class Search(AdversarialAttack attack, EnsembleWeights weights, int place, IReadOnlyList<double> importance)
    {
        private readonly NetworkLanes _network = new(weights, place, importance);
        private readonly bool _absolute = weights.Kind == ModelKind.AbsoluteValue;
        private readonly Vector512<double>[] _x = new Vector512<double>[attack._features];
        private readonly Vector512<double>[] _target = new Vector512<double>[attack._features];
        private readonly Vector512<double>[] _delta = new Vector512<double>[attack._features];
        private readonly Vector512<double>[] _moved = new Vector512<double>[attack._features];
        private readonly Vector512<double>[] _gradient = new Vector512<double>[attack._features];

        public (Vector512<double> Clean, Vector512<double> Random, Vector512<double> Worst) Run(ReadOnlySpan<float> samples)
        {
            Load(samples);
            var clean = _network.Loss(_x, _target);
            var random = clean;
            foreach (double[] direction in attack._random)
            {
                Put(direction);
                random = Vector512.Max(random, _network.Loss(Moved(), _target));
            }

            var worst = clean;
            foreach (double[] start in attack._starts)
            {
                Put(start);
                worst = Vector512.Max(worst, Ascend());
            }

            return (clean, random, worst);
        }

        private Vector512<double> Ascend()
        {
            var worst = Vector512<double>.Zero;
            for (int step = 0; step < attack._spec.Steps; step++)
            {
                worst = Vector512.Max(worst, _network.LossAndGradient(Moved(), _target, _gradient));
                double length = 2 * attack._spec.Epsilon * (1 - ((double)step / attack._spec.Steps));
                var scale = Over(length, Norm(_gradient));
                for (int i = 0; i < _delta.Length; i++)
                    _delta[i] += scale * _gradient[i];
                var shrink = Vector512.Min(Vector512<double>.One, Over(attack._spec.Epsilon, Norm(_delta)));
                for (int i = 0; i < _delta.Length; i++)
                    _delta[i] *= shrink;
            }

            return Vector512.Max(worst, _network.Loss(Moved(), _target));
        }

        // [samples, features] to a sample a lane; lanes without a sample are 0.
        private void Load(ReadOnlySpan<float> samples)
        {
            int n = _x.Length;
            Span<double> lanes = stackalloc double[NetworkLanes.Lanes];
            for (int i = 0; i < n; i++)
            {
                lanes.Clear();
                for (int lane = 0; lane < samples.Length / n; lane++)
                    lanes[lane] = samples[(lane * n) + i];
                _x[i] = Vector512.Create<double>(lanes);
                _target[i] = _absolute ? Vector512.Abs(_x[i]) : _x[i];
            }
        }

        private void Put(double[] direction)
        {
            for (int i = 0; i < _delta.Length; i++)
                _delta[i] = Vector512.Create(direction[i]);
        }

        private Vector512<double>[] Moved()
        {
            for (int i = 0; i < _moved.Length; i++)
                _moved[i] = _x[i] + _delta[i];
            return _moved;
        }

        private static Vector512<double> Norm(Vector512<double>[] vector)
        {
            var sum = Vector512<double>.Zero;
            foreach (var value in vector)
                sum += value * value;
            return Vector512.Sqrt(sum);
        }

        // length / norm, and 0 where there is no direction to go.
        private static Vector512<double> Over(double length, Vector512<double> norm) =>
            Vector512.GreaterThan(norm, Vector512<double>.Zero) & (Vector512.Create(length) / norm);
    }
}
