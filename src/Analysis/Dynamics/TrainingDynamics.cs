using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Dynamics;

/// <summary>One instance at one step of its training.</summary>
/// <param name="Step">Steps done; 0 is the initialization.</param>
/// <param name="Loss">Loss on the evaluation samples.</param>
/// <param name="Weights">Measures of the weights.</param>
/// <param name="Arrangement">Number of the arrangement in which the features stay there, from 0 in the order of appearance; null while they move.</param>
internal sealed record Snapshot(int Step, double Loss, WeightAnalysis Weights, int? Arrangement);

/// <summary>What jumps in training.</summary>
internal enum JumpOf
{
    /// <summary>The dimensionality of a feature.</summary>
    Dimensionality,

    /// <summary>The arrangement of all features: G, in units of the last ‖G‖_F.</summary>
    Arrangement,

    /// <summary>The loss, downwards.</summary>
    Loss,
}

/// <summary>A jump of a feature's dimensionality or of the arrangement, or a drop of the loss.</summary>
/// <param name="Of">What jumps.</param>
/// <param name="Feature">The feature whose dimensionality it is; null otherwise.</param>
/// <param name="First">Number of the last snapshot before it.</param>
/// <param name="Last">Number of the first snapshot after it.</param>
/// <param name="Before">Value before; 0 of an arrangement.</param>
/// <param name="After">Value after; of an arrangement its distance from the one before.</param>
/// <param name="Matched">Whether there is a drop of the loss at the jump; at a drop, a jump.</param>
internal sealed record Jump(JumpOf Of, int? Feature, int First, int Last, double Before, double After, bool Matched);

/// <summary>What one instance went through while it was trained: jumps of D_i, drops of the loss, arrangements of the features.</summary>
internal sealed record TrainingDynamics
{
    /// <summary>Snapshots by which a jump and a drop may miss each other and still belong together.</summary>
    public const int Window = 1;

    /// <summary>The snapshots in order.</summary>
    public required IReadOnlyList<Snapshot> Snapshots { get; init; }

    /// <summary>Jumps of the dimensionalities, by feature, in order.</summary>
    public required IReadOnlyList<Jump> Jumps { get; init; }

    /// <summary>Changes of the arrangement, in order.</summary>
    public required IReadOnlyList<Jump> Changes { get; init; }

    /// <summary>Drops of the loss, in order.</summary>
    public required IReadOnlyList<Jump> Drops { get; init; }

    /// <summary>Share of all points of all D_i curves that lie on a plateau.</summary>
    public required double PlateauShare { get; init; }

    /// <summary>Number of distinct arrangements in which the features stay.</summary>
    public int ArrangementCount => Snapshots.Max(snapshot => snapshot.Arrangement + 1) ?? 0;

    /// <summary>Share of the jumps with a drop; not a number without jumps.</summary>
    public double MatchedJumpShare => Share(Jumps);

    /// <summary>Share of the drops with a jump of a dimensionality or a change of the arrangement; not a number without drops.</summary>
    public double MatchedDropShare => Share(Drops);

    /// <summary>The matched share to expect if jumps had nothing to do with drops: that of the same jumps at every other time of the record.</summary>
    public double ChanceMatchShare => Jumps.Count == 0 ? double.NaN : Jumps.Average(jump =>
    {
        int length = jump.Last - jump.First;
        int places = Snapshots.Count - length;
        return Enumerable.Range(0, places).Count(first => Meets(first, first + length, Drops)) / (double)places;
    });

    /// <summary>Part of the steps between snapshots, from the start of the first jump of a D_i on, that lie in jumps; not a number without jumps.</summary>
    public double TimeInJumps => InJumps(_ => 1);

    /// <summary>Part of the fall of ln L over the same steps that lies in jumps: by chance as much as of the time.</summary>
    public double LossFallInJumps => InJumps(s => Math.Log(Snapshots[s].Loss / Snapshots[s + 1].Loss));

