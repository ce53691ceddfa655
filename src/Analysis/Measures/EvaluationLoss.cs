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
public readonly record struct LossEstimate(double Mean, double StandardError, long Samples);

/// <summary>Adds up the importance-weighted loss of one instance, sample by sample, in double; the same samples in the same order give the same bits.</summary>
public sealed class EvaluationLoss
{
    private readonly double[] _importance;
    private readonly bool _absolute;
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
    }

    /// <summary>The estimate so far; not a number before the first sample.</summary>
    public LossEstimate Estimate
    {
        get
        {
            double mean = _sum / _samples;
            double variance = _samples > 1 ? Math.Max(0, (_squares - (_sum * mean)) / (_samples - 1)) : 0;
            return new LossEstimate(mean, Math.Sqrt(variance / _samples), _samples);
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
        var x = Checked(features);
        var y = Checked(reconstruction);
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

        DataViewSchema.Column Checked(string name)
        {
            var column = VectorColumn.Require(scored.Schema, name);
            return VectorColumn.Size(column) == importance.Count
                ? column
                : throw new InvalidInputException($"Column {name} has vectors of {VectorColumn.Size(column)} values for {importance.Count} features.");
        }
    }

    /// <summary>Adds one sample.</summary>
    /// <param name="x">The sample, [features].</param>
    /// <param name="y">The model's output, [features].</param>
    public void Add(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        var importance = _importance.AsSpan();
        x = x[..importance.Length];
        y = y[..importance.Length];
        double sum = 0;
        for (int i = 0; i < importance.Length; i++)
        {
            double error = (_absolute ? Math.Abs(x[i]) : x[i]) - (double)y[i];
            sum += importance[i] * error * error;
        }

        double loss = sum / importance.Length;
        _samples++;
        _sum += loss;
        _squares += loss * loss;
    }
}
