using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using SkiaSharp;
using ToyPipeline.Core.Formats;
using ToyPipeline.Report.Charts;
using ToyPipeline.Report.Charts.Interactive;
using ToyPipeline.Report.Charts.Static;
using ToyPipeline.Report.Data;
using ToyPipeline.Report.Figures;

namespace ToyPipeline.Report.Tests;

internal sealed class FigureTests
{
    [Test]
    public void Bars_carry_the_tables_norms_and_superpositions()
    {
        using var run = SyntheticRun.Intro();
        var bars = Traces(run, new NormFigure()).Where(trace => trace.GetProperty("type").GetString() == "bar").ToList();
        string[][] table = [.. File.ReadLines(run.Run.Path("analysis/features.csv")).Skip(1).Select(line => line.Split(',')).Where(row => row[^1] == "true")];
        Assert.Multiple(() =>
        {
            Assert.That(bars.SelectMany(bar => Numbers(bar.GetProperty("x"))), Is.EqualTo(table.Select(row => Parse(row[7]))));
            Assert.That(bars.SelectMany(bar => Numbers(bar.GetProperty("marker").GetProperty("color"))), Is.EqualTo(table.Select(row => Parse(row[9]))));
        });
    }

    [Test]
    public void Heat_maps_carry_the_matrices()
    {
        using var run = SyntheticRun.Intro();
        var maps = Traces(run, new InterferenceFigure()).Where(trace => trace.GetProperty("type").GetString() == "heatmap").ToList();
        var file = Safetensors.Load(run.Run.Path("analysis/best-00000.safetensors"));
        Assert.Multiple(() =>
        {
            Assert.That(maps.Where((_, i) => i % 2 == 0).SelectMany(Cells), Is.EqualTo(file.Tensors["G"].Values));
            Assert.That(maps.Where((_, i) => i % 2 == 1).SelectMany(Cells), Is.EqualTo(file.Tensors["b"].Values));
        });
    }

    [Test]
    public void A_branch_that_meets_another_above_the_lowest_stays_above_it()
    {
        using var run = SampleRuns.Branches();
        var chart = new BranchFigure().Draw(RunData.Load(run.Run)).Chart!;
        // The third branch is 0.0025 above the second, which is the lowest from 0.17 on.
        var third = chart.Panels[1].Marks.OfType<LineMark>().Single(line => line.Hover!.StartsWith("other", StringComparison.Ordinal));
        Assert.That(third.X, Does.Contain(0.22));
        foreach (var (at, over) in third.X.Zip(third.Y).Where(point => point.First > 0.17))
            Assert.That(over, Is.EqualTo(100 * 0.0025 / (0.0185 + (0.05 * at))).Within(1e-6), $"at {at}");
    }

