using System.Runtime.Intrinsics;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Training.Fused;
using Lanes = System.Runtime.Intrinsics.Vector512<double>;

namespace ToyPipeline.Training.Exact;

/// <summary>
/// Expected loss <c>L = (1/n) Σ_j I_j E(x_j − x'_j)²</c> of <c>linear</c> and <c>relu-output</c> models with independent features, with
/// gradient and Hessian, for <see cref="FaceMoments.Width"/> instances at once.
/// </summary>
/// <remarks>
/// With <c>u = (1, x)</c>, <c>θ = (b_j, G_j0, …)</c> and <c>z = θ·u</c>, the moments <c>M = E[1(z &gt; 0) u uᵀ]</c> and
/// <c>D = E[x_j δ(z) u uᵀ]</c> give output j's share <c>E x_j² + θᵀMθ − 2(Mθ)_j</c>, its gradient <c>2(Mθ − M e_j)</c> and its Hessian
/// <c>2(M − D)</c> in θ. E is the sum over the active subsets of the features. docs/exact.md derives it.
/// </remarks>
internal sealed unsafe class ExactLoss : IDisposable
{
    private readonly int _n;
    private readonly int _m;
    private readonly bool _rectified;
    private readonly FaceMoments? _region;
    private readonly FaceMoments? _slice;
    private readonly MomentSum[] _sums;
    private readonly AlignedBuffer _buffer;
    private readonly Lanes* _density; // [n]
    private readonly Lanes* _importance; // [n], divided by n
    private readonly Lanes* _weights; // [outputs, subsets]: probability of a subset in the output's own order of features
    private readonly Lanes* _theta; // [n + 1], the output's feature first
    private readonly Lanes* _m2; // M, [n + 1, n + 1]
    private readonly Lanes* _d; // D, [n + 1, n + 1]
    private readonly Lanes* _q; // [n, m]

    /// <summary>Room for models of one shape.</summary>
    public ExactLoss(ModelSpec model)
    {
        _n = model.Features;
        _m = model.Hidden;
        _rectified = model.Kind == ModelKind.ReluOutput;
        int terms = _n + 1;
        _buffer = new AlignedBuffer((long)((2 * _n) + (_n << _n) + terms + (2 * terms * terms) + (_n * _m)) * sizeof(Lanes) / sizeof(float));
        _density = (Lanes*)_buffer.Pointer;
        _importance = _density + _n;
        _weights = _importance + _n;
        _theta = _weights + (_n << _n);
        _m2 = _theta + terms;
        _d = _m2 + (terms * terms);
        _q = _d + (terms * terms);
        _sums = [];
        if (!_rectified)
            return;
        var region = FaceProgram.Of(_n, FaceIntegral.Region);
        var slice = FaceProgram.Of(_n, FaceIntegral.Slice);
        _region = new FaceMoments(region);
        _slice = new FaceMoments(slice);
        _sums = [.. MomentSum.All(_n, region, slice)];
    }

    /// <summary>Number of parameters of an instance: W row by row, then b.</summary>
    public int Parameters => _n * (_m + 1);

    /// <summary>Puts an instance's distribution and importance into a lane.</summary>
    public void SetCell(int lane, CellSpec cell)
    {
        for (int i = 0; i < _n; i++)
        {
            Lane(_density + i, lane) = cell.Data.Density[i];
            Lane(_importance + i, lane) = cell.Importance[i] / _n;
        }

        for (int output = 0; _rectified && output < _n; output++)
        {
            for (int subset = 0; subset < 1 << _n; subset++)
            {
                double probability = 1;
                for (int i = 0; i < _n; i++)
                {
                    double p = cell.Data.Density[Feature(output, i)];
                    probability *= (subset >> i & 1) != 0 ? p : 1 - p;
                }

                Lane(_weights + (output << _n) + subset, lane) = probability;
            }
        }
    }

    /// <summary>One number of a vector.</summary>
    public static ref double Lane(Lanes* vector, int lane) => ref ((double*)vector)[lane];

