using System.Text.Json;

namespace ToyPipeline.Cli.Tests;

/// <summary>What the command says: help, JSON, tables, a terminal.</summary>
public sealed class OutputTests
{
    private static IEnumerable<string> Verbs => ToyCommand.Parse([]).RootCommandResult.Command.Subcommands.Select(verb => verb.Name);

    [TestCaseSource(nameof(Verbs))]
    public void Help_of_a_verb_ends_with_an_example(string verb)
    {
        using var workspace = new Workspace();
        var (code, output, error) = workspace.Toy(verb, "--help");
        Assert.That((code, error), Is.EqualTo((0, "")));
        string example = output.TrimEnd().Split('\n')[^1].Trim();
        Assert.Multiple(() =>
        {
            Assert.That(output, Does.Contain("\nExample:\n"));
            Assert.That(example, Does.StartWith($"toy {verb}"));
            Assert.That(ToyCommand.Parse([.. example.Split(' ').Skip(1)]).Errors, Is.Empty);
        });
    }

    [TestCase("status"), TestCase("task")]
    public void Help_of_a_command_below_sweep_names_its_own_arguments_alone(string command)
    {
        using var workspace = new Workspace();
        var (_, output, _) = workspace.Toy("sweep", command, "--help");
        Assert.That(output, Does.Contain($"toy sweep {command} <run>").And.Not.Contain("<experiment>"));
    }

    [Test]
    public void Without_a_command_comes_the_help_with_the_exit_codes()
    {
        using var workspace = new Workspace();
        var alone = workspace.Toy();
        var asked = workspace.Toy("--help");
        Assert.Multiple(() =>
        {
            Assert.That((alone.Code, asked.Code), Is.EqualTo((2, 0)));
            Assert.That(alone.Out, Is.EqualTo(asked.Out));
            Assert.That(asked.Out, Does.Contain("toy run experiments/intro.yaml").And.Contains("1  a claim failed"));
        });
    }

    [Test]
    public void Json_is_one_object_a_line()
    {
        using var workspace = Workspace.Finished();
        var (code, output, error) = workspace.Toy("run", "tiny.yaml", "--json", "--force");
        Assert.That((code, error), Is.EqualTo((0, "")));
        var events = Parse(output);
        Assert.Multiple(() =>
        {
            Assert.That(events.Select(e => e["event"].GetString()).Where(name => name != "progress"), Is.EqualTo(new[]
            {
                "start", "stage", "stage", "stage", "stage", "stage", "claim", "report",
            }));
            Assert.That(events[0]["instances"].GetInt32(), Is.EqualTo(4));
            Assert.That(events.Single(e => e["event"].GetString() == "claim")["holds"].GetBoolean(), Is.True);
            Assert.That(File.Exists(Path.Combine(workspace.Folder, events[^1]["path"].GetString()!)), Is.True);
        });
    }

    [TestCase(2, "There is no file none.yaml.", "run", "none.yaml", "--json")]
    [TestCase(2, "There is no command trai (did you mean train?); see `toy --help`.", "--json", "trai")]
    public void Json_says_errors_too(int expected, string message, params string[] args)
    {
        using var workspace = new Workspace();
        var (code, output, error) = workspace.Toy(args);
        Assert.That((code, error), Is.EqualTo((expected, "")));
        Assert.That(Parse(output).Single()["message"].GetString(), Is.EqualTo(message));
    }

    [Test]
    public void List_shows_every_run_and_what_is_wrong_with_one()
    {
        using var workspace = Workspace.Finished();
        workspace.Write("artifacts/broken/experiment.yaml", "name: broken\n");
        var (code, output, error) = workspace.Toy("list");
        Assert.Multiple(() =>
        {
            Assert.That((code, error), Is.EqualTo((0, "")));
            Assert.That(output, Does.Match(@"\nname +title +claims +stages +seconds +finished +report\n"));
            Assert.That(output, Does.Match(@"\nbroken +\S+:1: model is missing"));
            Assert.That(output, Does.Match(@"\ntiny +A tiny experiment +1/1 +generate train export analyze report +\d+\.\d +\d{4}-\d\d-\d\d \d\d:\d\d +\S+report.html\n"));
        });
        Assert.That(Parse(workspace.Toy("list", "--json").Out).Select(run => run["name"].GetString()), Is.EqualTo(new[] { "broken", "tiny" }));
    }

    [Test]
    public void List_of_no_runs_says_so()
    {
        using var workspace = new Workspace();
        var missing = workspace.Toy("list");
        Assert.That((missing.Code, missing.Error), Is.EqualTo((2, "error: There is no folder artifacts; runs are made by `toy run`, and --artifacts says where they are.\n")));
        Assert.That(workspace.Toy("list", "--artifacts", ".").Out, Is.EqualTo("There is no run to list.\n"));
    }

    [Test]
    public void Doctor_finds_this_machine_well_and_leaves_nothing()
    {
        using var workspace = new Workspace();
        var (code, output, error) = workspace.Toy("doctor");
        Assert.Multiple(() =>
        {
            Assert.That((code, error), Is.EqualTo((0, "")));
            foreach (string what in new[] { "kernels", "libtorch", "ONNX Runtime", "figures", "artifacts" })
                Assert.That(output, Does.Match($@"\n{what} +ok "));
            Assert.That(Directory.GetFileSystemEntries(workspace.Folder).Select(Path.GetFileName), Is.EqualTo(new[] { "tiny.yaml" }));
        });
    }

    [Test]
    public void A_terminal_shows_ticks_and_a_framed_table()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists("/usr/bin/script"))
            Assert.Ignore("There is no script(1) here to stand in for a terminal.");
        using var workspace = Workspace.Finished();
        using var process = Toy.Start(
            workspace.Folder, [("TERM", "xterm-256color")], "/usr/bin/script", ["-qec", $"stty cols 120; '{Toy.Executable}' run tiny.yaml --force", "/dev/null"]);
        var (code, output, _) = Toy.End(process);
        Assert.Multiple(() =>
        {
            Assert.That(code, Is.Zero);
            Assert.That(output, Does.Contain("✓").And.Contains("╭").And.Contains("━").And.Contains("report: "));
            Assert.That(output, Does.Match("train +.*done in"));
            Assert.That(output, Does.Not.Contain("Unsupported"));
        });
    }

    private static List<Dictionary<string, JsonElement>> Parse(string lines) =>
        [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(line)!)];
}
