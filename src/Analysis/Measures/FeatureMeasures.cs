using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Measures;

/// <summary>The measures of one instance's weights, as functions of its interference matrix G [features, features].</summary>
/// <remarks>
/// <para>
/// Of the tied models (<c>linear</c>, <c>relu-output</c>, <c>relu-hidden</c>) <c>G = W·Wᵀ</c>, so that <c>G_ii = ‖W_i‖²</c> and
/// <c>G_ij / √G_ii = Ŵ_i·W_j</c>: every measure of PAPER.md is a function of G.
/// </para>
/// <para>
/// The <c>absolute-value</c> model has an encoder W1 and a decoder W2, and neither alone says how strongly a feature is represented: a hidden
/// unit's input weights can be doubled and its output weights halved without changing the model. <c>W2·W1ᵀ</c> will not do either: the ideal
/// pair of a +x and a −x neuron cancels in it. Its G is the mean response of output i's preactivation to input j alone at x_j = ±1,
/// <c>G_ij = ½ Σ_k |W1_jk| W2_ik</c>, which is invariant under that scaling and is the identity for ideal pairs.
/// </para>
/// </remarks>
public static class FeatureMeasures
{
    /// <summary>A feature counts as represented when its norm is at least this.</summary>
    public const double RepresentedNorm = 0.5;

    /// <summary>The interference matrix of one instance of a pack, [features, features].</summary>
    public static double[] InterferenceMatrix(EnsembleWeights weights, int place)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return weights.Kind == ModelKind.AbsoluteValue
            ? InterferenceMatrix(weights.WOf(place), weights.DecoderOf(place), weights.Features, weights.Hidden)
            : GramMatrix(weights.WOf(place), weights.Features, weights.Hidden);
    }

    /// <summary><c>G = W·Wᵀ</c>, [features, features], accumulated in double.</summary>
    /// <param name="w">W, [features, hidden].</param>
    /// <param name="features">n.</param>
    /// <param name="hidden">m.</param>
    /// <exception cref="ArgumentException">The length of <paramref name="w"/> is not n·m.</exception>
    public static double[] GramMatrix(ReadOnlySpan<float> w, int features, int hidden)
    {
        CheckLength(w.Length, features, hidden);
        double[] g = new double[features * features];
        for (int i = 0; i < features; i++)
        {
            var wi = w.Slice(i * hidden, hidden);
            for (int j = i; j < features; j++)
            {
                var wj = w.Slice(j * hidden, hidden);
                double dot = 0;
                for (int k = 0; k < hidden; k++)
                    dot += (double)wi[k] * wj[k];
                g[(i * features) + j] = dot;
                g[(j * features) + i] = dot;
            }
        }

        return g;
    }

    /// <summary><c>G_ij = ½ Σ_k |W1_jk| W2_ik</c> of the absolute-value model, [features, features], accumulated in double.</summary>
    /// <param name="w1">W1, [features, hidden].</param>
    /// <param name="w2">W2, [features, hidden].</param>
    /// <param name="features">n.</param>
    /// <param name="hidden">m.</param>
    /// <exception cref="ArgumentException">A length is not n·m.</exception>
    public static double[] InterferenceMatrix(ReadOnlySpan<float> w1, ReadOnlySpan<float> w2, int features, int hidden)
    {
        CheckLength(w1.Length, features, hidden);
        CheckLength(w2.Length, features, hidden);
        double[] g = new double[features * features];
        for (int i = 0; i < features; i++)
        {
            var output = w2.Slice(i * hidden, hidden);
            for (int j = 0; j < features; j++)
            {
                var input = w1.Slice(j * hidden, hidden);
                double sum = 0;
                for (int k = 0; k < hidden; k++)
                    sum += Math.Abs((double)input[k]) * output[k];
                g[(i * features) + j] = 0.5 * sum;
            }
        }

        return g;
    }

    /// <summary><c>‖W_i‖ = √G_ii</c>; 0 where G_ii is negative, which only the absolute-value model can have.</summary>
    public static double Norm(ReadOnlySpan<double> g, int features, int i) => Math.Sqrt(Math.Max(0, g[(i * features) + i]));

    /// <summary>Superposition of feature i, <c>Σ_{j≠i} (Ŵ_i·W_j)² = Σ_{j≠i} G_ij² / G_ii</c>; 0 where the norm is 0.</summary>
    public static double Superposition(ReadOnlySpan<double> g, int features, int i)
    {
        double own = g[(i * features) + i];
        return own > 0 ? (RowSquare(g, features, i) - (own * own)) / own : 0;
    }

    /// <summary>Dimensionality of feature i, <c>D_i = ‖W_i‖² / Σ_j (Ŵ_i·W_j)² = G_ii² / Σ_j G_ij²</c>; 0 where the norm is 0.</summary>
    public static double Dimensionality(ReadOnlySpan<double> g, int features, int i)
    {
        double own = g[(i * features) + i];
        return own > 0 ? own * own / RowSquare(g, features, i) : 0;
    }

    /// <summary><c>‖W‖_F² = Σ_i G_ii</c>.</summary>
    public static double SquaredFrobeniusNorm(ReadOnlySpan<double> g, int features)
    {
        double sum = 0;
        for (int i = 0; i < features; i++)
            sum += g[(i * features) + i];
        return sum;
    }

    /// <summary>Dimensions per feature, <c>D* = m / ‖W‖_F²</c>; infinite where all weights are 0.</summary>
    public static double DimensionsPerFeature(ReadOnlySpan<double> g, int features, int hidden) => hidden / SquaredFrobeniusNorm(g, features);

    /// <summary>Features per dimension, <c>‖W‖_F² / m</c>.</summary>
    public static double FeaturesPerDimension(ReadOnlySpan<double> g, int features, int hidden) => SquaredFrobeniusNorm(g, features) / hidden;

    /// <summary>Largest <c>|G_ij − E_ij|</c> with <c>E_ii = 1</c> for a represented feature and 0 everywhere else: 0 where G keeps some features exactly and drops the others.</summary>
    public static double IdentityError(ReadOnlySpan<double> g, int features)
    {
        double error = 0;
        for (int i = 0; i < features; i++)
        {
            for (int j = 0; j < features; j++)
            {
                double expected = i == j && Norm(g, features, i) >= RepresentedNorm ? 1 : 0;
                error = Math.Max(error, Math.Abs(g[(i * features) + j] - expected));
            }
        }

        return error;
    }

    private static double RowSquare(ReadOnlySpan<double> g, int features, int i)
    {
        double sum = 0;
        foreach (double value in g.Slice(i * features, features))
            sum += value * value;
        return sum;
    }

    private static void CheckLength(int length, int features, int hidden)
    {
        if (length != features * hidden)
            throw new ArgumentException($"Weights [features, hidden] = [{features}, {hidden}] have {features * hidden} values; {length} came.");
    }
}
