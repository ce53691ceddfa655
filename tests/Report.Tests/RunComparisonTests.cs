using System.Xml.Linq;
using ToyPipeline.Core;

namespace ToyPipeline.Report.Tests;

/// <summary>The page about two runs: what changed, and nothing else.</summary>
internal sealed class RunComparisonTests
{
    private const string Yaml = """
        name: pair
        title: Two features
        model: { kind: relu-output, features: 2, hidden: 1 }
        replicas: 2
        axes:
          - { path: data.density, values: [1, 0.1] }
        """;

    private string _target = "";

    [SetUp]
    public void Make() => _target = Directory.CreateTempSubdirectory("toy-compare-").FullName;

    [TearDown]
    public void Delete() => Directory.Delete(_target, recursive: true);

    [Test]
    public void Equal_runs_differ_in_nothing()
    {
        using var a = Run(Yaml);
        using var b = Run(Yaml);
        var page = Compare(a, b);
        Assert.Multiple(() =>
        {
            Assert.That(page.Root!.Value, Does.Contain("No verdict changed of 4 claims.").And.Contain("of 2 cells are the same to the last digit.").And.Contain("The experiment files are the same."));
            Assert.That(page.Descendants("tr").Where(row => row.Attribute("class")?.Value == "changed"), Is.Empty);
            Assert.That(page.Descendants("h3"), Is.Empty);
            Assert.That(File.Exists(Path.Combine(_target, "compare-pair-pair.html")), Is.True);
        });
    }

    [Test]
    public void Verdicts_that_changed_are_counted_and_marked()
    {
        using var a = Run(Yaml);
        using var b = Run(Yaml);
        Edit(b, "analysis/claims.csv", "0.0123456789,0.001,false", "0.0101,0.001,true");
        var page = Compare(a, b);
        var changed = page.Descendants("tr").Where(row => row.Attribute("class")?.Value == "changed").ToList();
        Assert.Multiple(() =>
        {
            Assert.That(page.Root!.Value, Does.Contain("The verdict changed on 1 of 4 claims."));
            Assert.That(changed.Select(Cells), Is.EqualTo(new[] { "all cells|loss|at_most 0.01|✗ does not hold|✓ holds|0.01235|0.0101" }));
        });
    }

    [Test]
    public void Claims_of_one_run_only_have_a_verdict_on_one_side()
    {
        using var a = Run(Yaml);
        using var b = Run(Yaml);
        File.Delete(b.Run.Path("analysis/claims.csv"));
        var page = Compare(a, b);
        Assert.That(page.Root!.Value, Does.Contain("The verdict changed on 4 of 4 claims."));
        Assert.That(page.Descendants("tr").Select(Cells), Has.Member("data.sparsity = 0.8|geometry|equals 2 digon|✓ holds|–|2 digon|–"));
    }

    [Test]
    public void Measures_that_changed_are_listed_by_cell_largest_change_first()
    {
        using var a = Run(Yaml);
        using var b = Run(Yaml);
        string[] lines = File.ReadAllLines(b.Run.Path("analysis/cells.csv"));
        lines[1] = lines[1].Replace("0.0123456789,", "0.0133456789,", StringComparison.Ordinal);
        lines[2] = lines[2].Replace("0.0123456789,", "0.0023456789,", StringComparison.Ordinal).Replace("2 features", "digon", StringComparison.Ordinal);
        File.WriteAllLines(b.Run.Path("analysis/cells.csv"), lines);
        var page = Compare(a, b);
        Assert.Multiple(() =>
        {
            Assert.That(page.Root!.Value, Does.Match("2 of \\d+ measures changed, in 2 of 2 cells."));
            Assert.That(page.Descendants("h3").Select(h => h.Value), Is.EqualTo(new[] { "loss best: 2 cells", "geometry: 1 cell" }));
            var rows = page.Descendants("div").Single(div => div.Attribute("aria-label")?.Value == "loss_best").Descendants("tr").Skip(1).Select(Cells);
            Assert.That(rows, Is.EqualTo(new[] { "p = 0.1|0.01235|0.002346|-0.01", "p = 1|0.01235|0.01335|0.001" }));
            Assert.That(page.Descendants("tr").Select(Cells), Has.Member("p = 0.1|2 features|digon|"));
        });
    }

