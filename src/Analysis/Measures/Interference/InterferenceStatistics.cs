namespace ToyPipeline.Analysis.Measures;

/// <summary>Moments of one side of the inputs, max(0, x_i) or max(0, −x_i), over samples.</summary>
/// <param name="Mean">Mean, [features].</param>
/// <param name="MeanSquare">Mean of the squares, [features].</param>
/// <param name="Largest">Largest value, [features].</param>
public sealed record InputMoments(IReadOnlyList<double> Mean, IReadOnlyList<double> MeanSquare, IReadOnlyList<double> Largest);

/// <summary>The interference on a dataset's samples; <see cref="InterferenceMoments"/> says what it is.</summary>
public sealed record InterferenceStatistics
{
    /// <summary>Number of samples.</summary>
    public required long Samples { get; init; }

    /// <summary>Mean interference on each output, [features].</summary>
    public required IReadOnlyList<double> Mean { get; init; }

    /// <summary>Root of the mean square, [features].</summary>
    public required IReadOnlyList<double> RootMeanSquare { get; init; }

    /// <summary>Largest absolute value, [features].</summary>
    public required IReadOnlyList<double> Worst { get; init; }

    /// <summary>The inputs' positive side.</summary>
    public required InputMoments Positive { get; init; }

    /// <summary>The inputs' negative side.</summary>
    public required InputMoments Negative { get; init; }

    /// <summary>
    /// What input j contributes to output i's preactivation over the samples, <c>c = R^±_ij |x_j|</c> (<c>G_ij x_j</c> of <c>linear</c> and
    /// <c>relu-output</c>, where the contributions of all j ≠ i add up to the interference): its mean, RMS and largest absolute value.
    /// </summary>
    /// <param name="response">Responses of the model that was measured.</param>
    /// <returns>Matrices [features, features], row i the output, 0 on the diagonal.</returns>
    public (float[] Mean, float[] RootMeanSquare, float[] Worst) Pairs(ResponseMatrix response)
    {
        ArgumentNullException.ThrowIfNull(response);
        int n = response.Features;
        float[] mean = new float[n * n], rms = new float[n * n], worst = new float[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                if (i == j)
                    continue;
                int at = (i * n) + j;
                double up = response.Positive[at];
                double down = response.Negative[at];
                mean[at] = (float)((up * Positive.Mean[j]) + (down * Negative.Mean[j]));
                rms[at] = (float)Math.Sqrt((up * up * Positive.MeanSquare[j]) + (down * down * Negative.MeanSquare[j]));
                worst[at] = (float)Math.Max(Math.Abs(up) * Positive.Largest[j], Math.Abs(down) * Negative.Largest[j]);
            }
        }

        return (mean, rms, worst);
    }
}