    /// <summary>Loss, gradient and Hessian of every lane.</summary>
    /// <param name="x">Parameters, [parameters].</param>
    /// <param name="gradient">Receives the gradient, [parameters].</param>
    /// <param name="hessian">Receives the Hessian, [parameters, parameters].</param>
    /// <returns>The loss.</returns>
    public Lanes Evaluate(Lanes* x, Lanes* gradient, Lanes* hessian)
    {
        new Span<Lanes>(gradient, Parameters).Clear();
        new Span<Lanes>(hessian, Parameters * Parameters).Clear();
        var loss = Lanes.Zero;
        for (int output = 0; output < _n; output++)
        {
            Theta(x, output);
            if (_rectified)
                Rectified(output);
            else
                Linear(output);
            loss += Share(x, output, gradient, hessian);
        }

        return loss;
    }

    public void Dispose()
    {
        _region?.Dispose();
        _slice?.Dispose();
        _buffer.Dispose();
    }

    // The features in the order of an output: its own first, the others as they come.
    private static int Feature(int output, int place) => place == 0 ? output : place <= output ? place - 1 : place;

    private void Theta(Lanes* x, int output)
    {
        _theta[0] = x[(_n * _m) + output];
        for (int i = 0; i < _n; i++)
        {
            var dot = Lanes.Zero;
            for (int k = 0; k < _m; k++)
                dot = Vector512.FusedMultiplyAdd(x[(output * _m) + k], x[(Feature(output, i) * _m) + k], dot);
            _theta[1 + i] = dot;
        }
    }

    private void Rectified(int output)
    {
        _region!.Compute(_theta);
        _slice!.Compute(_theta);
        Lanes* weights = _weights + (output << _n);
        foreach (var sum in _sums)
        {
            Lanes region = Lanes.Zero, slice = Lanes.Zero;
            foreach (var (subset, moment) in sum.Region)
                region = Vector512.FusedMultiplyAdd(weights[subset], _region[moment], region);
            foreach (var (subset, moment) in sum.Slice)
                slice = Vector512.FusedMultiplyAdd(weights[subset], _slice[moment], slice);
            _m2[(sum.Row * (_n + 1)) + sum.Column] = _m2[(sum.Column * (_n + 1)) + sum.Row] = region;
            _d[(sum.Row * (_n + 1)) + sum.Column] = _d[(sum.Column * (_n + 1)) + sum.Row] = slice;
        }
    }

    // Without the ReLU z counts everywhere: E x_i = p_i/2, E x_i² = p_i/3, E x_i x_l = p_i p_l / 4; D stays 0.
    private void Linear(int output)
    {
        int terms = _n + 1;
        _m2[0] = Lanes.One;
        for (int i = 0; i < _n; i++)
        {
            var p = _density[Feature(output, i)];
            _m2[1 + i] = _m2[(1 + i) * terms] = p * 0.5;
            for (int l = 0; l < _n; l++)
                _m2[((1 + i) * terms) + 1 + l] = i == l ? p / Vector512.Create(3.0) : p * _density[Feature(output, l)] * 0.25;
        }
    }

    // Adds an output's share of gradient and Hessian in W and b, by the chain rule through G_ji = W_j·W_i; returns its loss.
    private Lanes Share(Lanes* x, int j, Lanes* gradient, Lanes* hessian)
    {
        int terms = _n + 1;
        var scale = _importance[j];
        var loss = _density[j] / Vector512.Create(3.0);
        Lanes* own = x + (j * _m);
        int bias = (_n * _m) + j;
        new Span<Lanes>(_q, _n * _m).Clear();
        for (int a = 0; a < terms; a++)
        {
            var product = Lanes.Zero; // (Mθ)_a
            for (int b = 0; b < terms; b++)
                product = Vector512.FusedMultiplyAdd(_m2[(a * terms) + b], _theta[b], product);
            loss = Vector512.FusedMultiplyAdd(_theta[a], product, loss);
            if (a == 1)
                loss -= product + product;
            var slope = scale * (product - _m2[(a * terms) + 1]);
            slope += slope; // ∂/∂θ_a
            if (a == 0)
            {
                gradient[bias] += slope;
                continue;
            }

            int i = Feature(j, a - 1);
            for (int k = 0; k < _m; k++)
            {
                gradient[(i * _m) + k] = Vector512.FusedMultiplyAdd(slope, own[k], gradient[(i * _m) + k]);
                gradient[(j * _m) + k] = Vector512.FusedMultiplyAdd(slope, x[(i * _m) + k], gradient[(j * _m) + k]);
                // ∂²G_ji / ∂W_jk ∂W_ik = 1, of G_jj 2.
                hessian[(((i * _m) + k) * Parameters) + (j * _m) + k] += slope;
                hessian[(((j * _m) + k) * Parameters) + (i * _m) + k] += slope;
            }
        }

        Curvature(x, j, scale + scale, hessian);
        return scale * loss;
    }