    [TestCase(1, 1, 2, 1)]
    [TestCase(2, 1, 4, 2)]
    [TestCase(3, 1, 6, 3)]
    [TestCase(3, 2, 6, 3)]
    [TestCase(9, 2, 15, 4)]
    public void Dimensionalities_of_every_row_of_cells_are_drawn(int hidden, int kinds, int panels, int columns)
    {
        using var run = SampleRuns.Geometries(hidden, kinds);
        var data = RunData.Load(run.Run);
        var drawing = new DimensionalityFigure().Draw(data);
        int rows = Math.Min(15, hidden * kinds);
        var dots = drawing.Chart!.Panels.SelectMany(panel => panel.Marks.OfType<DotsMark>()).Where(dots => dots.Hover!.StartsWith("%{text}", StringComparison.Ordinal)).ToList();
        var lines = drawing.Chart.Panels.SelectMany(panel => panel.Marks.OfType<LineMark>()).Where(line => line.X.Count == 6).ToList();
        Assert.Multiple(() =>
        {
            Assert.That((drawing.Chart.Panels.Count, drawing.Chart.Columns), Is.EqualTo((panels, columns)));
            Assert.That(dots, Has.Count.EqualTo(rows));
            Assert.That(lines, Has.Count.EqualTo(rows));
            Assert.That(drawing.Note, rows == hidden * kinds ? Is.Empty : Is.EqualTo("Shown are 15 of 18 rows of cells, evenly chosen from the grid."));
            // The first row: D* from the densest cell on, each feature's dimensionality in one dot or another.
            var cells = data.Cells.Take(6).OrderByDescending(cell => cell.Features[0].Density).ToList();
            Assert.That(lines[0].X, Is.EqualTo(cells.Select(cell => 1 / cell.Features[0].Density)));
            Assert.That(lines[0].Y, Is.EqualTo(cells.Select(cell => data.CellTable.Number(data.CellTable.Rows[cell.Index], "dimensions_per_feature"))));
            foreach (var cell in cells)
            {
                double[] drawn = [.. dots[0].X.Zip(dots[0].Y).Where(dot => dot.First == 1 / cell.Features[0].Density).Select(dot => dot.Second)];
                Assert.That(cell.Features.Where(feature => double.IsFinite(feature.Dimensionality)).Select(feature => drawn.Min(d => Math.Abs(d - feature.Dimensionality))), Is.All.LessThan(0.004));
            }
        });
    }

    [Test]
    public void A_third_axis_of_a_phase_diagram_is_a_panel_for_each_value()
    {
        using var run = SampleRuns.PhasesTwice(8);
        var chart = new PhaseFigure().Draw(RunData.Load(run.Run)).Chart!;
        var maps = chart.Panels.Select(panel => (HeatMark)panel.Marks.Single()).ToList();
        var table = CsvTable.Load(run.Run.Path("analysis/phase.csv"));
        Assert.Multiple(() =>
        {
            Assert.That(chart.Panels.Select(panel => panel.Title), Is.EqualTo(new[] { "measured, objective = exact", "measured, objective = fused", "theory" }));
            Assert.That(chart.Panels.Select(panel => (panel.X.Label, panel.Y.Label)), Is.All.EqualTo(("p", "I₁")));
            Assert.That(maps[0].Values, Is.Not.EqualTo(maps[1].Values));
            for (int plane = 0; plane < 3; plane++)
            {
                // The last value of the importance is on top.
                var rows = table.Rows.Skip(plane % 2 * 64).Take(64).Chunk(8).Reverse().SelectMany(row => row);
                string column = plane == 2 ? "theory_region" : "region";
                Assert.That(maps[plane].Values.Select(value => maps[plane].Words!.Classes[(int)value]), Is.EqualTo(rows.Select(row => table.Text(row, column))));
            }
        });
    }

    [Test]
    public void Colours_of_values_without_outliers_end_at_the_largest()
    {
        var (scale, note) = ColorScale.Around0("G", [0, 0.5, -1.23, 1]);
        Assert.That((scale.From, scale.To, scale.Clipped, note), Is.EqualTo((-1.3, 1.3, false, "")));
        Assert.That(ColorScale.Around0("G", [0.1, -0.2]).Scale.To, Is.EqualTo(1), "G of a feature that comes back is 1");
        Assert.That(ColorScale.Around0("G", [double.NaN]).Scale.To, Is.EqualTo(1));
    }

    [Test]
    public void Outliers_do_not_make_colours_pale_and_are_told()
    {
        // 100 values, of which 4 lie far out.
        var (scale, note) = ColorScale.Around0("G", [.. Enumerable.Repeat(0.2, 90), .. Enumerable.Repeat(-2.0, 6), 40, -41, 42, 43]);
        Assert.Multiple(() =>
        {
            Assert.That((scale.From, scale.To, scale.Clipped), Is.EqualTo((-2.0, 2.0, true)));
            Assert.That(note, Is.EqualTo("Colours end at ±2, the larger of 1 and the 95th percentile of all sizes; 4 % of the entries lie beyond, up to 43."));
            Assert.That(scale.Ticks(4).Select(tick => tick.Text), Is.EqualTo(new[] { "≤−2", "−1", "0", "1", "≥2" }));
            Assert.That((scale.Place(43), scale.Place(-41), scale.Place(1)), Is.EqualTo((1, 0, 0.75)));
        });
    }

