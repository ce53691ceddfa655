using System.Diagnostics;
using TorchSharp;
using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;
using ToyPipeline.Training;
using ToyPipeline.Training.Fused;

namespace ToyPipeline.Bench;

/// <summary>A training setting.</summary>
/// <param name="Name">Name of the benchmark.</param>
/// <param name="Kind">Architecture.</param>
/// <param name="Features">n.</param>
/// <param name="Hidden">m.</param>
/// <param name="Instances">Instances trained side by side.</param>
/// <param name="Decay">I_i = decayⁱ.</param>
/// <param name="Density">p.</param>
/// <param name="Target">Ratio to reach.</param>
internal sealed record TrainCase(string Name, ModelKind Kind, int Features, int Hidden, int Instances, double Decay, double Density, double Target)
{
    public const int Batch = 1024;

    public IReadOnlyList<double> Importance => [.. Enumerable.Range(0, Features).Select(i => Math.Pow(Decay, i))];

    /// <summary>Arithmetic of a step of one instance of the dense model: encoder and decoder forward, twice that backward.</summary>
    public double Flops => 12.0 * Features * Hidden * Batch;

    /// <summary>The same with every feature present: half the target, for there is no sparsity to make use of.</summary>
    public TrainCase Dense => this with { Name = $"{Name}-dense", Density = 1, Target = Target / 2 };

    public Pack Pack()
    {
        var data = new DataSpec(
            [.. Enumerable.Repeat(Density, Features)], Kind == ModelKind.AbsoluteValue ? ValueRange.Signed : ValueRange.Unit, [], null);
        var training = new TrainingSpec(
            ObjectiveKind.Fused, 1_000_000, Batch, new OptimizerSpec(OptimizerKind.AdamW, 1e-3, 0.01, 0.9, 0.999, 1e-8, 0), Schedule.Constant,
            new HistorySpec(0, 0, SnapshotSpacing.Linear));
        var cell = new CellSpec(new ModelSpec(Kind, Features, Hidden), data, Importance, training);
        var only = new Cell(0, []);
        return new Pack(
            0, [.. Enumerable.Range(0, Instances).Select(i => new Instance(i, only, i, (ulong)i))], [.. Enumerable.Repeat(cell, Instances)]);
    }
}

/// <summary>Training steps, sampling and optimizer included: fused kernels against TorchSharp eager mode.</summary>
internal static class TrainBenchmarks
{
    // The reference setting's: rounds are spread over them.
    private const long TrainingSteps = 10_000;

    // Turns that each way of running the peer gets to show that it is the fastest.
    private const int PeerTurns = 3;

    /// <summary>The case whose peak memory is measured too.</summary>
    private const string MemoryCase = "train/n400m30-i8";
    private const double MemoryLimit = 200;
    private const string MemoryOption = "--memory-of=";

    private static readonly TrainCase[] s_sparse =
    [
        new("train/n5m2-i100", ModelKind.ReluOutput, 5, 2, 100, 0.9, 0.05, 50),
        new("train/n5m2-i1", ModelKind.ReluOutput, 5, 2, 1, 0.9, 0.05, 20),
        new("train/n20m5-i10", ModelKind.ReluOutput, 20, 5, 10, 0.7, 0.05, 30),
        new("train/n80m20-i10", ModelKind.ReluOutput, 80, 20, 10, 0.9, 0.05, 15),
        new(MemoryCase, ModelKind.ReluOutput, 400, 30, 8, 1, 0.05, 15),
        new("train/n100m40-abs-i4", ModelKind.AbsoluteValue, 100, 40, 4, 0.8, 0.05, 10),
    ];

    private static readonly Lazy<double> s_sgemm = new(SgemmFlops);

    public static IEnumerable<Benchmark> All =>
        s_sparse.SelectMany(shape => (TrainCase[])[shape, shape.Dense]).Select(shape => new Benchmark(shape.Name, harness => [Run(shape, harness)]));

    /// <summary>Where the process was started to measure memory: trains and prints the growth of its peak memory in MB.</summary>
    public static bool MeasuresMemory(string[] args)
    {
        if (args is not [var arg] || !arg.StartsWith(MemoryOption, StringComparison.Ordinal))
            return false;
        var shape = s_sparse.Single(shape => shape.Name == arg[MemoryOption.Length..]);
        // libtorch's own: loaded, used, its threads started.
        using (torch.NewDisposeScope())
            torch.mm(torch.rand(256, 256), torch.rand(256, 256)).sum().item<float>();
        long before = PeakBytes();
        using var ours = new Ours(shape);
        ours.Train(100);
        Console.WriteLine((PeakBytes() - before) / 1e6);
        return true;
    }

