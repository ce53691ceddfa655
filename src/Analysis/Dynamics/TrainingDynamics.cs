using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Dynamics;

/// <summary>One instance at one step of its training.</summary>
/// <param name="Step">Steps done; 0 is the initialization.</param>
/// <param name="Loss">Loss on the evaluation samples.</param>
/// <param name="Weights">Measures of the weights.</param>
/// <param name="Arrangement">Number of the arrangement in which the features stay there, from 0 in the order of appearance; null while they move.</param>
internal sealed record Snapshot(int Step, double Loss, WeightAnalysis Weights, int? Arrangement);

/// <summary>A jump of a feature's dimensionality, or a drop of the loss.</summary>
/// <param name="Feature">The feature; null for the loss.</param>
/// <param name="First">Number of the last snapshot on the plateau before.</param>
/// <param name="Last">Number of the first snapshot on the plateau after.</param>
/// <param name="Before">Mean of the plateau before.</param>
/// <param name="After">Mean of the plateau after.</param>
/// <param name="Matched">Whether there is a drop of the loss at the jump of a dimensionality, or such a jump at the drop.</param>
internal sealed record Jump(int? Feature, int First, int Last, double Before, double After, bool Matched);

/// <summary>What one instance went through while it was trained: jumps of D_i, drops of the loss, arrangements of the features.</summary>
internal sealed record TrainingDynamics
{
    /// <summary>Snapshots by which a jump and a drop may miss each other and still belong together.</summary>
    public const int Window = 1;

    /// <summary>The snapshots in order.</summary>
    public required IReadOnlyList<Snapshot> Snapshots { get; init; }

    /// <summary>Jumps of the dimensionalities, by feature, in order.</summary>
    public required IReadOnlyList<Jump> Jumps { get; init; }

    /// <summary>Drops of the loss, in order.</summary>
    public required IReadOnlyList<Jump> Drops { get; init; }

    /// <summary>Share of all points of all D_i curves that lie on a plateau.</summary>
    public required double PlateauShare { get; init; }

    /// <summary>Number of distinct arrangements in which the features stay.</summary>
    public int ArrangementCount => Snapshots.Max(snapshot => snapshot.Arrangement + 1) ?? 0;

    /// <summary>Share of the jumps with a drop; not a number without jumps.</summary>
    public double MatchedJumpShare => Share(Jumps);

    /// <summary>Share of the drops with a jump; not a number without drops.</summary>
    public double MatchedDropShare => Share(Drops);

    /// <summary>The matched share to expect if jumps had nothing to do with drops: that of the same jumps at every other time of the record.</summary>
    public double ChanceMatchShare => Jumps.Count == 0 ? double.NaN : Jumps.Average(jump =>
    {
        int length = jump.Last - jump.First;
        int places = Snapshots.Count - length;
        return Enumerable.Range(0, places).Count(first => Meets(first, first + length, Drops)) / (double)places;
    });

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
        double least = spec.Drop < 1 ? -Math.Log(1 - spec.Drop) : double.PositiveInfinity;
        var loss = new StepCurve([.. losses.Select(value => Math.Log(Math.Max(value, double.Epsilon)))], 1, least);
        var drops = loss.Transitions.Where(drop => drop.After.Mean[0] < drop.Before.Mean[0])
            .Select(drop => new Jump(null, drop.Before.Last, drop.After.First, Math.Exp(drop.Before.Mean[0]), Math.Exp(drop.After.Mean[0]), false)).ToList();

        var jumps = new List<Jump>();
        int onPlateau = 0;
        for (int i = 0; i < n; i++)
        {
            var curve = new StepCurve([.. weights.Select(snapshot => snapshot.Features[i].Dimensionality)], 1, spec.Jump);
            onPlateau += curve.Pieces.Where(piece => piece.IsPlateau).Sum(piece => piece.Last - piece.First + 1);
            jumps.AddRange(curve.Transitions.Select(jump => new Jump(
                i, jump.Before.Last, jump.After.First, jump.Before.Mean[0], jump.After.Mean[0], Meets(jump.Before.Last, jump.After.First, drops))));
        }

        int?[] arrangements = Arrangements(weights, spec.Jump);
        return new TrainingDynamics
        {
            Snapshots = [.. Enumerable.Range(0, count).Select(s => new Snapshot(steps[s], losses[s], weights[s], arrangements[s]))],
            Jumps = jumps,
            Drops = [.. drops.Select(drop => drop with { Matched = Meets(drop.First, drop.Last, jumps) })],
            PlateauShare = onPlateau / (double)(count * n),
        };
    }

    // Plateaus of G as one curve in n² dimensions, in units of the last ‖G‖_F; plateaus closer than a jump are the same arrangement.
    private static int?[] Arrangements(IReadOnlyList<WeightAnalysis> weights, double jump)
    {
        double scale = Math.Sqrt(weights[^1].G.Sum(value => value * value));
        int?[] arrangements = new int?[weights.Count];
        if (scale == 0)
            return arrangements;
        var curve = new StepCurve([.. weights.SelectMany(snapshot => snapshot.G).Select(value => value / scale)], weights[0].G.Count, jump);
        var known = new List<double[]>();
        foreach (var plateau in curve.Pieces.Where(piece => piece.IsPlateau))
        {
            int place = known.FindIndex(mean => StepCurve.Distance(mean, plateau.Mean) < jump);
            if (place < 0)
            {
                place = known.Count;
                known.Add(plateau.Mean);
            }

            Array.Fill(arrangements, place, plateau.First, plateau.Last - plateau.First + 1);
        }

        return arrangements;
    }

    private static bool Meets(int first, int last, IReadOnlyList<Jump> others) =>
        others.Any(other => other.First <= last + Window && other.Last >= first - Window);

    private static double Share(IReadOnlyList<Jump> jumps) => jumps.Count == 0 ? double.NaN : jumps.Count(jump => jump.Matched) / (double)jumps.Count;
}
