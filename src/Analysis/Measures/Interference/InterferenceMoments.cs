using Microsoft.ML;
using Microsoft.ML.Data;
using ToyPipeline.Analysis.Data;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Measures;

/// <summary>
/// Adds up the interference of one instance, sample by sample, in double: <c>z_i(x) − z_i(x_i e_i)</c>, what the other features do to
/// output i's preactivation. For <c>linear</c> and <c>relu-output</c> that is <c>z_i − b_i − G_ii x_i = Σ_{j≠i} G_ij x_j</c>.
/// </summary>
/// <remarks>Memory: O(n), whatever the number of samples.</remarks>
public sealed class InterferenceMoments
{
    private readonly OwnResponse _own;
    private readonly double[] _sum;
    private readonly double[] _squares;
    private readonly double[] _worst;
    private readonly SignedMoments _positive;
    private readonly SignedMoments _negative;
    private long _samples;

    /// <summary>The interference of one instance of a pack.</summary>
    public InterferenceMoments(EnsembleWeights weights, int place)
    {
        ArgumentNullException.ThrowIfNull(weights);
        _own = OwnResponse.Of(weights, place);
        int n = weights.Features;
        (_sum, _squares, _worst) = (new double[n], new double[n], new double[n]);
        (_positive, _negative) = (new SignedMoments(n), new SignedMoments(n));
    }

    /// <summary>The statistics so far; not numbers before the first sample.</summary>
    public InterferenceStatistics Statistics => new()
    {
        Samples = _samples,
        Mean = [.. _sum.Select(sum => sum / _samples)],
        RootMeanSquare = [.. _squares.Select(squares => Math.Sqrt(squares / _samples))],
        Worst = _worst[..],
        Positive = _positive.Over(_samples),
        Negative = _negative.Over(_samples),
    };

    /// <summary>The statistics over the rows of a scored view, whatever scored it.</summary>
    /// <param name="scored">A view with both columns.</param>
    /// <param name="weights">The pack of the instance that scored it.</param>
    /// <param name="place">Its place in the pack.</param>
    /// <param name="features">Column with the samples.</param>
    /// <param name="preactivation">Column with the model's preactivation.</param>
    /// <exception cref="InvalidInputException">A column is missing, or no float32 vector of n values.</exception>
    public static InterferenceStatistics Of(
        IDataView scored, EnsembleWeights weights, int place, string features = DatasetCatalog.FeaturesColumn, string preactivation = "preactivation")
    {
        ArgumentNullException.ThrowIfNull(scored);
        ArgumentNullException.ThrowIfNull(weights);
        var moments = new InterferenceMoments(weights, place);
        var x = VectorColumn.Require(scored.Schema, features, weights.Features);
        var z = VectorColumn.Require(scored.Schema, preactivation, weights.Features);
        using var cursor = scored.GetRowCursor([x, z]);
        var getX = cursor.GetGetter<VBuffer<float>>(x);
        var getZ = cursor.GetGetter<VBuffer<float>>(z);
        VBuffer<float> bufferX = default, bufferZ = default;
        float[] denseX = new float[weights.Features], denseZ = new float[weights.Features];
        while (cursor.MoveNext())
        {
            getX(ref bufferX);
            getZ(ref bufferZ);
            bufferX.CopyTo(denseX);
            bufferZ.CopyTo(denseZ);
            moments.Add(denseX, denseZ);
        }

        return moments.Statistics;
    }

    /// <summary>Adds one sample.</summary>
    /// <param name="x">The sample, [features].</param>
    /// <param name="z">The model's preactivation, [features].</param>
    public void Add(ReadOnlySpan<float> x, ReadOnlySpan<float> z)
    {
        _samples++;
        for (int i = 0; i < _sum.Length; i++)
        {
            double value = _own.Interference(x[i], z[i], i);
            _sum[i] += value;
            _squares[i] += value * value;
            _worst[i] = Math.Max(_worst[i], Math.Abs(value));
            if (x[i] > 0)
                _positive.Add(i, x[i]);
            else if (x[i] < 0)
                _negative.Add(i, -x[i]);
        }
    }

    // Sum, sum of squares and largest value of max(0, ±x_i).
    private sealed class SignedMoments(int features)
    {
        private readonly double[] _sum = new double[features];
        private readonly double[] _squares = new double[features];
        private readonly double[] _largest = new double[features];

        public void Add(int i, double value)
        {
            _sum[i] += value;
            _squares[i] += value * value;
            _largest[i] = Math.Max(_largest[i], value);
        }

        public InputMoments Over(long samples) =>
            new([.. _sum.Select(sum => sum / samples)], [.. _squares.Select(squares => squares / samples)], _largest[..]);
    }
}
