using ToyPipeline.Analysis.Data;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Analysis.Scoring;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Analysis.Stage;

/// <summary>What one instance is on the evaluation dataset of its cell.</summary>
/// <param name="Loss">Its loss.</param>
/// <param name="Interference">The interference on samples; null where it was not asked for.</param>
internal sealed record InstanceEvaluation(LossEstimate Loss, InterferenceStatistics? Interference);

/// <summary>Evaluates every instance of a pack on the dataset of its cell, through ONNX Runtime.</summary>
/// <remarks>
/// With a model file an instance, the instances of one dataset share each batch that is read, and are divided among the processors; a 5-feature
/// model then runs in the cache. A large grid has ensemble files only: one run scores all instances, each on rows of its own dataset.
/// An instance's samples are added up in one order either way.
/// </remarks>
internal sealed class PackEvaluation(RunFolder run, Func<CellSpec, string> datasetOf, Action<int> evaluated, CancellationToken cancellation)
{
    // Scored when the interference is measured; else the reconstruction alone.
    private static readonly string[] s_outputs = ["reconstruction", "preactivation"];

    private const int BatchSize = 1024;

    // Sessions that are open at once for each processor.
    private const int MaxSessions = 64;

    // Values in the input of an ensemble: 4 MB.
    private const int EnsembleInput = 1 << 20;

    private string[] Outputs => run.Experiment.Evaluation.Interference ? s_outputs : s_outputs[..1];

    /// <summary>Evaluations in the order of the pack.</summary>
    /// <exception cref="InvalidInputException">A model or a dataset is missing, damaged, or of another shape.</exception>
    public InstanceEvaluation[] Evaluate(Pack pack, EnsembleWeights weights, IReadOnlyList<string> models)
    {
        InstanceSums[] sums =
        [
            .. pack.Specs.Select((spec, place) => new InstanceSums(
                new EvaluationLoss(spec.Model.Kind, spec.Importance),
                run.Experiment.Evaluation.Interference ? new InterferenceMoments(weights, place) : null)),
        ];
        if (models.Count == 1 && models[0] == RunFolder.EnsembleModel(pack.Index))
            EvaluateEnsemble(pack, models[0], sums);
        else
            EvaluateInstances(pack, models, sums);
        return [.. sums.Select(sum => new InstanceEvaluation(sum.Loss.Estimate, sum.Interference?.Statistics))];
    }

    private void EvaluateInstances(Pack pack, IReadOnlyList<string> models, InstanceSums[] sums)
    {
        int workers = Environment.ProcessorCount;
        foreach (var group in Enumerable.Range(0, pack.Instances.Count).GroupBy(place => datasetOf(pack.Specs[place])))
        {
            foreach (int[] places in group.Chunk(MaxSessions * workers))
            {
                var shares = places.Chunk((places.Length + workers - 1) / workers).ToList();
                try
                {
                    Parallel.ForEach(shares, new ParallelOptions { CancellationToken = cancellation }, share => EvaluateShare(pack, group.Key, models, share, sums));
                }
                catch (AggregateException e)
                {
                    // One sentence, whichever share came upon it.
                    System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
                }

                evaluated(places.Length);
            }
        }
    }

    private void EvaluateShare(Pack pack, string dataset, IReadOnlyList<string> models, int[] places, InstanceSums[] sums)
    {
        int n = pack.Model.Features;
        float[] x = GC.AllocateArray<float>(BatchSize * n, pinned: true);
        using var samples = Open(dataset, n);
        var opened = new List<IDisposable>();
        try
        {
            var scorers = new BatchScorer[places.Length];
            for (int s = 0; s < places.Length; s++)
            {
                cancellation.ThrowIfCancellationRequested();
                var session = ToyModelSession.Open(run.Path(models[places[s]]), threads: 1);
                opened.Add(session);
                CheckShape(session, n, instances: null);
                scorers[s] = new BatchScorer(session, BatchSize, Outputs, x);
                opened.Add(scorers[s]);
            }

            while (samples.Read(x) is > 0 and var rows)
            {
                cancellation.ThrowIfCancellationRequested();
                for (int s = 0; s < places.Length; s++)
                {
                    scorers[s].Run(rows);
                    for (int row = 0; row < rows; row++)
                        sums[places[s]].Add(x.AsSpan(row * n, n), scorers[s], row * n);
                }
            }
        }
        finally
        {
            // Scorers before their sessions.
            for (int i = opened.Count - 1; i >= 0; i--)
                opened[i].Dispose();
        }
    }

