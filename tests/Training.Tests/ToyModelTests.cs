using ToyPipeline.Core.Experiments;
using static TorchSharp.torch;

namespace ToyPipeline.Training.Tests;

/// <summary>The models compute what the paper's formulas say.</summary>
public sealed class ToyModelTests
{
    [Test]
    public void Forward_is_the_formula_of_the_paper([Values] ModelKind kind, [Values(1, 3)] int instances)
    {
        const int Batch = 7, N = 5, M = 2;
        var spec = new ModelSpec(kind, N, M);
        float[] w = Small.Numbers(1, instances * N * M), w2 = Small.Numbers(2, instances * N * M), b = Small.Numbers(3, instances * N), x = Small.Numbers(4, instances * Batch * N);
        bool two = kind == ModelKind.AbsoluteValue;
        using var scope = NewDisposeScope();
        using var model = ToyModel.Create(spec, tensor(w).reshape(instances, N, M), two ? tensor(w2).reshape(instances, N, M) : null, tensor(b).reshape(instances, N));
        using var input = tensor(x).reshape(instances, Batch, N);
        var output = model.Run(input);
        float[] hidden = Ensemble.Values(output.Hidden), preactivation = Ensemble.Values(output.Preactivation), reconstruction = Ensemble.Values(output.Reconstruction);
        Assert.Multiple(() =>
        {
            Assert.That(output.Hidden.shape, Is.EqualTo(new long[] { instances, Batch, M }));
            Assert.That(output.Reconstruction.shape, Is.EqualTo(new long[] { instances, Batch, N }));
            Assert.That(Ensemble.Values(model.forward(input)), Is.EqualTo(reconstruction));
            Assert.That(Ensemble.Values(model.Target(input)), Is.EqualTo(two ? x.Select(MathF.Abs).ToArray() : x));
            Assert.That(model.named_parameters().Select(pair => pair.name), Is.EqualTo(two ? new[] { "W1", "W2", "b" } : ["W", "b"]));
            for (int e = 0; e < instances; e++)
            {
                var plain = new PlainModel(spec, Part(w, e, N * M), two ? Part(w2, e, N * M) : null, Part(b, e, N));
                for (int s = 0; s < Batch; s++)
                {
                    int row = (e * Batch) + s;
                    var (h, z, y) = plain.Run(x.AsSpan(row * N, N));
                    Assert.That(hidden[(row * M)..((row + 1) * M)], Is.EqualTo(h).Within(1e-5));
                    Assert.That(preactivation[(row * N)..((row + 1) * N)], Is.EqualTo(z).Within(1e-5));
                    Assert.That(reconstruction[(row * N)..((row + 1) * N)], Is.EqualTo(y).Within(1e-5));
                }
            }
        });
    }

    [Test]
    public void The_absolute_value_model_needs_two_matrices()
    {
        using var w = zeros(1, 2, 1);
        using var b = zeros(1, 2);
        Assert.That(() => ToyModel.Create(new ModelSpec(ModelKind.AbsoluteValue, 2, 1), w, null, b), Throws.TypeOf<ArgumentNullException>());
    }

    private static double[] Part(float[] values, int place, int size) => [.. values.Skip(place * size).Take(size).Select(value => (double)value)];
}
