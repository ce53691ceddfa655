using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Random;

namespace ToyPipeline.Training;

/// <summary>Initial parameters: Xavier-normal weights, zero bias; a pure function of each instance's seed.</summary>
internal static class Initializer
{
    /// <summary>Entries are normal with standard deviation √(2 / (n + m)) (Glorot and Bengio 2010), entry e from index e of the stream.</summary>
    /// <param name="model">Shape.</param>
    /// <param name="seeds">Seed of each instance.</param>
    /// <param name="matrix">0 for W (or W1), 1 for W2.</param>
    /// <returns>[instances, features, hidden].</returns>
    public static float[] Weights(ModelSpec model, IReadOnlyList<ulong> seeds, uint matrix)
    {
        int size = model.Features * model.Hidden;
        double deviation = Math.Sqrt(2.0 / (model.Features + model.Hidden));
        float[] weights = new float[seeds.Count * size];
        for (int i = 0; i < seeds.Count; i++)
        {
            for (int e = 0; e < size; e++)
                weights[(i * size) + e] = (float)(deviation * RandomNumbers.Normal(seeds[i], RandomStream.Initialization, e, matrix));
        }

        return weights;
    }
}
