using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Training;

/// <summary>Trains a pack and records its history.</summary>
internal static class Trainer
{
    private const long ProgressSteps = 200;

    /// <summary>Runs all steps of an ensemble.</summary>
    /// <param name="ensemble">The ensemble; its parameters change in place.</param>
    /// <param name="objective">What trains it.</param>
    /// <param name="progress">Told the steps that were done since the last call.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public static TrainingHistory Run(Ensemble ensemble, IObjective objective, Action<long> progress, CancellationToken cancellation)
    {
        var training = ensemble.Training;
        var history = new Recorder(ensemble);
        var snapshots = SnapshotSteps(training);
        var records = RecordSteps(training);
        long[] stops = [.. snapshots.Concat(records).Concat(ProgressStops(training.Steps)).Append(training.Steps).Distinct().Order().Where(step => step > 0)];
        if (snapshots.Contains(0))
            history.Snapshot(0);
        double[] loss = new double[ensemble.Instances];
        long from = 0;
        foreach (long to in stops)
        {
            objective.Train(from, to, loss, cancellation);
            history.Add(loss, to - from);
            if (records.Contains(to))
                history.Record(to);
            if (snapshots.Contains(to))
                history.Snapshot(to);
            progress(to - from);
            from = to;
        }

        return history.Finish();
    }

    /// <summary>Steps after which weights are recorded: 0, the last, and the others in equal steps or equal ratios.</summary>
    internal static SortedSet<long> SnapshotSteps(TrainingSpec training)
    {
        int count = training.History.Snapshots;
        var steps = new SortedSet<long>();
        for (int k = 0; k < count; k++)
        {
            double t = k / (double)(count - 1);
            steps.Add(training.History.Spacing == SnapshotSpacing.Linear
                ? (long)Math.Round(t * training.Steps)
                : (long)Math.Round(Math.Pow(training.Steps + 1.0, t)) - 1);
        }

        return steps;
    }

    private static HashSet<long> RecordSteps(TrainingSpec training)
    {
        int every = training.History.LossEvery;
        if (every == 0)
            return [];
        return [.. Enumerable.Range(1, training.Steps / every).Select(k => (long)k * every), training.Steps];
    }

    private static IEnumerable<long> ProgressStops(int steps)
    {
        for (long step = ProgressSteps; step < steps; step += ProgressSteps)
            yield return step;
    }

    private sealed class Recorder(Ensemble ensemble)
    {
        private readonly double[] _sum = new double[ensemble.Instances];
        private readonly List<float> _lossSteps = [];
        private readonly List<float[]> _losses = [];
        private readonly List<float> _snapshotSteps = [];
        private readonly Dictionary<string, List<float>> _snapshots = [];
        private long _count;

        public void Add(double[] mean, long steps)
        {
            for (int i = 0; i < _sum.Length; i++)
                _sum[i] += mean[i] * steps;
            _count += steps;
        }

        public void Record(long step)
        {
            _lossSteps.Add(step);
            _losses.Add(Array.ConvertAll(_sum, sum => (float)(sum / _count)));
            Array.Clear(_sum);
            _count = 0;
        }

        public void Snapshot(long step)
        {
            _snapshotSteps.Add(step);
            foreach (var (name, parameter) in ensemble.Model.named_parameters())
            {
                if (!_snapshots.TryGetValue(name, out var values))
                    _snapshots[name] = values = [];
                values.AddRange(Ensemble.Values(parameter));
            }
        }

        public TrainingHistory Finish()
        {
            int records = _lossSteps.Count;
            float[] loss = new float[ensemble.Instances * records];
            for (int i = 0; i < ensemble.Instances; i++)
            {
                for (int r = 0; r < records; r++)
                    loss[(i * records) + r] = _losses[r][i];
            }

            return new TrainingHistory
            {
                Instances = ensemble.Pack.Instances,
                LossSteps = [.. _lossSteps],
                Loss = loss,
                SnapshotSteps = [.. _snapshotSteps],
                Snapshots = _snapshots.ToDictionary(
                    pair => pair.Key, pair => new Core.Formats.Tensor([_snapshotSteps.Count, .. Shape(pair.Key)], [.. pair.Value])),
            };
        }

        private int[] Shape(string name) => [.. ensemble.Model.get_parameter(name)!.shape.Select(size => (int)size)];
    }
}
