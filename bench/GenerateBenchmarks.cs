using System.ComponentModel;
using System.Diagnostics;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Random;
using ToyPipeline.DataGen;

namespace ToyPipeline.Bench;

/// <summary>Datasets to disk: the generator against numpy and <c>scipy.sparse.save_npz</c>.</summary>
internal static class GenerateBenchmarks
{
    private const string Python = "/usr/bin/python3";

    // A unit of work on either side; a multiple of the threads' shards for ours.
    private const int ShardSamples = DatasetGenerator.ShardSamples;

    public static IEnumerable<Benchmark> All =>
    [
        new("generate/n400-p0.01", harness => [Run("generate/n400-p0.01", 400, 0.01, 20, harness)]),
        new("generate/n20-p0.1", harness => [Run("generate/n20-p0.1", 20, 0.1, 4, harness)]),
    ];

    private static Result Run(string name, int n, double density, double target, Harness harness)
    {
        using var folder = new ScratchFolder();
        var data = new DataSpec([.. Enumerable.Repeat(density, n)], ValueRange.Unit, [], null);
        int threads = Machine.Threads;
        var ours = Harness.Timed(repetitions => DatasetGenerator.Generate(
            folder.Sub("ours"), data, 1, RandomStream.Training, (long)repetitions * threads * ShardSamples, threads: threads));
        try
        {
            using var numpy = new NumpyPeer(n, density, folder.Sub("peer"));
            var compared = harness.Compare(ours, numpy.Seconds);
            return Result.HigherIsBetter(name, threads * ShardSamples / compared.Ours, ShardSamples / compared.Peer, "samples/s", threads).Over(compared) with
            {
                Target = target,
                Note = $"peer: numpy {numpy.Version}, which has one thread",
            };
        }
        catch (NotSupportedException e)
        {
            return Result.HigherIsBetter(name, threads * ShardSamples / harness.Measure(ours), null, "samples/s", threads) with { Note = $"no peer: {e.Message}" };
        }
    }

    /// <summary>numpy in a process of its own that times itself.</summary>
    private sealed class NumpyPeer : IDisposable
    {
        private readonly Process _process;

        /// <exception cref="NotSupportedException">Python, numpy or scipy is missing.</exception>
        public NumpyPeer(int n, double density, string folder)
        {
            Version = Query();
            Directory.CreateDirectory(folder);
            string script = Path.Combine(AppContext.BaseDirectory, "generate_peer.py");
            var start = new ProcessStartInfo(Python, [script, $"{n}", $"{density}", $"{ShardSamples}", folder])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            };
            _process = Process.Start(start)!;
        }

        public string Version { get; }

        public double Seconds(int shards)
        {
            _process.StandardInput.WriteLine(shards);
            _process.StandardInput.Flush();
            return double.Parse(_process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("generate_peer.py ended: its message stands above."));
        }

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
        }

        private static string Query()
        {
            try
            {
                var start = new ProcessStartInfo(Python, ["-c", "import numpy, scipy.sparse; print(numpy.__version__)"])
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                };
                using var process = Process.Start(start)!;
                string version = process.StandardOutput.ReadToEnd().Trim();
                process.WaitForExit();
                return process.ExitCode == 0 ? version : throw new NotSupportedException($"{Python} has no numpy and scipy");
            }
            catch (Win32Exception)
            {
                throw new NotSupportedException($"there is no {Python}");
            }
        }
    }
}
