using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;
using ToyPipeline.Training.Fused;
using static TorchSharp.torch;

namespace ToyPipeline.Training.Tests;

/// <summary>Ensembles made by hand, and the objectives that train them.</summary>
internal static class Ensembles
{
    public static OptimizerSpec AdamW { get; } = new(OptimizerKind.AdamW, 1e-3, 0.01, 0.9, 0.999, 1e-8, 0);

    /// <summary>
    /// The instruction sets whose kernels run here. Without AVX-512 its kernels go through .NET's software fallback:
    /// slow, and a test of their code all the same. The sampler has a set of its own, which is always one of the processor's.
    /// </summary>
    public static IReadOnlyList<InstructionSet> Sets { get; } =
        Simd.Supported.Contains(InstructionSet.Avx2) ? [.. Simd.Supported.Union([InstructionSet.Avx512])] : Simd.Supported;

    public static TrainingSpec Training(int batch, int steps = 10_000, OptimizerSpec? optimizer = null, Schedule schedule = Schedule.Constant) =>
        new(ObjectiveKind.Auto, steps, batch, optimizer ?? AdamW, schedule, new HistorySpec(0, 0, SnapshotSpacing.Linear));

    public static DataSpec Data(int features, double density, ValueRange range = ValueRange.Unit, IReadOnlyList<FeatureSet>? sets = null, int? samples = null) =>
        new([.. Enumerable.Repeat(density, features)], range, sets ?? [], samples);

    /// <summary>An ensemble at its initialization, all instances of one cell; biases are drawn instead of 0, so that outputs are on and off.</summary>
    public static Ensemble Create(CellSpec cell, int instances, ulong seed, double bias = 0.2, string? dataset = null)
    {
        var only = new Cell(0, []);
        var pack = new Pack(
            0,
            [.. Enumerable.Range(0, instances).Select(i => new Instance(i, only, i, seed + (ulong)i))],
            [.. Enumerable.Repeat(cell, instances)]);
        var ensemble = Ensemble.Create(pack, _ => TrainingDataset.Load(dataset!));
        var random = new Random((int)seed);
        float[] values = [.. Enumerable.Range(0, instances * cell.Model.Features).Select(_ => (float)(bias * ((2 * random.NextDouble()) - 1)))];
        using var guard = no_grad();
        using var drawn = tensor(values).reshape(instances, cell.Model.Features);
        ensemble.Model.B.copy_(drawn);
        return ensemble;
    }

    /// <summary>Makes features ones that the model ignores: next to no weights, and a bias instead.</summary>
    public static void Ignore(Ensemble ensemble, Func<int, bool> feature, double bias)
    {
        var (_, n, m) = ensemble.Spec;
        float[] w = Ensemble.Values(ensemble.Model.W), b = Ensemble.Values(ensemble.Model.B);
        for (int row = 0; row < b.Length; row++)
        {
            if (!feature(row % n))
                continue;
            for (int k = 0; k < m; k++)
                w[(row * m) + k] *= 0.1f;
            b[row] = (float)bias;
        }

        using var guard = no_grad();
        using var weights = tensor(w).reshape(ensemble.Instances, n, m);
        using var biases = tensor(b).reshape(ensemble.Instances, n);
        ensemble.Model.W.copy_(weights);
        ensemble.Model.B.copy_(biases);
    }

    /// <summary>The fused objective with the kernels of an instruction set.</summary>
    public static FusedObjective Fused(Ensemble ensemble, InstructionSet set, int threads = 2) => new(ensemble, set, threads);

    /// <summary>All parameters: W, W2 where there is one, b.</summary>
    public static float[] Parameters(Ensemble ensemble) =>
        [.. Ensemble.Values(ensemble.Model.W), .. ensemble.Model.W2 is { } w2 ? Ensemble.Values(w2) : [], .. Ensemble.Values(ensemble.Model.B)];

    /// <summary>‖a − b‖.</summary>
    public static double Distance(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int e = 0; e < b.Length; e++)
            sum += Math.Pow((double)a[e] - b[e], 2);
        return Math.Sqrt(sum);
    }

    /// <summary>‖a‖.</summary>
    public static double Norm(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values)
            sum += (double)value * value;
        return Math.Sqrt(sum);
    }
}
