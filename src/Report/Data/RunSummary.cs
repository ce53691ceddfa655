using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;
using ToyPipeline.Report.Figures;

namespace ToyPipeline.Report.Data;

/// <summary>A run as a list shows it.</summary>
/// <param name="Name">Name of its folder.</param>
/// <param name="Title">Title of the experiment; where the run cannot be read, why not.</param>
/// <param name="Holding">Claims that hold.</param>
/// <param name="Claims">Claims in all; null before the analysis.</param>
/// <param name="Seconds">Duration of all stages.</param>
/// <param name="Finished">When the last stage finished, UTC; null before the first.</param>
/// <param name="Thumbnail">Path of its most telling figure, small; of its first one where the report drew none so; null where there is none.</param>
/// <param name="HasReport">Whether its page is there.</param>
internal sealed record RunSummary(string Name, string Title, int Holding, int? Claims, double Seconds, DateTime? Finished, string? Thumbnail, bool HasReport)
{
    /// <summary>The runs below a folder, by name. A damaged run is listed with what is wrong.</summary>
    public static IEnumerable<RunSummary> All(string artifacts) => Directory.EnumerateDirectories(artifacts)
        .Where(folder => File.Exists(Path.Combine(folder, "experiment.yaml"))).Order(StringComparer.Ordinal).Select(Of);

    private static RunSummary Of(string folder)
    {
        string name = Path.GetFileName(folder);
        try
        {
            var experiment = Experiment.Load(Path.Combine(folder, "experiment.yaml"));
            var stages = RunManifest.Load(folder).Stages;
            string claimsFile = Path.Combine(folder, "analysis", "claims.csv");
            var claims = File.Exists(claimsFile) ? CsvTable.Load(claimsFile) : null;
            return new RunSummary(
                name, experiment.Title, claims?.Rows.Count(row => claims.Flag(row, "holds")) ?? 0, claims?.Rows.Count, stages.Values.Sum(stage => stage.Seconds),
                stages.Count == 0 ? null : stages.Values.Max(stage => stage.Finished),
                Gallery.Figures.Select(figure => $"figures/{figure.Id}.png").Prepend(ReportStage.ThumbnailFile).Select(file => Path.Combine(folder, file)).FirstOrDefault(File.Exists),
                File.Exists(Path.Combine(folder, ReportStage.PageFile)));
        }
        catch (InvalidInputException e)
        {
            return new RunSummary(name, e.Message, 0, null, 0, null, null, false);
        }
    }
}
