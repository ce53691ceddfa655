using ToyPipeline.Core.Formats;

namespace ToyPipeline.Report.Data;

/// <summary>Training loss of one instance.</summary>
/// <param name="Cell">Index of its cell.</param>
/// <param name="Instance">Index of the instance.</param>
/// <param name="Steps">Last step of each recorded span.</param>
/// <param name="Loss">Mean training loss of each span.</param>
internal sealed record LossCurve(int Cell, int Instance, double[] Steps, double[] Loss)
{
    /// <summary>More records than a figure can show are thinned by taking every k-th and the last.</summary>
    private const int MaxRecords = 400;

    /// <summary>Reads the curves of the cells that <paramref name="wanted"/> names, pack by pack.</summary>
    /// <inheritdoc cref="TrainingHistory.Load" path="/exception"/>
    public static IEnumerable<LossCurve> Load(IEnumerable<string> paths, Predicate<int> wanted)
    {
        foreach (string path in paths)
        {
            var history = TrainingHistory.Load(path);
            int records = history.LossSteps.Length;
            if (records == 0)
                continue;
            int stride = (records + MaxRecords - 1) / MaxRecords;
            int[] kept = [.. Enumerable.Range(0, records).Where(r => r % stride == 0 || r == records - 1)];
            double[] steps = [.. kept.Select(r => (double)history.LossSteps[r])];
            for (int i = 0; i < history.Instances.Count; i++)
            {
                var instance = history.Instances[i];
                if (wanted(instance.Cell.Index))
                    yield return new LossCurve(instance.Cell.Index, instance.Index, steps, [.. kept.Select(r => CellModel.Shortest(history.Loss[(i * records) + r]))]);
            }
        }
    }
}
