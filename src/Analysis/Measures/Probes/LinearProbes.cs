using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;

namespace ToyPipeline.Analysis.Measures;

/// <summary>How well each feature can be read from the hidden activations by a linear probe.</summary>
/// <param name="R2">
/// Of each feature's probe, on held-out samples: <c>R² = 1 − Σ (x_i − x̂_i)² / Σ (x_i − x̄_i)²</c> with x̄_i the mean over the held-out samples;
/// not a number where the feature does not vary on the samples. [features]
/// </param>
public sealed record LinearProbes(IReadOnlyList<double> R2)
{
    /// <summary>Trains one probe a feature, <c>x̂_i = a_i·h + c_i</c>, by least squares (ML.NET's SDCA), and tests it.</summary>
    /// <param name="x">Samples, [samples][features].</param>
    /// <param name="hidden">Their hidden activations, [samples][hidden].</param>
    /// <param name="trained">The first so many samples train; the others are held out.</param>
    /// <param name="cancellation">Stops between probes.</param>
    /// <remarks>The result does not depend on the number of threads: each probe is trained by one of them, from a seed of its own.</remarks>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static LinearProbes Train(IReadOnlyList<float[]> x, IReadOnlyList<float[]> hidden, int trained, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(hidden);
        ArgumentOutOfRangeException.ThrowIfLessThan(trained, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(trained, x.Count);
        double[] r2 = new double[x[0].Length];
        float[][] white = Whitening.Of(hidden, trained);
        // One after the other: ML.NET fills its caches on pool threads, and trainers that block the pool wait for them by the second.
        for (int i = 0; i < r2.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            r2[i] = Probe([.. x.Select(row => row[i])], white, trained);
        }

        return new LinearProbes(r2);
    }

    private static double Probe(float[] feature, float[][] hidden, int trained)
    {
        // R² does not mind the scale of the label; the trainer's tolerance does.
        var (mean, deviation) = MeanAndDeviation(feature.AsSpan(0, trained));
        if (deviation == 0 || MeanAndDeviation(feature.AsSpan(trained)).Deviation == 0)
            return double.NaN;
        var ml = new MLContext(seed: 1);
        var schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Hidden)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, hidden[0].Length);
        var rows = hidden.Zip(feature, (h, value) => new Row { Hidden = h, Label = (float)((value - mean) / deviation) }).ToArray();
        var trainer = ml.Regression.Trainers.Sdca(new SdcaRegressionTrainer.Options
        {
            FeatureColumnName = nameof(Row.Hidden),
            // On white inputs a penalty λ shrinks every weight by about λ, and R² by λ² of itself.
            L2Regularization = 1e-2f,
            L1Regularization = 0,
            ConvergenceTolerance = 1e-3f,
            ConvergenceCheckFrequency = 5,
            MaximumNumberOfIterations = 30,
            NumberOfThreads = 1,
        });
        using var probe = trainer.Fit(ml.Data.LoadFromEnumerable(rows[..trained], schema));
        var heldOut = probe.Transform(ml.Data.LoadFromEnumerable(rows[trained..], schema));
        return ml.Regression.Evaluate(heldOut).RSquared;
    }

    private static (double Mean, double Deviation) MeanAndDeviation(ReadOnlySpan<float> values)
    {
        double sum = 0, squares = 0;
        foreach (float value in values)
            sum += value;
        double mean = sum / values.Length;
        foreach (float value in values)
            squares += (value - mean) * (value - mean);
        return (mean, Math.Sqrt(squares / values.Length));
    }

    private sealed class Row
    {
        public float[] Hidden { get; set; } = [];

        public float Label { get; set; }
    }
}
