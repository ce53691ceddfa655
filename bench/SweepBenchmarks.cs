using System.Diagnostics;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Runs;
using ToyPipeline.Training;

namespace ToyPipeline.Bench;

/// <summary><c>toy sweep</c> over a large grid against the bare training loop over the same packs: nothing drawn, written or measured.</summary>
internal static class SweepBenchmarks
{
    private const string Name = "sweep/overhead";

    // The reference setting but for a tenth of its steps.
    private const string Text = """
        name: sweep
        model: { features: 5, hidden: 2 }
        training: { steps: 1000, batch: 1024 }
        axes:
          - { path: data.density, log: [0.01, 1, 100] }
          - { path: importance.decay, linear: [0.5, 1, 100] }
        evaluation: { samples: 0 }
        claims:
          - { measure: represented_count, at_most: 5 }
        """;

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);

    public static IEnumerable<Benchmark> All => [new(Name, _ => Run())];

    // Once: a side takes a minute, and is as long as many rounds of the others.
    private static IReadOnlyList<Result> Run()
    {
        var experiment = Experiment.Parse(Text, "sweep.yaml");
        using var self = Process.GetCurrentProcess();
        var before = self.TotalProcessorTime;
        double bare = Harness.Timed(_ => TrainBare(experiment))(1);
        self.Refresh();
        double bareProcessor = (self.TotalProcessorTime - before).TotalSeconds;
        using var folder = new ScratchFolder();
        string file = Path.Combine(folder.Root, "sweep.yaml");
        File.WriteAllText(file, Text);
        var (whole, processor, memory) = Sweep(file, folder.Root);
        double training = RunManifest.Load(Path.Combine(folder.Root, "sweep")).Stages[TrainStage.Name].Seconds;
        int cells = new Grid(experiment).CellCount;
        return
        [
            Result.LowerIsBetter(Name, whole, bare, "s", Environment.ProcessorCount) with
            {
                Note = $"{cells:#,0} cells, {new Grid(experiment).PackCount()} packs, 1,000 steps; training stage {training:0.0} s; processor time {processor:0} s, of the bare loop {bareProcessor:0} s; peak memory {memory:0} MB",
            },
            // What a sweep adds is the same for any number of steps, and the bare loop grows with them.
            Result.LowerIsBetter($"{Name}-10000", whole + (9 * bare), 10 * bare, "s", Environment.ProcessorCount) with
            {
                Target = 0.97,
                Note = $"the same for the reference's 10,000 steps, extrapolated: {whole - bare:0.0} s more",
            },
        ];
    }

    private static void TrainBare(Experiment experiment)
    {
        foreach (var pack in new Grid(experiment).EnumeratePacks())
        {
            using var ensemble = Ensemble.Create(pack, _ => throw new InvalidOperationException("Samples are streamed."));
            using var objective = Objectives.Create(ensemble);
            Trainer.Run(ensemble, objective, _ => { }, CancellationToken.None);
        }
    }

    private static (double Seconds, double ProcessorSeconds, double MemoryMb) Sweep(string file, string artifacts)
    {
        // Built beside this program: .build/bin/<project>/<configuration>/
        string toy = Path.Combine(AppContext.BaseDirectory, "..", "..", "Cli", Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)), "toy.dll");
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(new ProcessStartInfo("dotnet", [toy, "sweep", file, "--artifacts", artifacts]) { RedirectStandardOutput = true })!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        long peak = 0;
        double processor = 0;
        while (!process.WaitForExit(s_look))
        {
            process.Refresh();
            if (process.HasExited)
                break;
            peak = Math.Max(peak, process.PeakWorkingSet64);
            processor = process.TotalProcessorTime.TotalSeconds;
        }

        if (process.ExitCode != 0)
            throw new InvalidOperationException($"toy sweep ended with exit code {process.ExitCode}.");
        return (clock.Elapsed.TotalSeconds, processor, peak / 1e6);
    }
}
