using System.Diagnostics;
using System.Text;

namespace ToyPipeline.Cli.Tests;

/// <summary>How a <c>toy</c> process ended.</summary>
internal sealed record ToyResult(int Code, string Out, string Error)
{
    /// <summary>Lines of standard output that say something.</summary>
    public string[] Lines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

/// <summary>The built <c>toy</c> command as a process of its own.</summary>
internal static class Toy
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <summary>The executable in the output folder of src/Cli, of the same configuration as these tests.</summary>
    public static string Executable { get; } = Find();

    /// <summary>Runs <c>toy</c> in <paramref name="folder"/> to its end.</summary>
    public static ToyResult Run(string folder, params string[] args) => Run(folder, [], args);

    /// <inheritdoc cref="Run(string, string[])"/>
    public static ToyResult Run(string folder, (string Name, string Value)[] environment, string[] args)
    {
        using var process = Start(folder, environment, Executable, args);
        return End(process);
    }

    /// <summary>Starts a process whose output is captured.</summary>
    public static Process Start(string folder, (string Name, string Value)[] environment, string file, IEnumerable<string> args)
    {
        var start = new ProcessStartInfo(file, args)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        start.Environment.Remove("TOY_SIMD");
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Waits for a process and returns what it said.</summary>
    public static ToyResult End(Process process)
    {
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{process.StartInfo.FileName} {string.Join(' ', process.StartInfo.ArgumentList)} did not end in {s_patience}.");
        }

        return new ToyResult(process.ExitCode, output.Result, error.Result);
    }

    // .build/bin/Cli.Tests/release/ has its neighbour in .build/bin/Cli/release/.
    private static string Find()
    {
        string own = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        string folder = Path.GetFullPath(Path.Combine(own, "..", "..", "Cli", Path.GetFileName(own)));
        string executable = Path.Combine(folder, OperatingSystem.IsWindows() ? "toy.exe" : "toy");
        return File.Exists(executable) ? executable : throw new FileNotFoundException("src/Cli is not built.", executable);
    }
}
