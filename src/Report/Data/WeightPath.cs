using ToyPipeline.Core.Formats;

namespace ToyPipeline.Report.Data;

/// <summary>Feature directions of one instance through its training, from the snapshots of the history.</summary>
/// <param name="Cell">Index of its cell.</param>
/// <param name="Features">n.</param>
/// <param name="Hidden">m.</param>
/// <param name="Steps">Step of each snapshot.</param>
/// <param name="W">Directions at each snapshot, [n, m].</param>
internal sealed record WeightPath(int Cell, int Features, int Hidden, double[] Steps, double[][] W)
{
    /// <summary>A slider has no room for more places; more snapshots are thinned by taking every k-th and the last.</summary>
    private const int MaxSnapshots = 80;

    /// <summary>Reads the paths of the best instances of <paramref name="cells"/>, pack by pack; no file is opened where there are none.</summary>
    /// <inheritdoc cref="TrainingHistory.Load" path="/exception"/>
    public static IEnumerable<WeightPath> Load(IEnumerable<string> paths, IReadOnlyList<CellData> cells)
    {
        var best = cells.ToDictionary(cell => cell.Best);
        foreach (string path in best.Count == 0 ? [] : paths)
        {
            var history = TrainingHistory.Load(path);
            if (history.SnapshotSteps.Length < 2 || history.Snapshots.GetValueOrDefault("W") is not { Shape: [var snapshots, var instances, var n, var m] } w)
                continue;
            int stride = (snapshots + MaxSnapshots - 1) / MaxSnapshots;
            int[] kept = [.. Enumerable.Range(0, snapshots).Where(s => s % stride == 0 || s == snapshots - 1)];
            for (int i = 0; i < instances; i++)
            {
                if (!best.TryGetValue(history.Instances[i].Index, out var cell))
                    continue;
                yield return new WeightPath(
                    cell.Index, n, m, [.. kept.Select(s => (double)history.SnapshotSteps[s])],
                    [.. kept.Select(s => Array.ConvertAll(w.Values.AsSpan(((s * instances) + i) * n * m, n * m).ToArray(), CellModel.Shortest))]);
            }
        }
    }

    /// <summary>Direction of a feature at a snapshot, [m].</summary>
    public double[] Direction(int snapshot, int feature) => W[snapshot][(feature * Hidden)..((feature + 1) * Hidden)];
}
