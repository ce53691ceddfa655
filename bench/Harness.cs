using System.Diagnostics;

namespace ToyPipeline.Bench;

/// <summary>One side of a comparison: does its work so many times over and says how many seconds that took.</summary>
/// <param name="repetitions">Units of work to do.</param>
internal delegate double Side(int repetitions);

/// <summary>What two sides took, round by round.</summary>
/// <param name="ourSeconds">Seconds of one unit of our work.</param>
/// <param name="peerSeconds">The same of the peer's.</param>
internal sealed class Comparison(double[] ourSeconds, double[] peerSeconds)
{
    /// <summary>Median.</summary>
    public double Ours { get; } = Harness.Median(ourSeconds);

    /// <summary>Median.</summary>
    public double Peer { get; } = Harness.Median(peerSeconds);

    /// <summary>The smallest and the largest ratio of a round, as parts of that of the medians.</summary>
    public (double Low, double High) Spread
    {
        get
        {
            var rounds = ourSeconds.Zip(peerSeconds, (ours, peer) => peer / ours * Ours / Peer).ToList();
            return (rounds.Min(), rounds.Max());
        }
    }
}

/// <summary>Runs two sides in turn and takes medians.</summary>
/// <param name="rounds">Rounds that count.</param>
internal sealed class Harness(int rounds)
{
    private const double RoundSeconds = 0.4;

    // Threads of ONNX Runtime and OpenMP look for work for a while after the last run, on a core that the other side is to have.
    private const int RestMilliseconds = 50;

    /// <summary>A side that runs in this process.</summary>
    public static Side Timed(Action<int> work) => repetitions =>
    {
        long start = Stopwatch.GetTimestamp();
        work(repetitions);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    };

    /// <summary>Seconds of one unit of work on either side: both are warmed up, then run in turn, peer first.</summary>
    /// <param name="ours">Our side.</param>
    /// <param name="peer">The peer.</param>
    /// <param name="before">Called before each round, untimed, with the share of the rounds that its middle is at.</param>
    public Comparison Compare(Side ours, Side peer, Action<double>? before = null)
    {
        int ourRepetitions = Calibrate(ours), peerRepetitions = Calibrate(peer);
        double[] ourSeconds = new double[rounds], peerSeconds = new double[rounds];
        for (int round = 0; round < rounds; round++)
        {
            before?.Invoke((round + 0.5) / rounds);
            Thread.Sleep(RestMilliseconds);
            peerSeconds[round] = peer(peerRepetitions) / peerRepetitions;
            Thread.Sleep(RestMilliseconds);
            ourSeconds[round] = ours(ourRepetitions) / ourRepetitions;
        }

        return new Comparison(ourSeconds, peerSeconds);
    }

    /// <summary>Median seconds of one unit of work of a side alone.</summary>
    public double Measure(Side side)
    {
        int repetitions = Calibrate(side);
        return Median([.. Enumerable.Range(0, rounds).Select(_ => side(repetitions) / repetitions)]);
    }

    /// <summary>Median seconds of work that is long enough, and of which a cold start is a part.</summary>
    public double Once(Action work) => Median([.. Enumerable.Range(0, rounds).Select(_ => Timed(_ => work())(1))]);

    public static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    // Repetitions that take a round's time. Running up to them warms caches, memory pools and the compiler's tiers.
    private static int Calibrate(Side side)
    {
        side(1);
        for (int repetitions = 1; ; repetitions *= 2)
        {
            double seconds = side(repetitions);
            if (seconds > RoundSeconds / 4)
                return Math.Max(1, (int)Math.Round(repetitions * RoundSeconds / seconds));
        }
    }
}