    [Test]
    public void Cells_of_one_run_only_are_named_and_settings_that_differ_are_shown()
    {
        using var a = Run(Yaml);
        using var b = Run(Yaml.Replace("[1, 0.1]", "[1, 0.1, 0.05]", StringComparison.Ordinal).Replace("replicas: 2", "replicas: 3", StringComparison.Ordinal));
        var page = Compare(a, b);
        Assert.Multiple(() =>
        {
            Assert.That(page.Root!.Value, Does.Contain("Only in B: p = 0.05.").And.Not.Contain("Only in A"));
            Assert.That(page.Descendants("span").Where(span => span.Attribute("class")?.Value == "removed").Select(span => span.Value.Trim()), Has.Member("A: replicas: 2"));
            Assert.That(page.Descendants("span").Where(span => span.Attribute("class")?.Value == "added").Select(span => span.Value.Trim()), Has.Member("B: replicas: 3"));
        });
    }

    [Test]
    public void A_value_that_is_written_otherwise_is_the_same_cell()
    {
        using var a = Run(Yaml);
        using var b = Run(Yaml.Replace("[1, 0.1]", "[1.0, 0.10]", StringComparison.Ordinal));
        Assert.That(Compare(a, b).Root!.Value, Does.Not.Contain("Only in"));
    }

    [Test]
    public void Runs_over_other_axes_are_not_compared()
    {
        using var a = Run(Yaml);
        using var b = Run(Yaml.Replace("data.density", "data.sparsity", StringComparison.Ordinal).Replace("[1, 0.1]", "[0, 0.9]", StringComparison.Ordinal));
        Assert.That(() => Compare(a, b), Throws.TypeOf<InvalidInputException>().With.Message.Contains("data.density").And.Message.Contains("data.sparsity"));
        Assert.That(Directory.EnumerateFiles(_target), Is.Empty);
    }

    [Test]
    public void A_folder_that_is_no_run_is_named()
    {
        using var a = Run(Yaml);
        Assert.That(() => RunComparison.Write(a.Run.Root, _target, _target), Throws.TypeOf<InvalidInputException>().With.Message.Contains(_target));
    }

    [TestCase("analysis/cells.csv", null, "cells.csv")]
    [TestCase("analysis/cells.csv", "cell,data.density\n0,1,2\n", "cells.csv")]
    [TestCase("analysis/claims.csv", "claim,at\n0,x\n", "measure")]
    [TestCase("experiment.yaml", "name: [unclosed", "experiment.yaml")]
    public void A_broken_run_is_named(string file, string? text, string expected)
    {
        using var a = Run(Yaml);
        using var b = Run(Yaml);
        if (text is null)
            File.Delete(b.Run.Path(file));
        else
            File.WriteAllText(b.Run.Path(file), text);
        Assert.That(() => Compare(a, b), Throws.TypeOf<InvalidInputException>().With.Message.Contains(expected));
        Assert.That(Directory.EnumerateFiles(_target), Is.Empty);
    }

    private static SyntheticRun Run(string yaml) => new(yaml, (_, _) => [[1], [-0.9]], history: false, matrices: false);

    private static void Edit(SyntheticRun run, string file, string before, string after)
    {
        string text = run.Read(file);
        Assert.That(text, Does.Contain(before));
        File.WriteAllText(run.Run.Path(file), text.Replace(before, after, StringComparison.Ordinal));
    }

    private static string Cells(XElement row) => string.Join("|", row.Elements().Select(cell => cell.Value));

    private XDocument Compare(SyntheticRun a, SyntheticRun b) =>
        XDocument.Parse(File.ReadAllText(RunComparison.Write(a.Run.Root, b.Run.Root, _target)).Replace("<!DOCTYPE html>\n", "", StringComparison.Ordinal));
}
