using Microsoft.ML.OnnxRuntime;

namespace ToyPipeline.Analysis.Stage;

/// <summary>Checks that ONNX Runtime loads.</summary>
public static class OnnxRuntimeCheck
{
    /// <summary>Version and execution providers of the runtime; throws what loading its library throws.</summary>
    public static string Describe()
    {
        var runtime = OrtEnv.Instance();
        return $"ONNX Runtime {runtime.GetVersionString()}, {string.Join(", ", runtime.GetAvailableProviders())}";
    }
}
