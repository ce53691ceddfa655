using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;

namespace ToyPipeline.Report.Figures;

/// <summary>Training loss over the steps: all replicas, and the best one.</summary>
internal sealed class LossFigure : IFigure
{
    /// <summary>Replicas drawn beside the best one: more are a solid band.</summary>
    private const int MostReplicas = 40;

    private const double BestWidth = 2.5;
    private const double ReplicaWidth = 1;

    public string Id => "loss";

    public string Title => "Training loss";

    public string Caption =>
        "Training loss over the steps, one thin line a replica, the best instance (lowest evaluation loss) bold; the loss axis is logarithmic. "
        + "Look for replicas that level off above the best one: they are stuck in another arrangement of features. A curve that still falls at the end wants more steps.";

    public Drawing Draw(RunData run)
    {
        if (run.Losses.Count == 0)
            return Drawing.LeftOut("Training loss is not drawn: the run has no training history (training.history.loss_every is 0, or the models were imported).");
        if (run.Losses.All(curve => curve.Steps.Length < 2))
            return Drawing.LeftOut("Training loss is not drawn: one value was recorded, and a curve takes two (training.history.loss_every is as long as the training).");
        var curves = run.Losses.ToLookup(curve => curve.Cell);
        var choice = CellChoice.Of(run.Cells);
        var cells = choice.Cells.Where(cell => curves.Contains(cell.Index)).ToList();
        var values = cells.SelectMany(cell => curves[cell.Index]).SelectMany(curve => curve.Loss).Where(Drawable).ToList();
        if (values.Count == 0)
            return Drawing.LeftOut("Training loss is not drawn: no recorded loss is a positive number.");
        double steps = cells.SelectMany(cell => curves[cell.Index]).Max(curve => curve.Steps[^1]);
        int most = cells.Max(cell => curves[cell.Index].Count());
        var x = new Axis("step", 0, Math.Max(1, steps)) { Grid = true };
        var y = new Axis("training loss", values.Min() / 1.3, values.Max() * 1.3) { Log = true, Grid = true };
        return new Drawing(
            new Chart([.. cells.Select(cell => Panel(cell, curves[cell.Index], x, y))], 0.85)
            {
                Legend = most > 1 ? [new("best instance", Ink.Accent, BestWidth), new("other replicas", Ink.Muted, ReplicaWidth)] : [],
            },
            string.Join(" ", cells.Select(cell => Words(cell, curves[cell.Index]))),
            Drawing.Notes(choice.Note, most - 1 > MostReplicas ? $"The first {MostReplicas} of {Numbers.Count(most - 1)} other replicas are drawn." : ""));
    }

    private static bool Drawable(double loss) => loss > 0 && double.IsFinite(loss);

    private static Panel Panel(CellData cell, IEnumerable<LossCurve> curves, Axis x, Axis y)
    {
        var best = curves.Where(curve => curve.Instance == cell.Best);
        var others = curves.Where(curve => curve.Instance != cell.Best).Take(MostReplicas);
        return new Panel(cell.Label, x, y, [
            .. others.Select(curve => Line(curve, Ink.Muted, ReplicaWidth, "replica")), .. best.Select(curve => Line(curve, Ink.Accent, BestWidth, "best")),
        ]);
    }

    private static LineMark Line(LossCurve curve, Ink ink, double width, string what) =>
        new(curve.Steps, [.. curve.Loss.Select(loss => Drawable(loss) ? loss : double.NaN)], ink, width)
        {
            Hover = $"{what}, instance {curve.Instance}<br>step %{{x}}<br>loss %{{y:.4g}}<extra></extra>",
        };

    private static string Words(CellData cell, IEnumerable<LossCurve> curves)
    {
        string where = cell.Label.Length == 0 ? "" : $"{cell.Label}: ";
        return curves.FirstOrDefault(curve => curve.Instance == cell.Best) is { } best
            ? $"{where}loss of the best instance falls from {Numbers.Short(best.Loss[0])} to {Numbers.Short(best.Loss[^1])} in {Numbers.Short(best.Steps[^1])} steps."
            : $"{where}{Numbers.Count(curves.Count(), "replica")}.";
    }
}
