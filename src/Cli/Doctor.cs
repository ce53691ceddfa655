using System.Runtime.InteropServices;
using ToyPipeline.Analysis.Stage;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core;
using ToyPipeline.Core.Runs;
using ToyPipeline.DataGen;
using ToyPipeline.Report;
using ToyPipeline.Training;

namespace ToyPipeline.Cli;

/// <summary>Checks what the pipeline needs of a machine.</summary>
internal static class Doctor
{
    private const long LowDisk = 2L << 30;

    public static ExitCode Examine(string artifacts, IOutput output)
    {
        (string Name, Func<string> Check)[] checks =
        [
            ("toy", () => $"{RunFolder.Version}, .NET {Environment.Version}"),
            ("system", () => $"{RuntimeInformation.OSDescription} {RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} cores"),
            ("kernels", () => $"{Simd.Current.ToString().ToLowerInvariant()} ({string.Join(", ", Simd.Supported).ToLowerInvariant()}; {Simd.Variable} forces one)"),
            ("libtorch", TorchCheck.Describe),
            ("ONNX Runtime", OnnxRuntimeCheck.Describe),
            ("figures", FigureCheck.Describe),
            ("artifacts", () => Disk(artifacts)),
        ];
        var rows = new List<IReadOnlyList<string>>();
        bool well = true;
        foreach (var (name, check) in checks)
        {
            try
            {
                rows.Add([name, "ok", check()]);
            }
            catch (Exception e)
            {
                well = false;
                rows.Add([name, "FAILS", (e.InnerException ?? e).Message.Split('\n')[0]]);
            }
        }

        output.Table("check", ["what", "state", "found"], rows);
        if (!well)
            output.Error("This machine lacks something; docs/platform.md says what each check needs.", null);
        return well ? ExitCode.Done : ExitCode.EnvironmentFault;
    }

    private static string Disk(string artifacts)
    {
        Directory.CreateDirectory(artifacts);
        string probe = Path.Combine(artifacts, $".doctor-{Environment.ProcessId}");
        File.WriteAllText(probe, "");
        File.Delete(probe);
        long free = new DriveInfo(Path.GetFullPath(artifacts)).AvailableFreeSpace;
        return free >= LowDisk
            ? $"{Path.GetFullPath(artifacts)} can be written, {free >> 30} GB free"
            : throw new EnvironmentFaultException($"{Path.GetFullPath(artifacts)} has only {free >> 20} MB free.");
    }
}
