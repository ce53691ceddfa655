using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;
using ToyPipeline.Report.Data;
using ToyPipeline.Report.Page;

namespace ToyPipeline.Report;

/// <summary>The report of an imported graph that is none of the four kinds: what its outputs say, and what only weights would.</summary>
public static class OutputsReport
{
    private const string FeaturesCsv = "analysis/outputs.csv";
    private const string ModelCsv = "analysis/model.csv";

    private const string Missing =
        "These measures need weights, and are left out: feature norms and which features are represented, superposition, dimensionality, dimensions per feature, "
        + "the interference matrix G and the geometry of its features, feature directions, the bias, neurons and their feature counts, adversarial vulnerability.";

    /// <summary>Writes <c>report.html</c>, unless nothing changed since it was last written.</summary>
    /// <exception cref="Core.InvalidInputException">The analysis is missing or damaged.</exception>
    /// <exception cref="Core.EnvironmentFaultException">The page cannot be written.</exception>
    public static StageOutcome Run(RunFolder run) => run.Stage(typeof(OutputsReport), ReportStage.Name, run.Experiment.Resolved(), [FeaturesCsv, ModelCsv], () =>
    {
        AtomicFile.WriteText(run.Path(ReportStage.PageFile), Write(run));
        return [ReportStage.PageFile];
    });

    private static string Write(RunFolder run)
    {
        var features = CsvTable.Load(run.Path(FeaturesCsv));
        var model = CsvTable.Load(run.Path(ModelCsv));
        var page = PageShell.Open(run.Experiment.Title);
        page.Markup("<header>\n").Element("p", run.Experiment.Name, ("class", "name")).Element("h1", run.Experiment.Title)
            .Element("p", run.Experiment.Description, ("class", "lead")).Markup("</header>\n<main id=\"content\">\n");
        page.Open("section", ("aria-labelledby", "outputs")).Element("h2", "What the outputs say", ("id", "outputs"));
        page.Element("p", "The graph was evaluated with ONNX Runtime on the dataset. Error is the mean squared error of a feature; explained is the share of the "
            + "target's variance that the output explains; response is what a feature alone, at 1, adds to its own output, and interference the sum of squares of "
            + "what each other feature, alone, adds to that output.");
        PageTables.Table(page, "Loss", model, model.Header, ModelCsv);
        PageTables.Table(page, "Features", features, features.Header, FeaturesCsv);
        page.Element("h2", "What only weights would say").Element("p", Missing).Close("section");
        PageTables.Provenance(page, run.Experiment, run.Manifest);
        return page.Markup("</main>\n").Footer().Finish();
    }
}
