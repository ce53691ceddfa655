using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace ToyPipeline.Cli.Tests;

/// <summary>The files of docs/nightly/ that start nights: each is read by the tool that it is for, where that is here.</summary>
[Platform("Linux", Reason = "systemd, cron and sh.")]
public sealed partial class ScheduleFileTests
{
    private const string Place = "/srv/toypipeline";

    private static readonly string s_files = Path.Combine(Repository.Root, "docs", "nightly");

    [Test]
    public void Systemd_takes_the_service_and_the_timer()
    {
        using var workspace = new Workspace();
        foreach (string unit in new[] { "toypipeline-nightly.service", "toypipeline-nightly.timer" })
            workspace.Write(unit, File.ReadAllText(Path.Combine(s_files, unit)).Replace(Place, Repository.Root, StringComparison.Ordinal));
        Accepts(workspace.Folder, "systemd-analyze", "verify", "--man=no", "./toypipeline-nightly.service", "./toypipeline-nightly.timer");
        string when = File.ReadLines(Path.Combine(s_files, "toypipeline-nightly.timer")).Single(line => line.StartsWith("OnCalendar=", StringComparison.Ordinal))["OnCalendar=".Length..];
        Assert.That(Accepts(workspace.Folder, "systemd-analyze", "calendar", when), Does.Contain("Next elapse"));
        workspace.Write("toypipeline-nightly.timer", "[Timer]\nOnCalendar=never\n");
        Assert.That(Run(workspace.Folder, [], "systemd-analyze", "verify", "./toypipeline-nightly.timer").Code, Is.Not.Zero, "what is wrong is refused");
    }

    [TestCase("crontab")]
    [TestCase("scrontab")]
    public void Cron_takes_the_line(string file)
    {
        Accepts(s_files, "crontab", "-n", file);
        using var workspace = new Workspace();
        workspace.Write("wrong", File.ReadAllText(Path.Combine(s_files, file)).Replace("30 2 *", "30 25 *", StringComparison.Ordinal));
        Assert.That(Run(workspace.Folder, [], "crontab", "-n", "wrong").Code, Is.Not.Zero, "what is wrong is refused");
    }

    [Test]
    public void Slurms_options_of_the_scrontab_are_long_options_with_a_value()
    {
        string[] options = [.. File.ReadLines(Path.Combine(s_files, "scrontab")).Where(line => line.StartsWith("#SCRON", StringComparison.Ordinal))];
        Assert.That(options, Has.Length.GreaterThan(2).And.All.Match(@"^#SCRON --[a-z-]+=\S+$"));
    }

    [Test]
    public void The_ci_schedule_is_yaml_with_a_cron_line_and_steps()
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(File.ReadAllText(Path.Combine(s_files, "github-actions.yml"))));
        var root = yaml.Documents.Single().RootNode;
        var steps = ((YamlSequenceNode)root["jobs"]["nightly"]["steps"]).Children;
        Assert.Multiple(() =>
        {
            Assert.That(root["on"]["schedule"][0]["cron"].ToString(), Does.Match(@"^[\d*,/-]+( [\d*,/-]+){4}$"));
            Assert.That(steps.Select(step => ((YamlMappingNode)step).Children.Keys.Count(key => key.ToString() is "uses" or "run")), Has.All.EqualTo(1));
            Assert.That(steps.SelectMany(step => ((YamlMappingNode)step).Children).Select(pair => $"{pair.Key}: {pair.Value}"), Has.Some.StartsWith("run: ./build.sh --target=Nightly --summary="));
        });
    }

    [Test]
    public void Every_file_starts_a_target_with_options_that_there_are()
    {
        string cake = Repository.Read("build.cake");
        Assert.That(cake, Does.Contain("Task(\"Nightly\")"));
        string[] files = [.. Directory.GetFiles(s_files).Where(file => !file.EndsWith(".timer", StringComparison.Ordinal) && !file.EndsWith("notify.sh", StringComparison.Ordinal))];
        Assert.That(files, Has.Length.EqualTo(4));
        foreach (string file in files)
        {
            string[] options = [.. Option().Matches(Command().Match(File.ReadAllText(file)).Value).Select(match => match.Groups[1].Value)];
            Assert.That(options, Has.Length.GreaterThan(1), file);
            Assert.That(options[0], Is.EqualTo("target"), file);
            foreach (string option in options.Skip(1))
                Assert.That(cake, Does.Contain($"\"{option}\""), file);
        }
    }

    [Test]
    public void The_summary_is_sent_where_it_should_be()
    {
        using var workspace = new Workspace();
        workspace.Write("summary.md", "# Night 3: 1 regression\n\nIt \"broke\".\n");
        // Programs of these names that write down what they are given.
        foreach (string program in new[] { "mail", "curl" })
            workspace.Write(program, $"#!/bin/sh\n{{ echo \"$@\"; cat; }} > {program}.got\n");
        foreach (string program in new[] { "mail", "curl" })
            Assert.That(Run(workspace.Folder, [], "chmod", "+x", program).Code, Is.Zero);
        string script = Path.Combine(s_files, "notify.sh"), path = $"{workspace.Folder}:{Environment.GetEnvironmentVariable("PATH")}";
        Assert.That(Run(workspace.Folder, [], script, "summary.md").Out, Is.EqualTo("# Night 3: 1 regression\n\nIt \"broke\".\n"));
        Assert.That(Run(workspace.Folder, [("PATH", path), ("NIGHTLY_MAIL", "team@example.org")], script, "summary.md").Code, Is.Zero);
        Assert.That(File.ReadAllText(Path.Combine(workspace.Folder, "mail.got")), Is.EqualTo("-s ToyPipeline: Night 3: 1 regression team@example.org\n# Night 3: 1 regression\n\nIt \"broke\".\n"));
        Assert.That(Run(workspace.Folder, [], script, "none/summary.md").Out, Is.EqualTo("# Night: did not begin; the log says why\n"));
        if (Run(workspace.Folder, [], "jq", "--version").Code != 0)
            Assert.Ignore("jq is not here; mail and print are checked.");
        Assert.That(Run(workspace.Folder, [("PATH", path), ("NIGHTLY_WEBHOOK", "https://chat.example")], script, "summary.md").Code, Is.Zero);
        Assert.That(File.ReadAllText(Path.Combine(workspace.Folder, "curl.got")), Does.Contain("https://chat.example\n").And.Contain("\"# Night 3: 1 regression\\n\\nIt \\\"broke\\\".\\n\""));
    }

    private static string Accepts(string folder, string file, params string[] args)
    {
        var (code, output, error) = Run(folder, [], file, args);
        if (code == int.MinValue)
            Assert.Ignore($"There is no {file} here.");
        Assert.That(code, Is.Zero, $"{output}{error}");
        return output;
    }

    private static ToyResult Run(string folder, (string, string)[] environment, string file, params string[] args)
    {
        try
        {
            using var process = Toy.Start(folder, environment, file, args);
            return Toy.End(process);
        }
        catch (Win32Exception)
        {
            return new ToyResult(int.MinValue, "", "");
        }
    }

    [GeneratedRegex(@"build\.sh .*")]
    private static partial Regex Command();

    [GeneratedRegex(@"--([a-z-]+)=")]
    private static partial Regex Option();
}
