using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace ToyPipeline.Cli;

/// <summary>Help pages that end with an example.</summary>
internal sealed class Examples : SynchronousCommandLineAction
{
    private const string ExitCodes = """
        Exit codes:
          0  done, and the claims hold
          1  a claim failed
          2  the input is wrong: an option, the experiment file, a file of the run
          3  the environment is: a native library, a folder that cannot be written, a full disk
        130  interrupted: the same command goes on where it was

        """;

    private static readonly Dictionary<string, string> s_examples = new()
    {
        ["toy"] = "toy run experiments/intro.yaml",
        ["run"] = "toy run experiments/intro.yaml --artifacts /tmp/runs",
        ["generate"] = "toy generate experiments/intro.yaml --csv",
        ["train"] = "toy train experiments/intro.yaml --force",
        ["export"] = "toy export experiments/intro.yaml --accept-changes",
        ["analyze"] = "toy analyze experiments/intro.yaml --json",
        ["report"] = "toy report experiments/intro.yaml --open",
        ["sweep"] = "toy sweep experiments/phase-2-1.yaml",
        ["status"] = "toy sweep status artifacts/phase-2-1",
        ["task"] = "toy sweep task artifacts/phase-2-1 --packs 0-3,7",
        ["import"] = "toy import model.onnx --name mine --density 0.1 --importance 0.9",
        ["nightly"] = "toy nightly experiments/nightly --if-running wait --summary summary.md",
        ["list"] = "toy list --artifacts /tmp/runs",
        ["describe"] = "toy describe experiments --page docs/experiments.md",
        ["doctor"] = "toy doctor",
    };

    private readonly HelpAction _help = new();

    /// <summary>Gives every command below <paramref name="root"/> a help page with an example.</summary>
    public static void AddTo(RootCommand root) => root.Options.OfType<HelpOption>().Single().Action = new Examples();

    /// <summary>Help is given whatever else the command line lacks.</summary>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var command = parseResult.CommandResult.Command;
        // toy sweep takes an experiment, toy sweep status a run folder alone.
        foreach (var argument in command.Parents.OfType<Command>().SelectMany(parent => parent.Arguments))
            argument.Hidden = true;
        int code = _help.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        output.WriteLine($"Example:\n  {s_examples[command is RootCommand ? "toy" : command.Name]}\n");
        if (command is RootCommand)
            output.WriteLine(ExitCodes);
        return code;
    }
}
