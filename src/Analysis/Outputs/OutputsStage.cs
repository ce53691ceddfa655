using System.Globalization;
using CsvHelper;
using ToyPipeline.Analysis.Data;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Analysis.Outputs;

/// <summary>The analysis of a graph that is none of the four kinds: evaluated through ONNX Runtime, measured on its outputs.</summary>
public static class OutputsStage
{
    /// <summary>One row a feature.</summary>
    public const string FeaturesCsv = "analysis/outputs.csv";

    /// <summary>One row: the loss.</summary>
    public const string ModelCsv = "analysis/model.csv";

    private static readonly CsvWriterOptions s_options = new() { NewLine = "\n", FormatProvider = CultureInfo.InvariantCulture };

    /// <summary>Evaluates the graph of an imported run and writes its tables; skips where nothing changed.</summary>
    /// <param name="run">The run.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="InvalidInputException">The graph or the dataset is missing, damaged, or of another shape.</exception>
    /// <exception cref="EnvironmentFaultException">The folder cannot be written.</exception>
    public static StageOutcome Run(RunFolder run, Action<StageProgress> progress, CancellationToken cancellation)
    {
        var spec = run.Experiment.Spec([]);
        string folder = RunFolder.Dataset(DatasetManifest.FolderName(spec.Data, RandomStream.Evaluation, run.Experiment.Seed, run.Experiment.Evaluation.Samples));
        var shards = DatasetManifest.Load(run.Path(folder)).Shards;
        string[] inputs = [RunFolder.InstanceModel(0), $"{folder}/{DatasetManifest.FileName}", .. shards.Select(shard => $"{folder}/{shard.File}")];
        return run.Stage(typeof(OutputsStage), AnalyzeStage.Name, run.Experiment.Resolved("seed", "model", "data", "importance", "evaluation"), inputs, () =>
        {
            Analyse(run, spec, run.Path(folder), progress, cancellation);
            return [FeaturesCsv, ModelCsv];
        });
    }

    private static void Analyse(RunFolder run, CellSpec spec, string dataset, Action<StageProgress> progress, CancellationToken cancellation)
    {
        int n = spec.Model.Features;
        using var session = GraphSession.Open(run.Path(RunFolder.InstanceModel(0)), n);
        bool absolute = spec.Model.Kind == ModelKind.AbsoluteValue;
        var measures = new OutputMeasures(n, absolute);
        var loss = new EvaluationLoss(spec.Model.Kind, spec.Importance);
        using var samples = SampleBatches.Open(dataset);
        if (samples.Features != n)
            throw new InvalidInputException($"{dataset} has {samples.Features} features where the model takes {n}; generate the dataset again.");
        float[] x = new float[session.Batch * n];
        while (samples.Read(x) is > 0 and var rows)
        {
            cancellation.ThrowIfCancellationRequested();
            x.AsSpan(rows * n).Clear();
            float[] y = session.Run(x);
            for (int row = 0; row < rows; row++)
            {
                loss.Add(x.AsSpan(row * n, n), y.AsSpan(row * n, n));
                measures.Add(x.AsSpan(row * n, n), y.AsSpan(row * n, n));
            }

            progress(new StageProgress(AnalyzeStage.Name, loss.Estimate.Samples, run.Experiment.Evaluation.Samples, "samples"));
        }

        var features = measures.Result(Responses(session, n, cancellation));
        AtomicFile.Write(run.Path(FeaturesCsv), stream => WriteFeatures(stream, spec, features));
        AtomicFile.Write(run.Path(ModelCsv), stream => WriteModel(stream, loss.Estimate));
    }

    // R_ij = y_i(e_j) − y_i(0), [features, features].
    private static double[] Responses(GraphSession session, int n, CancellationToken cancellation)
    {
        double[] response = new double[n * n];
        float[] rest = session.Run(new float[session.Batch * n])[..n];
        for (int first = 0; first < n; first += session.Batch)
        {
            cancellation.ThrowIfCancellationRequested();
            int rows = Math.Min(session.Batch, n - first);
            float[] x = new float[session.Batch * n];
            for (int row = 0; row < rows; row++)
                x[(row * n) + first + row] = 1;
            float[] y = session.Run(x);
            for (int row = 0; row < rows; row++)
            {
                for (int i = 0; i < n; i++)
                    response[(i * n) + first + row] = (double)y[(row * n) + i] - rest[i];
            }
        }

        return response;
    }

    private static void WriteFeatures(Stream stream, CellSpec spec, IReadOnlyList<OutputFeature> features)
    {
        using var csv = Table(stream, ["feature", "importance", "density", "error", "explained", "response", "interference"]);
        for (int i = 0; i < features.Count; i++)
        {
            csv.WriteField(i);
            foreach (double value in (ReadOnlySpan<double>)[spec.Importance[i], spec.Data.Density[i], features[i].Error, features[i].Explained, features[i].Response, features[i].Interference])
                csv.WriteField(value, "R");
            csv.EndRecord();
        }
    }

    private static void WriteModel(Stream stream, LossEstimate loss)
    {
        using var csv = Table(stream, ["loss", "loss_se", "samples"]);
        csv.WriteField(loss.Mean, "R");
        csv.WriteField(loss.StandardError, "R");
        csv.WriteField(loss.Samples);
        csv.EndRecord();
    }

    private static CsvWriter Table(Stream stream, string[] header)
    {
        var csv = CsvWriter.Create(stream, s_options, leaveOpen: true);
        csv.WriteHeader((ReadOnlySpan<string>)header);
        return csv;
    }
}
