using ToyPipeline.Analysis;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Runs;
using ToyPipeline.Report;

namespace ToyPipeline.Cli;

/// <summary>Lists the runs of an artifacts folder.</summary>
internal static class RunList
{
    public static ExitCode Show(string artifacts, IOutput output)
    {
        if (!Directory.Exists(artifacts))
            throw new InvalidInputException($"There is no folder {artifacts}; runs are made by `toy run`, and --artifacts says where they are.");
        var rows = Directory.EnumerateDirectories(artifacts)
            .Where(folder => File.Exists(Path.Combine(folder, "experiment.yaml")))
            .Order(StringComparer.Ordinal).Select(Row).ToList();
        output.Table("run", ["name", "title", "claims", "stages", "seconds", "finished", "report"], rows);
        return ExitCode.Done;
    }

    private static IReadOnlyList<string> Row(string folder)
    {
        string name = Path.GetFileName(folder);
        try
        {
            var experiment = Experiment.Load(Path.Combine(folder, "experiment.yaml"));
            var stages = RunManifest.Load(folder).Stages;
            var claims = AnalyzeStage.Claims(folder);
            return
            [
                name,
                experiment.Title,
                claims is null ? "-" : $"{claims.Count(claim => claim.Holds)}/{claims.Count}",
                string.Join(' ', Pipeline.Stages.Where(stages.ContainsKey)),
                stages.Values.Sum(stage => stage.Seconds).ToString("F1"),
                stages.Count == 0 ? "-" : stages.Values.Max(stage => stage.Finished).ToString("yyyy-MM-dd HH:mm"),
                File.Exists(Path.Combine(folder, ReportStage.PageFile)) ? Path.Combine(folder, ReportStage.PageFile) : "-",
            ];
        }
        catch (InvalidInputException e)
        {
            return [name, e.Message, "-", "-", "-", "-", "-"];
        }
    }
}
