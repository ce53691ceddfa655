using System.Security.Cryptography;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;

namespace ToyPipeline.Analysis.Tests;

/// <summary>A folder for one test, gone afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("toypipeline-analysis-").FullName;

    public string File(string name) => Path.Combine(Root, name);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

internal static class TestData
{
    /// <summary>Uniform samples where each feature is present with the given density, [samples, features].</summary>
    public static float[] Samples(int samples, int features, double density, int seed = 1, bool signed = false)
    {
        var random = new Random(seed);
        float[] x = new float[samples * features];
        for (int k = 0; k < x.Length; k++)
            x[k] = random.NextDouble() < density ? (float)((random.NextDouble() * (signed ? 2 : 1)) - (signed ? 1 : 0)) : 0;
        return x;
    }

    /// <summary>Writes samples as a dataset folder with shards of the given size.</summary>
    public static DatasetManifest WriteDataset(string folder, float[] x, int features, int shardSize, DataSpec? data = null, ulong seed = 0)
    {
        Directory.CreateDirectory(folder);
        int samples = x.Length / features;
        var shards = new List<DatasetShard>();
        for (int first = 0; first < samples; first += shardSize)
        {
            var matrix = ToCsr(x.AsSpan(first * features, Math.Min(shardSize, samples - first) * features), features);
            string file = $"shard-{shards.Count:D5}.npz";
            AtomicFile.Write(Path.Combine(folder, file), stream => CsrNpz.Save(matrix, stream));
            string digest = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, file))));
            shards.Add(new DatasetShard(file, matrix.Rows, matrix.Entries, digest));
        }

        var manifest = new DatasetManifest(features, samples, seed, RandomStream.Evaluation, data ?? Distribution(features, 1), shards);
        manifest.Save(folder);
        return manifest;
    }

    public static DataSpec Distribution(int features, double density) => new([.. Enumerable.Repeat(density, features)], ValueRange.Unit, [], null);

    /// <summary>Random weights of every kind.</summary>
    public static EnsembleWeights Weights(ModelKind kind, int instances, int features, int hidden, int seed = 7)
    {
        var random = new Random(seed);
        float[] Values(int count, double scale) => [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() - 0.4) * scale))];
        return new EnsembleWeights
        {
            Kind = kind,
            Features = features,
            Hidden = hidden,
            Instances = [.. Enumerable.Range(0, instances).Select(i => new Instance(i, new Cell(i, []), 0, (ulong)i))],
            W = Values(instances * features * hidden, 1),
            W2 = kind == ModelKind.AbsoluteValue ? Values(instances * features * hidden, 1) : null,
            B = Values(instances * features, 0.2),
        };
    }

    /// <summary>The forward pass of PAPER.md, plainly, in double.</summary>
    public static (double[] Reconstruction, double[] Hidden, double[] Preactivation) Forward(EnsembleWeights weights, int place, ReadOnlySpan<float> x) =>
        Forward(weights, place, Array.ConvertAll(x.ToArray(), value => (double)value));

    /// <inheritdoc cref="Forward(EnsembleWeights, int, ReadOnlySpan{float})"/>
    public static (double[] Reconstruction, double[] Hidden, double[] Preactivation) Forward(EnsembleWeights weights, int place, double[] x)
    {
        int n = weights.Features;
        int m = weights.Hidden;
        var encoder = weights.WOf(place);
        var decoder = weights.DecoderOf(place);
        double[] h = new double[m], z = new double[n], y = new double[n];
        bool reluHidden = weights.Kind is ModelKind.ReluHidden or ModelKind.AbsoluteValue;
        for (int k = 0; k < m; k++)
        {
            for (int i = 0; i < n; i++)
                h[k] += (double)encoder[(i * m) + k] * x[i];
            h[k] = reluHidden ? Math.Max(0, h[k]) : h[k];
        }

        for (int i = 0; i < n; i++)
        {
            z[i] = weights.BOf(place)[i];
            for (int k = 0; k < m; k++)
                z[i] += decoder[(i * m) + k] * h[k];
            y[i] = weights.Kind == ModelKind.Linear ? z[i] : Math.Max(0, z[i]);
        }

        return (y, h, z);
    }

    public static Csr ToCsr(ReadOnlySpan<float> x, int features)
    {
        var starts = new List<int> { 0 };
        var columns = new List<int>();
        var values = new List<float>();
        for (int k = 0; k < x.Length; k++)
        {
            if (x[k] != 0)
            {
                columns.Add(k % features);
                values.Add(x[k]);
            }

            if (k % features == features - 1)
                starts.Add(columns.Count);
        }

        return new Csr(features, starts.ToArray(), columns.ToArray(), values.ToArray());
    }
}