    private double InJumps(Func<int, double> weight)
    {
        if (Jumps.Count == 0)
            return double.NaN;
        int[] steps = [.. Enumerable.Range(0, Snapshots.Count - 1).Skip(Jumps.Min(jump => jump.First))];
        return steps.Where(s => Jumps.Any(jump => jump.First <= s && s < jump.Last)).Sum(weight) / steps.Sum(weight);
    }

    /// <summary>Follows an instance through its snapshots.</summary>
    /// <param name="steps">Step of each snapshot.</param>
    /// <param name="weights">Measures of the weights at each.</param>
    /// <param name="losses">Loss at each.</param>
    /// <param name="spec">What counts as a jump and as a drop.</param>
    public static TrainingDynamics Of(IReadOnlyList<int> steps, IReadOnlyList<WeightAnalysis> weights, IReadOnlyList<double> losses, DynamicsSpec spec)
    {
        int count = steps.Count;
        int n = weights[0].Features.Count;
        // A fall by the part q of the loss is a step of ln(1 − q) of its logarithm, whatever the loss is by then.
        double least = spec.Drop < 1 ? -Math.Log(1 - spec.Drop) : double.MaxValue;
        var loss = new StepCurve([.. losses.Select(value => Math.Log(Math.Max(value, double.Epsilon)))], 1, least);
        var drops = loss.Jumps.Where(drop => drop.After[0] < drop.Before[0])
            .Select(drop => new Jump(JumpOf.Loss, null, drop.First, drop.Last, Math.Exp(drop.Before[0]), Math.Exp(drop.After[0]), false)).ToList();

        var jumps = new List<Jump>();
        int onPlateau = 0;
        for (int i = 0; i < n; i++)
        {
            var curve = new StepCurve([.. weights.Select(snapshot => snapshot.Features[i].Dimensionality)], 1, spec.Jump);
            onPlateau += curve.Plateaus.Sum(plateau => plateau.Points);
            jumps.AddRange(curve.Jumps.Select(jump => new Jump(
                JumpOf.Dimensionality, i, jump.First, jump.Last, jump.Before[0], jump.After[0], Meets(jump.First, jump.Last, drops))));
        }

        double scale = Math.Max(double.Epsilon, Math.Sqrt(weights[^1].G.Sum(value => value * value)));
        var g = new StepCurve([.. weights.SelectMany(snapshot => snapshot.G).Select(value => value / scale)], n * n, spec.Jump);
        var changes = g.Jumps.Select(change => new Jump(
            JumpOf.Arrangement, null, change.First, change.Last, 0, StepCurve.Distance(change.Before, change.After), Meets(change.First, change.Last, drops))).ToList();
        int?[] arrangements = Arrangements(g, count, spec.Jump);
        return new TrainingDynamics
        {
            Snapshots = [.. Enumerable.Range(0, count).Select(s => new Snapshot(steps[s], losses[s], weights[s], arrangements[s]))],
            Jumps = jumps,
            Changes = changes,
            Drops = [.. drops.Select(drop => drop with { Matched = Meets(drop.First, drop.Last, jumps) || Meets(drop.First, drop.Last, changes) })],
            PlateauShare = onPlateau / (double)(count * n),
        };
    }

    // Plateaus of G, numbered; those closer than a jump are the same arrangement.
    private static int?[] Arrangements(StepCurve g, int count, double jump)
    {
        int?[] arrangements = new int?[count];
        var known = new List<double[]>();
        foreach (var plateau in g.Plateaus)
        {
            int place = known.FindIndex(mean => StepCurve.Distance(mean, plateau.Mean) < jump);
            if (place < 0)
            {
                place = known.Count;
                known.Add(plateau.Mean);
            }

            Array.Fill(arrangements, place, plateau.First, plateau.Points);
        }

        return arrangements;
    }

    private static bool Meets(int first, int last, IReadOnlyList<Jump> others) =>
        others.Any(other => other.First <= last + Window && other.Last >= first - Window);

    private static double Share(IReadOnlyList<Jump> jumps) => jumps.Count == 0 ? double.NaN : jumps.Count(jump => jump.Matched) / (double)jumps.Count;
}
