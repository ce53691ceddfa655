using System.Runtime.Intrinsics;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Measures;

/// <summary>
/// The loss of one network and its gradient with respect to the input, for eight samples at once, one a lane: every product is a weight
/// times a vector of samples. One object belongs to one thread.
/// </summary>
internal sealed class NetworkLanes
{
    /// <summary>Samples that are computed side by side.</summary>
    public const int Lanes = 8;

    private readonly ModelKind _kind;
    private readonly int _features;
    private readonly int _hidden;
    private readonly double[] _encoder;
    private readonly double[] _decoder;
    private readonly double[] _bias;
    // I_i / n
    private readonly double[] _weight;
    private readonly Vector512<double>[] _h;
    private readonly Vector512<double>[] _dh;

    public NetworkLanes(EnsembleWeights weights, int place, IReadOnlyList<double> importance)
    {
        _kind = weights.Kind;
        _features = weights.Features;
        _hidden = weights.Hidden;
        _encoder = Widened(weights.WOf(place));
        _decoder = weights.W2 is null ? _encoder : Widened(weights.DecoderOf(place));
        _bias = Widened(weights.BOf(place));
        _weight = [.. importance.Select(value => value / _features)];
        _h = new Vector512<double>[_hidden];
        _dh = new Vector512<double>[_hidden];
    }

    private bool ReluHidden => _kind is ModelKind.ReluHidden or ModelKind.AbsoluteValue;

    /// <summary>The loss <c>1/n Σ_i I_i (target_i − y_i(x))²</c> of each sample.</summary>
    /// <param name="x">Inputs, [features].</param>
    /// <param name="target">Targets, [features].</param>
    public Vector512<double> Loss(ReadOnlySpan<Vector512<double>> x, ReadOnlySpan<Vector512<double>> target)
    {
        Encode(x);
        return Decode(target, gradient: false);
    }

    /// <summary>The loss of each sample, and ∂loss/∂x, [features], in <paramref name="gradient"/>.</summary>
    /// <inheritdoc cref="Loss" path="/param"/>
    public Vector512<double> LossAndGradient(
        ReadOnlySpan<Vector512<double>> x, ReadOnlySpan<Vector512<double>> target, Span<Vector512<double>> gradient)
    {
        Encode(x);
        var loss = Decode(target, gradient: true);
        var dh = _dh.AsSpan();
        if (ReluHidden)
        {
            for (int k = 0; k < dh.Length; k++)
                dh[k] = Vector512.GreaterThan(_h[k], Vector512<double>.Zero) & dh[k];
        }

        for (int i = 0; i < _features; i++)
            gradient[i] = Dot(_encoder.AsSpan(i * _hidden, _hidden), dh);
        return loss;
    }

    // h = Wᵀx, with a ReLU where the kind has one.
    private void Encode(ReadOnlySpan<Vector512<double>> x)
    {
        var h = _h.AsSpan();
        h.Clear();
        for (int i = 0; i < _features; i++)
            AddScaled(h, _encoder.AsSpan(i * _hidden, _hidden), x[i]);
        if (!ReluHidden)
            return;
        for (int k = 0; k < h.Length; k++)
            h[k] = Vector512.Max(h[k], Vector512<double>.Zero);
    }

    // The loss from h; with the gradient, ∂loss/∂h = Σ_i −2 I_i/n (target_i − y_i) f'(z_i) W_i.
    private Vector512<double> Decode(ReadOnlySpan<Vector512<double>> target, bool gradient)
    {
        if (gradient)
            _dh.AsSpan().Clear();
        var loss = Vector512<double>.Zero;
        for (int i = 0; i < _features; i++)
        {
            var row = _decoder.AsSpan(i * _hidden, _hidden);
            var z = Dot(row, _h) + Vector512.Create(_bias[i]);
            var y = _kind == ModelKind.Linear ? z : Vector512.Max(z, Vector512<double>.Zero);
            var error = y - target[i];
            var weighted = error * _weight[i];
            loss += weighted * error;
            if (!gradient)
                continue;
            var slope = weighted + weighted;
            AddScaled(_dh, row, _kind == ModelKind.Linear ? slope : Vector512.GreaterThan(z, Vector512<double>.Zero) & slope);
        }

        return loss;
    }

    private static Vector512<double> Dot(ReadOnlySpan<double> row, ReadOnlySpan<Vector512<double>> values)
    {
        var sum = Vector512<double>.Zero;
        for (int k = 0; k < row.Length; k++)
            sum += values[k] * row[k];
        return sum;
    }

    private static void AddScaled(Span<Vector512<double>> sum, ReadOnlySpan<double> row, Vector512<double> scale)
    {
        for (int k = 0; k < row.Length; k++)
            sum[k] += scale * row[k];
    }

    private static double[] Widened(ReadOnlySpan<float> values)
    {
        double[] wide = new double[values.Length];
        for (int k = 0; k < wide.Length; k++)
            wide[k] = values[k];
        return wide;
    }
}
