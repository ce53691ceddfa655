using System.Runtime.InteropServices;
using TorchSharp;
using ToyPipeline.DataGen;

namespace ToyPipeline.Bench;

/// <summary>What the figures were measured on.</summary>
internal static class Machine
{
    // Of the last minute: what the machine is busy with before the benchmarks begin. Only Linux tells.
    private static readonly double? s_load = File.Exists("/proc/loadavg") ? double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0]) : null;

    /// <summary>Threads of every benchmark.</summary>
    public static int Threads { get; } = Math.Min(2, Environment.ProcessorCount);

    public static string Describe() =>
        $"{Processor()}, {Environment.ProcessorCount} cores, kernels for {Simd.Current}; {RuntimeInformation.OSDescription.Trim()}; "
        + $".NET {Environment.Version}, libtorch {torch.__version__}. {DateTime.UtcNow:yyyy-MM-dd}{Load()}.";

    private static string Processor()
    {
        const string cpuInfo = "/proc/cpuinfo";
        string? name = File.Exists(cpuInfo)
            ? File.ReadLines(cpuInfo).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
            : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");
        return name ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    /// <summary>Others want half a core or more.</summary>
    public static bool IsBusy => s_load > 0.5;

    private static string Load() => s_load is { } load ? $", load average at the start {load:0.0}{(IsBusy ? " (busy)" : "")}" : "";

}