    private static Result Run(TrainCase shape, Harness harness)
    {
        double sgemm = s_sgemm.Value;
        torch.random.manual_seed(1);
        using var ours = new Ours(shape);
        var variant = FastestPeer(shape);
        using var peer = new EagerTraining(shape, variant);
        double first = FirstSteps(shape);
        var compared = harness.Compare(Harness.Timed(ours.Train), Harness.Timed(peer.Train), share => ours.Reach((long)(share * TrainingSteps)));
        bool memory = shape.Name == MemoryCase;
        return Result.LowerIsBetter(shape.Name, Microseconds(compared.Ours), Microseconds(compared.Peer), "µs", Machine.Threads).Over(compared) with
        {
            Target = shape.Target,
            SgemmFraction = shape.Flops * shape.Instances / compared.Ours / sgemm,
            PeerSgemmFraction = shape.Flops * shape.Instances / compared.Peer / sgemm,
            MemoryMb = memory ? MemoryMb(shape) : null,
            MemoryLimit = memory ? MemoryLimit : null,
            Note = $"peer: {variant}; ours in the first steps {Microseconds(first):#,0.##} µs",
        };

        double Microseconds(double stepSeconds) => stepSeconds * 1e6 / shape.Instances;
    }

    /// <summary>The way of running the eager peer that takes least in the best of a few turns: one turn alone may fall into a spell of the machine.</summary>
    public static EagerVariant FastestPeer(TrainCase shape)
    {
        var variants = EagerTraining.Variants(shape).ToList();
        return Enumerable.Range(0, PeerTurns).SelectMany(_ => variants.Select(variant => (Variant: variant, Seconds: Seconds(variant)))).MinBy(turn => turn.Seconds).Variant;

        double Seconds(EagerVariant variant)
        {
            using var peer = new EagerTraining(shape, variant);
            return new Harness(1).Measure(Harness.Timed(peer.Train));
        }
    }

    // Seconds of our step from the initialization on, the compiler warmed up.
    private static double FirstSteps(TrainCase shape)
    {
        using var warm = new Ours(shape);
        new Harness(1).Measure(Harness.Timed(warm.Train));
        using var fresh = new Ours(shape);
        return new Harness(3).Measure(Harness.Timed(fresh.Train));
    }

    // Operations per second of libtorch multiplying 1024 × 1024 matrices; in place, so that no memory is asked for.
    private static double SgemmFlops()
    {
        const int size = 1024;
        torch.set_num_threads(Machine.Threads);
        using var scope = torch.NewDisposeScope();
        var (a, b, product) = (torch.rand(size, size), torch.rand(size, size), torch.zeros(size, size));
        double seconds = new Harness(5).Measure(Harness.Timed(repetitions =>
        {
            for (int r = 0; r < repetitions; r++)
                product.addmm_(a, b, 0, 1);
        }));
        Console.WriteLine($"SGEMM: {2.0 * size * size * size / seconds / 1e9:0} GFLOP/s");
        return 2.0 * size * size * size / seconds;
    }

    // In a process of its own: here the peer's tensors have grown the memory already.
    private static double MemoryMb(TrainCase shape)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet")
            start.ArgumentList.Add(typeof(TrainBenchmarks).Assembly.Location);
        start.ArgumentList.Add(MemoryOption + shape.Name);
        using var process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return double.Parse(output);
    }

    private static long PeakBytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }

    private sealed class Ours : IDisposable
    {
        private readonly Ensemble _ensemble;
        private readonly FusedObjective _fused;
        private readonly double[] _loss;
        private long _step;

        public Ours(TrainCase shape)
        {
            _ensemble = Ensemble.Create(shape.Pack(), _ => throw new InvalidOperationException("There is no dataset."));
            _fused = new FusedObjective(_ensemble, Simd.Current, Machine.Threads);
            _loss = new double[shape.Instances];
        }

        public void Train(int steps)
        {
            _fused.Train(_step, _step + steps, _loss, CancellationToken.None);
            _step += steps;
        }

        /// <summary>Trains up to a step, unless it is there already.</summary>
        public void Reach(long step)
        {
            if (_step < step)
                Train((int)(step - _step));
        }

        public void Dispose()
        {
            _fused.Dispose();
            _ensemble.Dispose();
        }
    }
}
