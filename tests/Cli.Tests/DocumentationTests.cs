using System.Text.RegularExpressions;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Cli.Tests;

/// <summary>README and docs say what is true: links, commands, targets, the example.</summary>
public sealed partial class DocumentationTests
{
    private static IEnumerable<string> Pages => Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md")
        .Select(path => Path.GetRelativePath(Repository.Root, path).Replace('\\', '/')).Prepend("README.md").Append("artifacts/README.md").Order();

    [TestCaseSource(nameof(Pages))]
    public void Relative_links_lead_somewhere(string page)
    {
        foreach (string target in Link().Matches(Repository.Read(page)).Select(match => match.Groups[1].Value))
        {
            if (target.Contains("://", StringComparison.Ordinal))
                continue;
            string[] parts = target.Split('#');
            string path = parts[0].Length == 0 ? page : Path.Combine(Path.GetDirectoryName(page)!, parts[0]);
            Assert.That(Path.Exists(Path.Combine(Repository.Root, path)), Is.True, $"{page} links to {target}");
            if (parts.Length > 1)
                Assert.That(Heading().Matches(Repository.Read(path)).Select(heading => Anchor(heading.Groups[1].Value)), Does.Contain(parts[1]), $"{page} links to {target}");
        }
    }

    [TestCaseSource(nameof(Pages))]
    public void Commands_parse_and_name_files_that_exist(string page)
    {
        foreach (string line in Commands(page, "toy "))
        {
            string[] args = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1)];
            Assert.That(ToyCommand.Parse(args).Errors, Is.Empty, line);
            foreach (string file in args.Where(arg => arg.StartsWith("experiments/", StringComparison.Ordinal)))
                Assert.That(File.Exists(Path.Combine(Repository.Root, file)), Is.True, line);
        }
    }

    [TestCaseSource(nameof(Pages))]
    public void Targets_of_the_build_exist(string page)
    {
        string cake = Repository.Read("build.cake");
        string[] targets = [.. Target().Matches(cake).Select(match => match.Groups[1].Value), .. VerbTargets(cake)];
        foreach (string target in TargetOption().Matches(Repository.Read(page)).Select(match => match.Groups[1].Value))
            Assert.That(targets, Does.Contain(target), page);
    }

    [Test]
    public void The_readme_names_every_verb_and_option_of_toy()
    {
        string readme = Repository.Read("README.md");
        var root = ToyCommand.Parse([]).RootCommandResult.Command;
        Assert.Multiple(() =>
        {
            Assert.That(Commands("README.md", "toy ").Select(line => line.Split(' ')[1]).Distinct(), Is.EquivalentTo(root.Subcommands.Select(verb => verb.Name)));
            foreach (var option in root.Subcommands.SelectMany(verb => verb.Options).Concat(root.Options).Where(option => option.Name is not ("--help" or "--version")))
                Assert.That(readme, Does.Contain(option.Name));
        });
    }

    [Test]
    public void The_readmes_example_is_an_experiment_with_the_claims_of_the_intro()
    {
        string yaml = Fence().Matches(Repository.Read("README.md")).Single(fence => fence.Groups[1].Value == "yaml").Groups[2].Value;
        var example = Experiment.Parse(yaml, "README.md");
        var intro = Experiment.Load(Path.Combine(Repository.Root, "experiments/intro.yaml"));
        Assert.Multiple(() =>
        {
            string[] sections = ["name", "title", "seed", "model", "data", "importance", "training", "replicas", "axes", "evaluation"];
            Assert.That(example.Resolved(sections), Is.EqualTo(intro.Resolved(sections)));
            Assert.That(example.Claims.Select(Text), Is.SubsetOf(intro.Claims.Select(Text)));
        });

        static string Text(ClaimSpec claim) => $"{string.Join(",", claim.At)} {claim.Measure} {claim.Comparison} {string.Join(",", claim.Expected)}";
    }

    [Test]
    public void Every_image_is_shown()
    {
        string readme = Repository.Read("README.md"), experiments = Repository.Read("docs/experiments.md");
        foreach (string image in Directory.GetFiles(Path.Combine(Repository.Root, "docs/images")).Select(path => Path.GetFileName(path)))
            Assert.That(readme.Contains($"(docs/images/{image})", StringComparison.Ordinal) || experiments.Contains($"(images/{image})", StringComparison.Ordinal), image);
    }

    [Test]
    public void The_page_of_experiments_has_every_file_and_its_claims_and_no_other()
    {
        var sections = SectionStart().Split(Repository.Read("docs/experiments.md")).Skip(1).ToDictionary(section => section.Split('\n')[0]);
        string[] files = Directory.GetFiles(Path.Combine(Repository.Root, "experiments"), "*.yaml");
        Assert.That(sections.Keys, Is.EquivalentTo(files.Select(Path.GetFileNameWithoutExtension)), "./build.sh --target=Experiments writes the page again");
        foreach (string file in files)
        {
            var experiment = Experiment.Load(file);
            string section = sections[experiment.Name];
            string[] rows = [.. section.Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1)];
            Assert.Multiple(() =>
            {
                Assert.That(section, Does.Contain(experiment.Title).And.Contain(experiment.Description.Trim()), experiment.Name);
                Assert.That(rows.Select(row => row.Split(" | ")[1]), Is.EqualTo(experiment.Claims.Select(claim => claim.Measure)), experiment.Name);
                foreach (var (row, claim) in rows.Zip(experiment.Claims))
                    Assert.That(row, Does.Contain(string.Join(", ", claim.At.Select(pair => $"{pair.Key} = {pair.Value}"))).And.Contain(claim.Expected.Count > 0 ? claim.Expected[0] : claim.Plateau?.At.ToString() ?? claim.Correlation!.With));
            });
        }
    }

    // Lines of shell blocks that begin with a command, without their comments.
    private static IEnumerable<string> Commands(string page, string command) =>
        Fence().Matches(Repository.Read(page)).Where(fence => fence.Groups[1].Value is "sh" or "bash")
            .SelectMany(fence => fence.Groups[2].Value.Split('\n'))
            .Select(line => line.Split('#')[0].Trim()).Where(line => line.StartsWith(command, StringComparison.Ordinal));

    // build.cake makes a target of each verb: generate becomes Generate.
    private static IEnumerable<string> VerbTargets(string cake) =>
        VerbList().Match(cake).Groups[1].Value.Split(',').Select(verb => verb.Trim(' ', '"')).Where(verb => verb.Length > 0).Select(verb => char.ToUpperInvariant(verb[0]) + verb[1..]);

    // As GitHub makes them.
    private static string Anchor(string heading) => NotInAnchor().Replace(heading.Trim().ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"^## ", RegexOptions.Multiline)]
    private static partial Regex SectionStart();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();

    [GeneratedRegex(@"^```(\w*)\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"Task\(""(\w+)""\)")]
    private static partial Regex Target();

    [GeneratedRegex(@"--target=(\w+)")]
    private static partial Regex TargetOption();

    [GeneratedRegex(@"foreach \(string verb in new\[\] \{([^}]*)\}\)")]
    private static partial Regex VerbList();
}
