using ToyPipeline.Analysis;
using ToyPipeline.Analysis.Claims;
using ToyPipeline.Analysis.Outputs;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Runs;
using ToyPipeline.DataGen;
using ToyPipeline.Export;
using ToyPipeline.Export.Import;
using ToyPipeline.Report;
using ToyPipeline.Training;

namespace ToyPipeline.Cli;

/// <summary>Options of a pipeline run.</summary>
/// <param name="Artifacts">Folder of the runs.</param>
/// <param name="Force">Redo stages where nothing changed.</param>
/// <param name="AcceptChanges">Take changed files as they are.</param>
/// <param name="Csv">Write datasets as CSV too.</param>
internal sealed record PipelineOptions(string Artifacts, bool Force, bool AcceptChanges, bool Csv)
{
    /// <summary>Trains the packs of a sweep, which is then overlapped with what follows; null runs one stage after the other.</summary>
    public PackExecutor? Sweep { get; init; }
}

/// <summary>Calls the stages of an experiment in order.</summary>
internal static class Pipeline
{
    /// <summary>The stages in order.</summary>
    public static IReadOnlyList<string> Stages { get; } = ["generate", "train", "export", "analyze", "report"];

    public static ExitCode Run(string file, IReadOnlyList<string> stages, PipelineOptions options, IOutput output, CancellationToken cancellation, Action<string>? whenReported = null)
    {
        var experiment = Load(file);
        using var run = RunFolder.Open(options.Artifacts, experiment, options.Force, options.AcceptChanges, output.Note);
        output.Start(experiment, run.Root);
        return Run(run, ImportedRun.StagesOf(run.Manifest, stages, file), options.Csv, output, cancellation, whenReported, options.Sweep);
    }

    /// <summary>Runs stages of an open run.</summary>
    public static ExitCode Run(
        RunFolder run, IReadOnlyList<string> stages, bool csv, IOutput output, CancellationToken cancellation, Action<string>? whenReported = null, PackExecutor? sweep = null)
    {
        IReadOnlyList<ClaimResult> claims = [];
        bool outputsOnly = ImportStage.HasOutputsOnly(run.Manifest);
        foreach (string stage in stages)
        {
            cancellation.ThrowIfCancellationRequested();
            // Of a model from elsewhere there is nothing to train, and no sweep.
            if (sweep is not null && stages.Contains(TrainStage.Name) && stage is TrainStage.Name or ExportStage.Name or AnalyzeStage.Name)
            {
                if (stage == TrainStage.Name)
                    claims = SweepRun.Run(run, sweep, output, cancellation);
                continue;
            }

            output.Stage(stage, progress =>
            {
                switch (stage)
                {
                    case "generate":
                        return GenerateStage.Run(run, csv, progress, cancellation);
                    case "train":
                        return TrainStage.Run(run, progress, cancellation);
                    case "export":
                        return ExportStage.Run(run, progress, cancellation);
                    case "analyze" when outputsOnly:
                        return OutputsStage.Run(run, progress, cancellation);
                    case "analyze":
                        var analysis = AnalyzeStage.Run(run, progress, cancellation);
                        claims = analysis.Claims;
                        return analysis.Outcome;
                    default:
                        return outputsOnly ? OutputsReport.Run(run) : ReportStage.Run(run, progress, cancellation);
                }
            });
        }

        if (claims.Count > 0)
            output.Claims(claims);
        if (stages.Contains("report"))
        {
            output.Report(run.Path(ReportStage.PageFile));
            whenReported?.Invoke(run.Path(ReportStage.PageFile));
        }

        return claims.All(claim => claim.Holds) ? ExitCode.Done : ExitCode.ClaimFailed;
    }

    private static Experiment Load(string file)
    {
        if (File.Exists(file))
            return Experiment.Load(file);
        string known = Path.Combine("experiments", Path.ChangeExtension(Path.GetFileName(file), ".yaml"));
        string guess = File.Exists(known) ? $"; did you mean {known}?" : ".";
        throw new InvalidInputException(Directory.Exists(file) ? $"{file} is a folder, not an experiment file{guess}" : $"There is no file {file}{guess}");
    }
}
