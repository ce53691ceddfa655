using CsCheck;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Export.Tests;

/// <summary>Random weights of every kind and shape.</summary>
internal static class TestWeights
{
    public static readonly Gen<EnsembleWeights> Any =
        from kind in Gen.Enum<ModelKind>()
        from instances in Gen.Int[1, 5]
        from features in Gen.Int[1, 24]
        from hidden in Gen.Int[1, 12]
        from seed in Gen.Int
        select Random(kind, instances, features, hidden, seed);

    public static EnsembleWeights Random(ModelKind kind, int instances, int features, int hidden, int seed = 1)
    {
        var random = new Random(seed);
        return new EnsembleWeights
        {
            Kind = kind,
            Features = features,
            Hidden = hidden,
            Instances = [.. Enumerable.Range(0, instances).Select(i => new Instance(10 + i, new Cell(i, [new("data.sparsity", "0.9")]), i, 1UL << 63))],
            W = Values(random, instances * features * hidden),
            W2 = kind == ModelKind.AbsoluteValue ? Values(random, instances * features * hidden) : null,
            B = Values(random, instances * features),
            Experiment = "name: test\ntitle: Prüfung\n",
        };
    }

    public static float[] Values(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];

    public static byte[] Instance(EnsembleWeights weights, int place = 0) => Bytes(stream => ModelWriter.WriteInstance(weights, place, stream));

    public static byte[] Ensemble(EnsembleWeights weights) => Bytes(stream => ModelWriter.WriteEnsemble(weights, stream));

    private static byte[] Bytes(Action<Stream> write)
    {
        using var stream = new MemoryStream();
        write(stream);
        return stream.ToArray();
    }
}