    // Jᵀ H J with H = 2(M − D) and J = ∂θ/∂(W, b): ∂θ_0 = ∂b_j, ∂θ_i = W_j·∂W_i + W_i·∂W_j.
    private void Curvature(Lanes* x, int j, Lanes scale, Lanes* hessian)
    {
        int terms = _n + 1, bias = (_n * _m) + j;
        Lanes* own = x + (j * _m);
        for (int e = 0; e < terms * terms; e++)
            _m2[e] = scale * (_m2[e] - _d[e]);
        hessian[(bias * Parameters) + bias] += _m2[0];
        for (int a = 1; a < terms; a++)
        {
            int i = Feature(j, a - 1);
            for (int k = 0; k < _m; k++)
            {
                var q = Lanes.Zero; // Σ_l H_il W_lk
                for (int b = 1; b < terms; b++)
                    q = Vector512.FusedMultiplyAdd(_m2[(a * terms) + b], x[(Feature(j, b - 1) * _m) + k], q);
                _q[(i * _m) + k] = q;
                Add((i * _m) + k, bias, _m2[a] * own[k]);
                Add((j * _m) + k, bias, _m2[a] * x[(i * _m) + k]);
            }
        }

        for (int a = 1; a < terms; a++)
        {
            int i = Feature(j, a - 1);
            for (int k = 0; k < _m; k++)
            {
                for (int b = 1; b < terms; b++)
                {
                    int l = Feature(j, b - 1);
                    var h = _m2[(a * terms) + b] * own[k];
                    for (int o = 0; o < _m; o++)
                        Plus(((((i * _m) + k) * Parameters) + (l * _m) + o), h, own[o]);
                }

                for (int o = 0; o < _m; o++)
                {
                    Add((i * _m) + k, (j * _m) + o, _q[(i * _m) + o] * own[k]);
                    Plus((((j * _m) + o) * Parameters) + (j * _m) + k, _q[(i * _m) + k], x[(i * _m) + o]);
                }
            }
        }

        void Plus(int at, Lanes u, Lanes v) => hessian[at] = Vector512.FusedMultiplyAdd(u, v, hessian[at]);

        void Add(int row, int column, Lanes value)
        {
            hessian[(row * Parameters) + column] += value;
            hessian[(column * Parameters) + row] += value;
        }
    }

    /// <summary>An entry of M and D as sums over active subsets.</summary>
    private sealed record MomentSum(int Row, int Column, (int Subset, int Moment)[] Region, (int Subset, int Moment)[] Slice)
    {
        public static IEnumerable<MomentSum> All(int features, FaceProgram region, FaceProgram slice)
        {
            for (int row = 0; row <= features; row++)
            {
                for (int column = row; column <= features; column++)
                {
                    int[] factors = [.. ((int[])[row - 1, column - 1]).Where(i => i >= 0)];
                    yield return new MomentSum(row, column, Places(features, region, factors), Places(features, slice, [0, .. factors]));
                }
            }
        }

        private static (int, int)[] Places(int features, FaceProgram program, int[] factors) =>
        [
            .. Enumerable.Range(0, 1 << features).Where(subset => Array.TrueForAll(factors, i => (subset >> i & 1) != 0))
                .Select(subset => (subset, program.MomentOf(subset, factors))),
        ];
    }
}
