using CsCheck;
using Microsoft.ML.OnnxRuntime;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Export.Tests;

public class ForwardTests
{
    private static readonly string[] s_outputs = ["hidden", "preactivation", "reconstruction"];

    [Test]
    public void Both_files_compute_the_forward_pass() =>
        Gen.Select(TestWeights.Any, Gen.Int[1, 9], Gen.Int).Sample((weights, batch, seed) => AssertForward(weights, batch, seed), iter: 60);

    [Test]
    public void Large_shapes_compute_the_forward_pass([Values] ModelKind kind) =>
        AssertForward(TestWeights.Random(kind, instances: 3, features: 400, hidden: 30), batch: 33, seed: 7);

    [Test]
    public void One_session_takes_any_batch()
    {
        var weights = TestWeights.Random(ModelKind.ReluOutput, 2, 5, 2);
        using var session = Session(TestWeights.Ensemble(weights));
        foreach (int batch in new[] { 1, 1000, 3 })
            Assert.That(Run(session, new float[batch * 10], batch, 2, 5)["hidden"], Has.Length.EqualTo(batch * 2 * 2));
    }

    private static void AssertForward(EnsembleWeights weights, int batch, int seed)
    {
        int count = weights.Instances.Count, n = weights.Features;
        float[] x = TestWeights.Values(new Random(seed), batch * count * n); // [batch, instances, features]
        using var ensembleSession = Session(TestWeights.Ensemble(weights));
        var ensemble = Run(ensembleSession, x, batch, count, n);
        for (int place = 0; place < count; place++)
        {
            float[] own = [.. Enumerable.Range(0, batch).SelectMany(sample => x.AsSpan(((sample * count) + place) * n, n).ToArray())]; // [batch, features]
            using var session = Session(TestWeights.Instance(weights, place));
            var single = Run(session, own, batch, n);
            for (int sample = 0; sample < batch; sample++)
            {
                var (hidden, preactivation, reconstruction) = PlainForward.Run(weights, place, own.AsSpan(sample * n, n));
                foreach (var (name, expected) in s_outputs.Zip([hidden, preactivation, reconstruction]))
                {
                    int size = expected.Length;
                    AssertClose(single[name].AsSpan(sample * size, size), expected, Scale(weights, place), $"{weights.Kind} {name}, instance file");
                    AssertClose(ensemble[name].AsSpan(((sample * count) + place) * size, size), expected, Scale(weights, place), $"{weights.Kind} {name}, ensemble file");
                }
            }
        }
    }

    // Rounding grows with the magnitude of what is summed: |W2| |W1|ᵀ 1 + |b| bounds every sum for |x| <= 1.
    private static double Scale(EnsembleWeights weights, int place)
    {
        var magnitude = weights with
        {
            Kind = ModelKind.Linear,
            W = [.. weights.W.Select(Math.Abs)],
            W2 = weights.W2?.Select(Math.Abs).ToArray(),
            B = [.. weights.B.Select(Math.Abs)],
        };
        float[] ones = [.. Enumerable.Repeat(1f, weights.Features)];
        var (h, z, _) = PlainForward.Run(magnitude, place, ones);
        return Math.Max(1, Math.Max(h.Max(), z.Max()));
    }

    private static void AssertClose(ReadOnlySpan<float> actual, double[] expected, double scale, string what)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            if (!(Math.Abs(actual[i] - expected[i]) <= 1e-6 * scale))
                Assert.Fail($"{what}: {actual[i]} at {i} where {expected[i]} is expected, scale {scale}.");
        }
    }

    private static InferenceSession Session(byte[] model)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        return new InferenceSession(model, options);
    }

    private static Dictionary<string, float[]> Run(InferenceSession session, float[] x, params int[] shape)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(x, [.. shape.Select(size => (long)size)]);
        using var options = new RunOptions();
        using var outputs = session.Run(options, ["x"], [input], s_outputs);
        return s_outputs.Zip(outputs).ToDictionary(pair => pair.First, pair => pair.Second.GetTensorDataAsSpan<float>().ToArray());
    }
}
