using ToyPipeline.Core.Experiments;
using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Data;
using Axis = ToyPipeline.Report.Charts.Axis;

namespace ToyPipeline.Report.Figures;

/// <summary>Neurons as stacks of weights (paper: "Superposition in a privileged basis", "Computation in superposition").</summary>
internal sealed class NeuronFigure : IFigure
{
    private const int MostCells = 6;

    /// <summary>Weights below this share of the panel's largest are noise, and too thin to be seen.</summary>
    private const double Least = 0.04;

    private static readonly Dictionary<string, Ink> s_inks = new() { ["monosemantic"] = Ink.Hue(0), ["polysemantic"] = Ink.Hue(1), ["dead"] = Ink.Muted };

    public string Id => "neurons";

    public string Title => "Neurons as stacks of features";

    public string Caption =>
        "Each column is a neuron of the best instance of a cell, each box in it the weight of one feature: positive weights stand on the line, negative ones hang from it. "
        + "Look for columns of one box, or of one that is far larger than the others (monosemantic neurons), and columns of several (polysemantic ones, in another colour), and for how sparsity turns the first into the second.";

    public Drawing Draw(RunData run)
    {
        if (run.Table("neurons", "cell", "neuron", "kind") is not { } table)
            return Drawing.Skipped;
        var neural = run.Cells.Where(cell => cell.Model is not null && run.Spec(cell).Model.Kind is ModelKind.ReluHidden or ModelKind.AbsoluteValue).ToList();
        if (neural.Count == 0)
            return Drawing.Skipped;
        // Models of both kinds in one grid: the ones with two matrices need rows of their own.
        bool two = neural.All(cell => cell.Model!.W2 is not null);
        var choice = CellChoice.Of([.. neural.Where(cell => cell.Model!.W2 is not null == two)], MostCells);
        var cells = choice.Cells;
        int others = neural.Count - choice.Total;
        var kinds = table.Rows.ToLookup(row => table.Integer(row, "cell"), row => (Neuron: table.Integer(row, "neuron"), Kind: table.Text(row, "kind")));
        var panels = two
            ? cells.Select(cell => Panel(cell, cell.Model!.W1!, "input weights W1")).Concat(cells.Select(cell => Panel(cell, cell.Model!.W2!, "output weights W2")))
            : cells.Select(cell => Panel(cell, cell.Model!.W!, "weights W"));
        int row = Math.Min(cells.Count, two ? cells.Count : 3);
        return new Drawing(
            new Chart(Aligned([.. panels], row), row == 1 ? 0.6 : 0.9)
            {
                InARow = row,
                Legend = [.. s_inks.Select(pair => new LegendEntry(pair.Key, pair.Value, 10))],
            },
            string.Join(" ", cells.Select(cell => Words(cell, [.. kinds[cell.Index].Select(neuron => neuron.Kind)]))),
            Drawing.Notes(choice.Note, others == 0 ? "" : $"{Numbers.Count(others, "cell")} of absolute-value models, which have two matrices, left out."));

        Panel Panel(CellData cell, double[] w, string label) =>
            Stack(cell, w, label, kinds[cell.Index].ToDictionary(neuron => neuron.Neuron, neuron => neuron.Kind));
    }

    // Panels of a row share their vertical axis: the first one's names stand for all.
    private static List<Panel> Aligned(IReadOnlyList<Panel> panels, int row) => [.. panels.Select((panel, i) =>
    {
        var others = panels.Skip(i / row * row).Take(row).ToList();
        return panel with { Y = panel.Y with { From = others.Min(other => other.Y.From), To = others.Max(other => other.Y.To) } };
    })];

    private static Panel Stack(CellData cell, double[] w, string label, Dictionary<int, string> kinds)
    {
        int n = cell.Model!.Features, m = cell.Model.Hidden;
        double least = Least * w.Max(Math.Abs);
        var boxes = (At: new List<double>(), Base: new List<double>(), Heights: new List<double>(), Inks: new List<Ink>(), Texts: new List<string>());
        double low = 0, high = 0;
        for (int k = 0; k < m; k++)
        {
            double up = 0, down = 0;
            string kind = kinds.GetValueOrDefault(k, "");
            for (int i = 0; i < n; i++)
            {
                double weight = w[(i * m) + k];
                if (!double.IsFinite(weight) || Math.Abs(weight) < least)
                    continue;
                boxes.At.Add(k);
                boxes.Base.Add(weight > 0 ? up : down);
                boxes.Heights.Add(weight);
                boxes.Inks.Add(s_inks.GetValueOrDefault(kind, Ink.Muted));
                boxes.Texts.Add($"neuron {k}, {kind}\nfeature {i}\nweight {Numbers.Short(weight)}");
                (up, down) = weight > 0 ? (up + weight, down) : (up, down + weight);
            }

            (low, high) = (Math.Min(low, down), Math.Max(high, up));
        }

        var neurons = Axis.OfFeatures("neuron", m);
        return new Panel(cell.Label, neurons, new Axis(label, low * 1.06, Math.Max(0.1, high * 1.06)) { Grid = true }, [
            new BoxesMark(boxes.At, boxes.Base, boxes.Heights, boxes.Inks) { Texts = boxes.Texts, Hover = "%{text}<extra></extra>" },
            new LineMark([neurons.From, neurons.To], [0, 0], Ink.Text, 1),
        ]);
    }

    private static string Words(CellData cell, IReadOnlyList<string> kinds) =>
        $"{(cell.Label.Length == 0 ? "" : cell.Label + ": ")}{kinds.Count(kind => kind == "monosemantic")} monosemantic, {kinds.Count(kind => kind == "polysemantic")} polysemantic, {kinds.Count(kind => kind == "dead")} dead.";
}
