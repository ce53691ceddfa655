using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;

namespace ToyPipeline.Training.Tests;

/// <summary>Small experiments to train.</summary>
internal static class Small
{
    // On a busy machine libtorch's threads wait for each other longer than these models take.
    static Small() => TorchSharp.torch.set_num_threads(1);

    public static Experiment Experiment(string text) => Core.Experiments.Experiment.Parse(text, "small.yaml");

    public static Experiment Experiment(ModelKind kind, int features, int hidden, string rest) =>
        Experiment($"name: small\nmodel: {{ kind: {Kind(kind)}, features: {features}, hidden: {hidden} }}\n{rest}\n");

    public static string Kind(ModelKind kind) => kind switch
    {
        ModelKind.Linear => "linear",
        ModelKind.ReluOutput => "relu-output",
        ModelKind.ReluHidden => "relu-hidden",
        _ => "absolute-value",
    };

    /// <summary>The only pack of an experiment.</summary>
    public static Ensemble Ensemble(Experiment experiment) =>
        Training.Ensemble.Create(new Grid(experiment).Packs().Single(), _ => throw new InvalidOperationException("No dataset."));

    /// <summary>The whole training run of every pack, parameters by instance: W, W2 and b one after the other.</summary>
    public static SortedDictionary<int, float[]> Train(Experiment experiment, int packSize, Func<CellSpec, TrainingDataset>? dataset = null)
    {
        var results = new SortedDictionary<int, float[]>();
        foreach (var pack in new Grid(experiment).Packs(packSize))
        {
            using var ensemble = Training.Ensemble.Create(pack, dataset ?? (_ => throw new InvalidOperationException("No dataset.")));
            using var objective = new AutogradObjective(ensemble);
            Trainer.Run(ensemble, objective, _ => { }, default);
            var weights = ensemble.Weights("");
            for (int i = 0; i < pack.Instances.Count; i++)
                results[pack.Instances[i].Index] = Parameters(weights, i);
        }

        return results;
    }

    public static float[] Parameters(EnsembleWeights weights, int place) =>
        [.. weights.WOf(place), .. weights.W2 is null ? [] : weights.DecoderOf(place), .. weights.BOf(place)];

    /// <summary>Numbers between −1 and 1 that a seed decides.</summary>
    public static float[] Numbers(ulong seed, int count) =>
        [.. Enumerable.Range(0, count).Select(i => (float)((2 * RandomNumbers.Uniform(seed, RandomStream.Analysis, i, 0)) - 1))];
}

/// <summary>The four models and their loss as the paper writes them: plain loops in double precision, one instance.</summary>
internal sealed record PlainModel(ModelSpec Spec, double[] W, double[]? W2, double[] B)
{
    public (double[] Hidden, double[] Preactivation, double[] Reconstruction) Run(ReadOnlySpan<float> x)
    {
        var (kind, n, m) = Spec;
        double[] h = new double[m], z = new double[n], y = new double[n];
        for (int k = 0; k < m; k++)
        {
            for (int i = 0; i < n; i++)
                h[k] += W[(i * m) + k] * x[i];
            if (kind is ModelKind.ReluHidden or ModelKind.AbsoluteValue)
                h[k] = Math.Max(0, h[k]);
        }

        double[] decoder = W2 ?? W;
        for (int i = 0; i < n; i++)
        {
            z[i] = B[i];
            for (int k = 0; k < m; k++)
                z[i] += decoder[(i * m) + k] * h[k];
            y[i] = kind == ModelKind.Linear ? z[i] : Math.Max(0, z[i]);
        }

        return (h, z, y);
    }

    /// <summary>L = mean over samples and features of I_i (target_i − x'_i)².</summary>
    public double Loss(float[] rows, IReadOnlyList<double> importance)
    {
        int n = Spec.Features;
        double sum = 0;
        for (int start = 0; start < rows.Length; start += n)
        {
            var x = rows.AsSpan(start, n);
            double[] y = Run(x).Reconstruction;
            for (int i = 0; i < n; i++)
            {
                double target = Spec.Kind == ModelKind.AbsoluteValue ? Math.Abs(x[i]) : x[i];
                sum += importance[i] * (target - y[i]) * (target - y[i]);
            }
        }

        return sum / rows.Length;
    }

    /// <summary>The gradient by central differences, in the order W, W2, b.</summary>
    public double[] Gradient(float[] rows, IReadOnlyList<double> importance)
    {
        const double Step = 1e-6;
        var gradient = new List<double>();
        foreach (double[] parameter in new[] { W, W2, B }.OfType<double[]>())
        {
            for (int p = 0; p < parameter.Length; p++)
            {
                double value = parameter[p];
                parameter[p] = value + Step;
                double above = Loss(rows, importance);
                parameter[p] = value - Step;
                double below = Loss(rows, importance);
                parameter[p] = value;
                gradient.Add((above - below) / (2 * Step));
            }
        }

        return [.. gradient];
    }
}
