using System.ComponentModel;
using System.Diagnostics;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core;
using ToyPipeline.Report;

namespace ToyPipeline.Cli;

/// <summary>Pages over several runs, and the browser.</summary>
internal static class ReportPages
{
    /// <summary>Writes the index of all runs, or the comparison of two.</summary>
    public static ExitCode Write(string artifacts, IReadOnlyList<string>? compared, bool open, IOutput output)
    {
        string page = compared is [var a, var b] ? RunComparison.Write(Folder(artifacts, a), Folder(artifacts, b), artifacts) : RunIndex.Write(artifacts);
        output.Report(page);
        OpenIf(open, page);
        return ExitCode.Done;
    }

    /// <summary>Opens a page with the program that the system has for it, where <paramref name="wanted"/>.</summary>
    /// <exception cref="EnvironmentFaultException">There is none.</exception>
    public static void OpenIf(bool wanted, string page)
    {
        if (!wanted)
            return;
        try
        {
            using var browser = Process.Start(new ProcessStartInfo(Path.GetFullPath(page)) { UseShellExecute = true });
        }
        catch (Exception e) when (e is Win32Exception or PlatformNotSupportedException)
        {
            throw new EnvironmentFaultException($"{page} is written, and no program here opens it ({e.Message}); open it in a browser.", e);
        }
    }

    // A folder, or the name of a run below the artifacts.
    private static string Folder(string artifacts, string run) => Directory.Exists(run) ? run : Path.Combine(artifacts, run);
}
