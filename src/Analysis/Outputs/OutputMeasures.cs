namespace ToyPipeline.Analysis.Outputs;

/// <summary>What the outputs alone say of one feature.</summary>
/// <param name="Error">Mean squared error of output i, <c>E[(target_i − y_i)²]</c>, without its importance.</param>
/// <param name="Explained">Share of the target's variance that the output explains, <c>1 − Σ(target_i − y_i)² / Σ(target_i − mean)²</c>; not a number where the target never varies.</param>
/// <param name="Response"><c>R_ii = y_i(e_i) − y_i(0)</c>: what feature i alone, at 1, adds to its own output.</param>
/// <param name="Interference"><c>Σ_{j≠i} R_ij²</c>, with <c>R_ij = y_i(e_j) − y_i(0)</c>: what the other features, each alone, add to output i.</param>
internal sealed record OutputFeature(double Error, double Explained, double Response, double Interference);

/// <summary>Adds up what the outputs alone say of every feature, in double.</summary>
internal sealed class OutputMeasures(int features, bool absolute)
{
    private readonly double[] _error = new double[features];
    private readonly double[] _target = new double[features];
    private readonly double[] _targetSquare = new double[features];
    private long _samples;

    /// <summary>Adds one sample.</summary>
    public void Add(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        for (int i = 0; i < features; i++)
        {
            double target = absolute ? Math.Abs(x[i]) : x[i], error = target - y[i];
            _error[i] += error * error;
            _target[i] += target;
            _targetSquare[i] += target * target;
        }

        _samples++;
    }

    /// <summary>The measures.</summary>
    /// <param name="response">R, [features, features], row i the output's.</param>
    public IReadOnlyList<OutputFeature> Result(double[] response)
    {
        var result = new OutputFeature[features];
        for (int i = 0; i < features; i++)
        {
            double spread = _targetSquare[i] - (_target[i] * _target[i] / _samples);
            double own = response[(i * features) + i], all = 0;
            foreach (double value in response.AsSpan(i * features, features))
                all += value * value;
            result[i] = new OutputFeature(_error[i] / _samples, spread > 0 ? 1 - (_error[i] / spread) : double.NaN, own, all - (own * own));
        }

        return result;
    }
}
