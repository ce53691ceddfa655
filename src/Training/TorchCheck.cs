using TorchSharp;
using ToyPipeline.Core;

namespace ToyPipeline.Training;

/// <summary>Checks that libtorch loads and computes.</summary>
public static class TorchCheck
{
    /// <summary>Version and threads of libtorch.</summary>
    /// <exception cref="EnvironmentFaultException">It loads and computes wrongly; what is thrown when it does not load is TorchSharp's own.</exception>
    public static string Describe()
    {
        using var scope = torch.NewDisposeScope();
        float sum = torch.ones(2, 2).matmul(torch.ones(2, 2)).sum().item<float>();
        return sum == 8
            ? $"libtorch {torch.__version__}, {torch.get_num_threads()} threads"
            : throw new EnvironmentFaultException($"libtorch computes 2·2·2 as {sum}.");
    }
}
