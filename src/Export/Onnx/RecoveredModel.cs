using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Export.Onnx;

/// <summary>What is found in a foreign file.</summary>
/// <param name="Kind">Architecture.</param>
/// <param name="Instances">Number of instances.</param>
/// <param name="Features">n.</param>
/// <param name="Hidden">m.</param>
/// <param name="W">Encoder directions, [instances, features, hidden].</param>
/// <param name="W2">Decoder directions of the absolute-value model, [instances, features, hidden]; else null.</param>
/// <param name="B">Output bias, [instances, features].</param>
internal sealed record RecoveredModel(ModelKind Kind, int Instances, int Features, int Hidden, float[] W, float[]? W2, float[] B)
{
    /// <summary>Whether only G = W·Wᵀ was there, and W is one of those that give it.</summary>
    public bool Folded { get; init; }

    /// <summary>The kind's formula in float64.</summary>
    /// <param name="x">One sample, [instances, features].</param>
    /// <returns>The output, [instances, features].</returns>
    public double[] Forward(double[] x)
    {
        double[] y = new double[Instances * Features];
        float[] decoder = W2 ?? W;
        double[] h = new double[Hidden];
        for (int instance = 0; instance < Instances; instance++)
        {
            Array.Clear(h);
            for (int i = 0; i < Features; i++)
            {
                int row = (instance * Features) + i;
                for (int k = 0; k < Hidden; k++)
                    h[k] += x[row] * W[(row * Hidden) + k];
            }

            if (Kind is ModelKind.ReluHidden or ModelKind.AbsoluteValue)
                h = Array.ConvertAll(h, value => Math.Max(value, 0));
            for (int i = 0; i < Features; i++)
            {
                int row = (instance * Features) + i;
                double z = B[row];
                for (int k = 0; k < Hidden; k++)
                    z += h[k] * decoder[(row * Hidden) + k];
                y[row] = Kind == ModelKind.Linear ? z : Math.Max(z, 0);
            }
        }

        return y;
    }
}