    private void EvaluateEnsemble(Pack pack, string model, InstanceSums[] sums)
    {
        int n = pack.Model.Features;
        int instances = pack.Instances.Count;
        int batch = Math.Clamp(EnsembleInput / (instances * n), 1, BatchSize);
        string[] datasets = [.. pack.Specs.Select(datasetOf)];
        string[] distinct = [.. datasets.Distinct()];
        int[] datasetAt = [.. datasets.Select(name => Array.IndexOf(distinct, name))];
        var readers = new List<SampleBatches>();
        try
        {
            foreach (string dataset in distinct)
                readers.Add(Open(dataset, n));
            using var session = ToyModelSession.Open(run.Path(model), Environment.ProcessorCount);
            CheckShape(session, n, instances);
            using var scorer = new BatchScorer(session, batch, Outputs);
            float[][] x = [.. distinct.Select(_ => new float[batch * n])];
            while (ReadAll(readers, x, distinct) is > 0 and var rows)
            {
                cancellation.ThrowIfCancellationRequested();
                Parallel.For(0, rows, row =>
                {
                    var input = scorer.Input.Span.Slice(row * instances * n, instances * n);
                    for (int i = 0; i < instances; i++)
                        x[datasetAt[i]].AsSpan(row * n, n).CopyTo(input[(i * n)..]);
                });
                scorer.Run(rows);
                Parallel.For(0, instances, i =>
                {
                    for (int row = 0; row < rows; row++)
                        sums[i].Add(x[datasetAt[i]].AsSpan(row * n, n), scorer, ((row * instances) + i) * n);
                });
            }
        }
        finally
        {
            foreach (var reader in readers)
                reader.Dispose();
        }

        evaluated(instances);
    }

    private static int ReadAll(List<SampleBatches> readers, float[][] x, string[] datasets)
    {
        int rows = readers[0].Read(x[0]);
        for (int d = 1; d < readers.Count; d++)
        {
            if (readers[d].Read(x[d]) != rows)
                throw new InvalidInputException($"The datasets {datasets[0]} and {datasets[d]} have different numbers of samples; generate them again.");
        }

        return rows;
    }

    private SampleBatches Open(string dataset, int features)
    {
        var samples = SampleBatches.Open(run.Path(dataset));
        return samples.Features == features
            ? samples
            : throw new InvalidInputException($"{run.Path(dataset)} has {samples.Features} features where the models take {features}; generate the dataset again.");
    }

    private static void CheckShape(ToyModelSession session, int features, int? instances)
    {
        if (session.Features != features || session.Instances != instances)
        {
            throw new InvalidInputException(
                $"{session.Name} takes {(session.Instances is { } k ? $"{k} instances of " : "")}{session.Features} features where the weights have "
                + $"{(instances is { } wanted ? $"{wanted} instances of " : "")}{features}: export the models again.");
        }
    }

    // What is added up of one instance, in one pass over its samples.
    private sealed record InstanceSums(EvaluationLoss Loss, InterferenceMoments? Interference)
    {
        /// <summary>Adds a sample whose outputs begin at <paramref name="at"/> of what was scored.</summary>
        public void Add(ReadOnlySpan<float> x, BatchScorer scorer, int at)
        {
            Loss.Add(x, scorer.Output(0).Slice(at, x.Length));
            Interference?.Add(x, scorer.Output(1).Slice(at, x.Length));
        }
    }
}
