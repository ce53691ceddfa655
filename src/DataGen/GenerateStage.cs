using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.DataGen;

/// <summary>The first stage: the evaluation datasets of every cell, and the training datasets of cells that train from disk.</summary>
public static class GenerateStage
{
    private const string Csv = "csv: true\n";
    private const string NoEvaluation = "evaluation_datasets: false\n";

    /// <summary>Draws the datasets that the experiment of <paramref name="run"/> needs, each distribution once.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="csv">Write CSV too.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops between shards.</param>
    /// <exception cref="Core.EnvironmentFaultException">The folder cannot be written.</exception>
    public static StageOutcome Run(RunFolder run, bool csv, Action<StageProgress> progress, CancellationToken cancellation)
    {
        var experiment = run.Experiment;
        string options = experiment.Resolved("seed", "model", "data", "axes", "evaluation.samples") + (Sampled(experiment).Any() ? "" : NoEvaluation);
        // CSV files that an earlier command asked for stay.
        csv |= run.Manifest.Stages.TryGetValue("generate", out var last) && last.Options == options + Csv;
        if (csv)
            options += Csv;
        return run.Stage(typeof(GenerateStage), "generate", options, [], () =>
        {
            var datasets = Datasets(experiment);
            double total = datasets.Sum(dataset => (double)dataset.Samples);
            double done = 0;
            var gate = new Lock();
            var files = new List<string>();
            foreach (var (name, data, stream, samples) in datasets)
            {
                string folder = RunFolder.Dataset(name);
                var written = DatasetGenerator.Generate(
                    run.Path(folder), data, experiment.Seed, stream, samples, csv,
                    progress: Report,
                    cancellation: cancellation);
                files.AddRange(written.Select(file => $"{folder}/{file}"));
            }

            return files;

            // Threads report in turn, and what they report only grows.
            void Report(int samples)
            {
                lock (gate)
                    progress(new StageProgress("generate", done += samples, total, "samples"));
            }
        });
    }

    // The exact expected loss needs no samples, unless other measures do.
    private static IEnumerable<DataSpec> Sampled(Experiment experiment) =>
        new Grid(experiment).EnumeratePacks().Where(pack => !pack.IsExact || experiment.Evaluation.MeasuresOnSamples).SelectMany(pack => pack.Specs).Select(spec => spec.Data);

    private static List<(string Name, DataSpec Data, RandomStream Stream, long Samples)> Datasets(Experiment experiment)
    {
        var datasets = new Dictionary<string, (string, DataSpec, RandomStream, long)>();
        foreach (var data in Sampled(experiment).Distinct<DataSpec>(ReferenceEqualityComparer.Instance))
        {
            if (experiment.Evaluation.Samples > 0)
                Add(RandomStream.Evaluation, experiment.Evaluation.Samples, data);
            if (data.TrainSamples is { } samples)
                Add(RandomStream.Training, samples, data);
        }

        return [.. datasets.Values];

        void Add(RandomStream stream, long samples, DataSpec data)
        {
            string name = DatasetManifest.FolderName(data, stream, experiment.Seed, samples);
            datasets.TryAdd(name, (name, data, stream, samples));
        }
    }
}
