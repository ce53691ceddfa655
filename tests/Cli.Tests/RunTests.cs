using System.Text.RegularExpressions;

namespace ToyPipeline.Cli.Tests;

/// <summary><c>toy run</c> from start to end, and again.</summary>
public sealed partial class RunTests
{
    private static readonly string[] s_stages = ["generate", "train", "export", "analyze", "report"];

    [Test]
    public void A_run_writes_every_file_of_the_formats_page()
    {
        using var workspace = Workspace.Finished();
        var (code, output, error) = workspace.First!;
        Assert.Multiple(() =>
        {
            Assert.That(code, Is.Zero);
            Assert.That(error, Is.Empty);
            Assert.That(output, Does.StartWith("tiny: A tiny experiment (4 instances), in artifacts"));
            Assert.That(output, Does.Match(@"\ndata\.sparsity = 0\.0 +loss +at most 1 +0\.\d+ +yes\n"));
            Assert.That(output, Does.Contain("\nreport: " + Path.Combine("artifacts", "tiny", "report.html")));
            foreach (string stage in s_stages)
                Assert.That(output, Does.Match($@"\n{stage} +done in \d+\.\d s\n"));
        });
        string[] files = [.. workspace.Files().Keys];
        foreach (string line in Block().Match(Repository.Read("docs/formats.md")).Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string pattern = Regex.Escape(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]).Replace("<digest>", "[0-9a-f]+", StringComparison.Ordinal).Replace(@"\.\.\.", ".+", StringComparison.Ordinal);
            Assert.That(files, Has.Some.Matches($"^{pattern}"), line);
        }

        Assert.That(files, Has.None.EndsWith(".partial"));
    }

    [Test]
    public void A_second_run_touches_nothing()
    {
        using var workspace = Workspace.Finished();
        var before = workspace.Files();
        var (code, output, error) = workspace.Toy("run", "tiny.yaml");
        Assert.Multiple(() =>
        {
            Assert.That((code, error), Is.EqualTo((0, "")));
            foreach (string stage in s_stages)
                Assert.That(output, Does.Match($@"\n{stage} +unchanged\n"));
            Assert.That(output, Does.Contain("yes\n"), "the claims are shown again");
            Assert.That(workspace.Files(), Is.EqualTo(before));
        });
    }

    [Test]
    public void A_stage_of_other_code_is_done_again_and_those_that_read_the_same_bytes_are_not()
    {
        using var workspace = Workspace.Finished();
        var before = workspace.Files();
        string manifest = Path.Combine(workspace.Run, "manifest.json");
        File.WriteAllText(manifest, OtherCode().Replace(File.ReadAllText(manifest), "$1\"0123456789abcdef\""));
        var (code, output, error) = workspace.Toy("run", "tiny.yaml");
        Assert.Multiple(() =>
        {
            Assert.That((code, error), Is.EqualTo((0, "")));
            Assert.That(output, Does.Match(@"\nnote: export is done again: what is there was made by other code, on [-0-9]+ [0-9:]+ UTC\.\nexport +done in"));
            foreach (string stage in s_stages.Except(["export"]))
                Assert.That(output, Does.Match($@"\n{stage} +unchanged\n"));
            Same(before, workspace.Files());
        });
        Assert.That(workspace.Toy("run", "tiny.yaml").Out, Does.Not.Contain("done in"));
    }

    [Test]
    public void Force_redoes_every_stage_and_a_fresh_run_gives_the_same_bytes()
    {
        using var forced = Workspace.Finished();
        using var fresh = new Workspace();
        var before = forced.Files();
        var again = forced.Toy("run", "tiny.yaml", "--force");
        Assert.That(fresh.Toy("run", "tiny.yaml", "--force").Code, Is.Zero, "nothing there to redo");
        Assert.Multiple(() =>
        {
            Assert.That(again.Code, Is.Zero);
            Assert.That(again.Out, Does.Not.Contain("unchanged"));
            Same(before, forced.Files());
            Same(before, fresh.Files());
        });
    }

    [Test]
    public void A_claim_that_fails_is_exit_code_1_now_and_later()
    {
        using var workspace = Workspace.Finished();
        workspace.Write("tiny.yaml", Workspace.TinyExperiment + "  - { measure: \"norm[0]\", at_least: 10 }\n");
        foreach (string[] args in new[] { ["run", "tiny.yaml"], new[] { "analyze", "tiny.yaml" } })
        {
            var (code, output, error) = workspace.Toy(args);
            Assert.Multiple(() =>
            {
                Assert.That((code, error), Is.EqualTo((1, "")));
                Assert.That(output, Does.Match(@"\nall cells +norm\[0\] +at least 10 +0\.\d+ .*NO\n"));
                Assert.That(output, Does.Match(@" yes\n"));
                Assert.That(output, Does.Match(@"\ntrain +unchanged\n").Or.Not.Contain("train"));
            });
        }

        Assert.That(workspace.Toy("list").Out, Does.Match(@"\ntiny +A tiny experiment +1/2 +generate train export analyze report"));
    }

    [Test]
    public void Csv_stays_when_a_later_command_does_not_ask_for_it()
    {
        using var workspace = new Workspace();
        Assert.That(workspace.Toy("generate", "tiny.yaml", "--csv").Code, Is.Zero);
        string[] csv = [.. workspace.Files().Keys.Where(path => path.EndsWith(".csv", StringComparison.Ordinal))];
        Assert.That(csv, Is.Not.Empty);
        Assert.That(workspace.Toy("generate", "tiny.yaml").Out, Does.Match(@"generate +unchanged"));
        Assert.That(workspace.Files().Keys, Is.SupersetOf(csv));
    }

    // All but what says when and how long.
    private static void Same(Dictionary<string, (byte[] Bytes, DateTime Written)> expected, Dictionary<string, (byte[] Bytes, DateTime Written)> actual)
    {
        Assert.That(actual.Keys, Is.EquivalentTo(expected.Keys));
        foreach (string path in expected.Keys.Except(["manifest.json", "report.html"]))
            Assert.That(actual[path].Bytes, Is.EqualTo(expected[path].Bytes), path);
    }

    [GeneratedRegex(@"(""export"": \{.*?""code"": )""[0-9a-f]{16}""", RegexOptions.Singleline)]
    private static partial Regex OtherCode();

    [GeneratedRegex(@"artifacts/<name>/\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
