using System.Diagnostics;

namespace ToyPipeline.Bench;

/// <summary>The whole pipeline as a user runs it: a process, an empty artifacts folder, all stages, the report.</summary>
internal static class RunBenchmarks
{
    public static IEnumerable<Benchmark> All => [new("run/intro", Run)];

    private static List<Result> Run(Harness harness)
    {
        int exitCode = 0;
        double seconds = harness.Once(() =>
        {
            using var folder = new ScratchFolder();
            // Built beside this program: .build/bin/<project>/<configuration>/
            string toy = Path.Combine(AppContext.BaseDirectory, "..", "..", "Cli", Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)), "toy.dll");
            var start = new ProcessStartInfo("dotnet", [toy, "run", Path.Combine(Repository.Root, "experiments", "intro.yaml"), "--artifacts", folder.Root])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            exitCode = process.ExitCode;
        });
        return
        [
            Result.LowerIsBetter("run/intro", seconds, null, "s", Environment.ProcessorCount) with
            {
                Limit = 10,
                Note = exitCode == 0 ? "all claims hold; eager training alone took 115 s on two Zen 4 cores" : $"toy ended with exit code {exitCode}",
            },
        ];
    }
}
