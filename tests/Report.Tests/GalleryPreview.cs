namespace ToyPipeline.Report.Tests;

/// <summary>Writes sample reports for the eye: set TOY_REPORT_PREVIEW to a folder.</summary>
[Explicit("for the eye: set TOY_REPORT_PREVIEW to a folder")]
internal sealed class GalleryPreview
{
    [Test]
    public void Write_sample_reports()
    {
        string target = Environment.GetEnvironmentVariable("TOY_REPORT_PREVIEW") ?? throw new IgnoreException("TOY_REPORT_PREVIEW is not set.");
        foreach (var (name, make) in new (string, Func<SyntheticRun>)[] { ("intro", () => SyntheticRun.Intro()), ("solids", SampleRuns.Solids), ("line", SampleRuns.Line), ("larger", () => SampleRuns.Larger()),
            ("geometry", SampleRuns.Geometry), ("phases", () => SampleRuns.Phases(64)), ("neurons", SampleRuns.Neurons), ("absolute", SampleRuns.AbsoluteValue), ("dynamics", SampleRuns.Dynamics),
            ("branches", SampleRuns.Branches), ("attacked", SampleRuns.Attacked) })
        {
            using var run = make();
            run.Report();
            foreach (string file in Directory.EnumerateFiles(run.Run.Path("figures")).Append(run.Run.Path(ReportStage.PageFile)))
            {
                string copy = Path.Combine(target, name, Path.GetRelativePath(run.Run.Root, file));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy, overwrite: true);
            }
        }
    }
}
