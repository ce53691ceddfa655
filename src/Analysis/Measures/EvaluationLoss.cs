using System.Runtime.Intrinsics;
using Microsoft.ML;
using Microsoft.ML.Data;
using ToyPipeline.Analysis.Data;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Measures;

/// <summary>An importance-weighted loss estimated on samples.</summary>
/// <param name="Mean"><c>L = mean over samples and features of I_i (target_i − reconstruction_i)²</c>.</param>
/// <param name="StandardError">Standard deviation of a sample's loss over the root of the number of samples; 0 for a single sample.</param>
/// <param name="Samples">Number of samples.</param>
public readonly record struct LossEstimate(double Mean, double StandardError, long Samples)
{
    /// <summary>The loss of each feature, in order.</summary>
    public IReadOnlyList<FeatureLoss> LossPerFeature { get; init; } = [];
}

/// <summary>The loss of one feature, estimated on samples.</summary>
/// <param name="Mean"><c>mean over samples of (target_i − reconstruction_i)²</c>.</param>
/// <param name="StandardError">Standard deviation of a sample's squared error over the root of the number of samples; 0 for a single sample.</param>
/// <param name="Importance">I_i.</param>
public readonly record struct FeatureLoss(double Mean, double StandardError, double Importance)
{
    /// <summary>Its importance-weighted loss, <c>I_i · Mean</c>; the mean over features is L.</summary>
    public double Weighted => Importance * Mean;

    /// <summary>Standard error of <see cref="Weighted"/>.</summary>
    public double WeightedStandardError => Importance * StandardError;
}

/// <summary>Adds up the importance-weighted loss of one instance, sample by sample, in double; the same samples in the same order give the same bits.</summary>
public sealed class EvaluationLoss
{
    private const int Width = 4;

    private readonly double[] _importance;
    private readonly bool _absolute;
    // Of each feature's squared error: sum, and sum of squares.
    private readonly double[] _featureSum;
    private readonly double[] _featureSquares;
    private long _samples;
    private double _sum;
    private double _squares;

    /// <summary>The loss of a model of kind <paramref name="kind"/>; the target is x, of <c>absolute-value</c> it is |x|.</summary>
    /// <param name="kind">Architecture.</param>
    /// <param name="importance">I_i, length n.</param>
    public EvaluationLoss(ModelKind kind, IEnumerable<double> importance)
    {
        _importance = [.. importance];
        _absolute = kind == ModelKind.AbsoluteValue;
        _featureSum = new double[_importance.Length];
        _featureSquares = new double[_importance.Length];
    }

    /// <summary>The estimate so far; not a number before the first sample.</summary>
    public LossEstimate Estimate
    {
        get
        {
            var (mean, error) = MeanAndError(_sum, _squares);
            var features = new FeatureLoss[_importance.Length];
            for (int i = 0; i < features.Length; i++)
            {
                var (featureMean, featureError) = MeanAndError(_featureSum[i], _featureSquares[i]);
                features[i] = new FeatureLoss(featureMean, featureError, _importance[i]);
            }

            return new LossEstimate(mean, error, _samples) { LossPerFeature = features };
        }
    }

    /// <summary>The loss over the rows of a scored view, whatever scored it: <c>ScoreToyModel</c>, <c>ApplyOnnxModel</c>, …</summary>
    /// <param name="scored">A view with both columns.</param>
    /// <param name="kind">Architecture.</param>
    /// <param name="importance">I_i, length n.</param>
    /// <param name="features">Column with the samples.</param>
    /// <param name="reconstruction">Column with the model's output.</param>
    /// <exception cref="InvalidInputException">A column is missing, or no float32 vector of n values.</exception>
    public static LossEstimate Of(
        IDataView scored, ModelKind kind, IReadOnlyList<double> importance, string features = DatasetCatalog.FeaturesColumn, string reconstruction = "reconstruction")
    {
        ArgumentNullException.ThrowIfNull(scored);
        ArgumentNullException.ThrowIfNull(importance);
        var x = VectorColumn.Require(scored.Schema, features, importance.Count);
        var y = VectorColumn.Require(scored.Schema, reconstruction, importance.Count);
        var loss = new EvaluationLoss(kind, importance);
        using var cursor = scored.GetRowCursor([x, y]);
        var getX = cursor.GetGetter<VBuffer<float>>(x);
        var getY = cursor.GetGetter<VBuffer<float>>(y);
        VBuffer<float> bufferX = default, bufferY = default;
        float[] denseX = new float[importance.Count], denseY = new float[importance.Count];
        while (cursor.MoveNext())
        {
            getX(ref bufferX);
            getY(ref bufferY);
            bufferX.CopyTo(denseX);
            bufferY.CopyTo(denseY);
            loss.Add(denseX, denseY);
        }

        return loss.Estimate;
    }

    /// <summary>Adds one sample.</summary>
    /// <param name="x">The sample, [features].</param>
    /// <param name="y">The model's output, [features].</param>
    public void Add(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        var importance = _importance.AsSpan();
        int n = importance.Length;
        x = x[..n];
        y = y[..n];
        var featureSum = _featureSum.AsSpan(0, n);
        var featureSquares = _featureSquares.AsSpan(0, n);
        // Four lanes of one width on every machine, so that the sum has one order on all of them.
        var lanes = Vector256<double>.Zero;
        int i = 0;
        for (; i <= n - Width; i += Width)
        {
            var target = Widen(x, i);
            var error = (_absolute ? Vector256.Abs(target) : target) - Widen(y, i);
            var square = error * error;
            lanes += Vector256.Create<double>(importance[i..]) * square;
            (Vector256.Create<double>(featureSum[i..]) + square).CopyTo(featureSum[i..]);
            (Vector256.Create<double>(featureSquares[i..]) + (square * square)).CopyTo(featureSquares[i..]);
        }

        double sum = Vector256.Sum(lanes);
        for (; i < n; i++)
        {
            double error = (_absolute ? Math.Abs(x[i]) : x[i]) - (double)y[i];
            double square = error * error;
            sum += importance[i] * square;
            featureSum[i] += square;
            featureSquares[i] += square * square;
        }

        double loss = sum / n;
        _samples++;
        _sum += loss;
        _squares += loss * loss;
    }

    private static Vector256<double> Widen(ReadOnlySpan<float> values, int at)
    {
        var (lower, upper) = Vector128.Widen(Vector128.Create(values[at..]));
        return Vector256.Create(lower, upper);
    }

    private (double Mean, double StandardError) MeanAndError(double sum, double squares)
    {
        double mean = sum / _samples;
        double variance = _samples > 1 ? Math.Max(0, (squares - (sum * mean)) / (_samples - 1)) : 0;
        return (mean, Math.Sqrt(variance / _samples));
    }
}