    [Test]
    public void A_matrix_whose_colours_end_before_its_values_keeps_its_values()
    {
        using var run = SampleRuns.Outlier();
        var traces = JsonDocument.Parse(PlotlyFigure.Json(new InterferenceFigure().Draw(RunData.Load(run.Run)).Chart!)).RootElement;
        var bar = traces.GetProperty("layout").GetProperty("coloraxis");
        Assert.Multiple(() =>
        {
            Assert.That(bar.GetProperty("cmax").GetDouble(), Is.EqualTo(1));
            Assert.That(bar.GetProperty("colorbar").GetProperty("ticktext").EnumerateArray().Last().GetString(), Is.EqualTo("≥1"));
            Assert.That(Cells(traces.GetProperty("data")[0]).Max(), Is.EqualTo(36));
        });
    }

    [Test]
    public void Vectors_end_where_the_rows_of_W_end()
    {
        using var run = SyntheticRun.Intro();
        var tips = Traces(run, new DirectionsFigure()).Where(trace => trace.GetProperty("mode").GetString() == "markers")
            .SelectMany(trace => Numbers(trace.GetProperty("x")).Zip(Numbers(trace.GetProperty("y")))).SelectMany(tip => new[] { (float)tip.First, (float)tip.Second });
        Assert.That(tips, Is.EqualTo(Safetensors.Load(run.Run.Path("analysis/best-00000.safetensors")).Tensors["W"].Values));
    }

    [Test]
    public void Three_dimensions_are_a_scene_that_can_be_turned()
    {
        using var run = SampleRuns.Solids();
        var traces = Traces(run, new DirectionsFigure());
        Assert.Multiple(() =>
        {
            Assert.That(traces.Select(trace => trace.GetProperty("type").GetString()), Is.All.EqualTo("scatter3d"));
            Assert.That(traces.Select(trace => trace.GetProperty("scene").GetString()).Distinct(), Is.EqualTo(new[] { "scene", "scene2" }));
        });
    }

    [Test]
    public void Loss_curves_carry_the_history_with_the_best_instance_bold()
    {
        using var run = SyntheticRun.Intro();
        var lines = Traces(run, new LossFigure()).Where(trace => trace.TryGetProperty("xaxis", out _)).ToList();
        var bold = lines.Where(line => line.GetProperty("line").GetProperty("color").GetString() == Ink.Accent.Token).ToList();
        var history = TrainingHistory.Load(run.Run.Path("weights/pack-00000.history.safetensors"));
        Assert.Multiple(() =>
        {
            Assert.That(lines, Has.Count.EqualTo(48));
            Assert.That(bold, Has.Count.EqualTo(3));
            for (int cell = 0; cell < 3; cell++)
            {
                var expected = history.Loss.AsSpan(run.Cells[cell].Instance * history.LossSteps.Length, history.LossSteps.Length).ToArray();
                Assert.That(Numbers(bold[cell].GetProperty("y")).Select(y => (float)y), Is.EqualTo(expected));
            }
        });
    }

    [Test]
    public void Fonts_are_the_reports_own_whatever_the_machine_has()
    {
        ReportFonts.Use();
        var used = ScottPlot.Fonts.GetTypeface("a family that no machine has", bold: false, italic: false);
        Assert.That(used.FamilyName, Is.EqualTo(ReportFonts.Family));
        foreach (char letter in "Sp=0123456789.−k‖Wᵢ₀₁²feature normimportancesuperpositiontraininglossstepGbijβα√°±≥≤×·…")
        {
            Assert.That(letter == ' ' || ReportFonts.Regular.GetGlyph(letter) != 0, Is.True, $"Regular has no {letter}");
            Assert.That(letter == ' ' || ReportFonts.SemiBold.GetGlyph(letter) != 0, Is.True, $"SemiBold has no {letter}");
        }
    }

    [TestCase("A")]
    [TestCase("g")]
    [TestCase("8")]
    public void Letters_leave_their_own_pixels(string letter)
    {
        byte[] own = Pixels(letter), other = Pixels("H"), none = Pixels("");
        Assert.Multiple(() =>
        {
            Assert.That(own.Zip(none).Count(pair => pair.First != pair.Second), Is.GreaterThan(40), "the label has ink");
            Assert.That(own.Zip(other).Count(pair => pair.First != pair.Second), Is.GreaterThan(20), "and not the ink of another letter");
        });
    }

    [Test]
    public void Labels_are_outlines_in_svg()
    {
        string svg = StaticFigure.Svg(Titled("Agx"), "title <b>", "words & more");
        Assert.That(svg, Does.Contain("aria-label=\"Agx\"").And.Contain("title &lt;b&gt;").And.Contain("words &amp; more"));
    }

    [Test]
    public void Each_label_is_drawn_once()
    {
        using var run = SyntheticRun.Intro();
        string svg = StaticFigure.Svg(new NormFigure().Draw(RunData.Load(run.Run)).Chart!, "", "");
        Assert.That(svg.Split("aria-label=\"norm ‖Wᵢ‖\"").Length - 1, Is.EqualTo(3), "once a panel");
    }

    [Test]
    public void Titles_are_heavier_than_labels_in_svg_as_in_png()
    {
        using var font = new SKFont(ReportFonts.SemiBold, 14) { Hinting = SKFontHinting.None, Subpixel = true };
        using var glyph = font.GetGlyphPath(font.GetGlyph('H'));
        var outline = XDocument.Parse(StaticFigure.Svg(Titled("H"), "", "")).Descendants().Single(e => e.Attribute("aria-label")?.Value == "H");
        using var drawn = SKPath.ParseSvgPathData(outline.Attribute("d")!.Value);
        Assert.That(drawn.Bounds.Width, Is.EqualTo(glyph.Bounds.Width).Within(1e-3));
    }

    [Test]
    public void Bias_beside_the_matrix_is_drawn()
    {
        using var run = SampleRuns.Line();
        var chart = new InterferenceFigure().Draw(RunData.Load(run.Run)).Chart!;
        var column = chart with { Panels = [.. chart.Panels.Select(panel => panel with { Marks = [panel.Marks[1]] })] };
        var empty = chart with { Panels = [.. chart.Panels.Select(panel => panel with { Marks = [] })] };
        using var drawn = SKBitmap.Decode(StaticFigure.Png(column));
        using var blank = SKBitmap.Decode(StaticFigure.Png(empty));
        Assert.That(drawn.Pixels.Zip(blank.Pixels).Count(pair => pair.First != pair.Second), Is.GreaterThan(5000));
    }

    private static Chart Titled(string title) => new([new Panel(title, new Axis("", 0, 1) { Hidden = true }, new Axis("", 0, 1) { Hidden = true }, [])], 0.2);

    private static byte[] Pixels(string title)
    {
        using var bitmap = SKBitmap.Decode(StaticFigure.Png(Titled(title)));
        return bitmap.Bytes;
    }

    private static List<JsonElement> Traces(SyntheticRun run, IFigure figure)
    {
        var chart = figure.Draw(RunData.Load(run.Run)).Chart!;
        return [.. JsonDocument.Parse(PlotlyFigure.Json(chart)).RootElement.GetProperty("data").EnumerateArray()];
    }

    private static IEnumerable<double> Numbers(JsonElement array) => array.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Null ? double.NaN : item.GetDouble());

    private static IEnumerable<float> Cells(JsonElement heat) => heat.GetProperty("z").EnumerateArray().SelectMany(Numbers).Select(value => (float)value);

    private static double Parse(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
