using System.CommandLine;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core;

namespace ToyPipeline.Cli;

/// <summary>The <c>toy</c> command: its verbs and options.</summary>
internal static class ToyCommand
{
    private static readonly Option<string> s_artifacts = new("--artifacts")
    {
        Description = "Folder of the runs.",
        DefaultValueFactory = _ => "artifacts",
        Recursive = true,
    };

    // "$RUNS" of a shell that has no such variable would be the folder that one is in.
    static ToyCommand() => s_artifacts.Validators.Add(result =>
    {
        if (result.Tokens is [{ Value: "" }])
            result.AddError("--artifacts is empty: give a folder, . for this one");
    });

    private static readonly Option<bool> s_json = new("--json") { Description = "Write one JSON object a line, for machines.", Recursive = true };
    private static readonly Option<bool> s_verbose = new("--verbose") { Description = "Add the stack trace to an error.", Recursive = true };
    private static readonly Option<bool> s_force = new("--force") { Description = "Redo stages even where nothing changed." };

    private static readonly Option<bool> s_accept = new("--accept-changes")
    {
        Description = "Take files that changed after their stage wrote them as they are now, for example weights written by Python.",
    };

    private static readonly Option<bool> s_csv = new("--csv") { Description = "Write the datasets as CSV too." };

    // How long Ctrl-C lets the files that are being written come to their end.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    /// <summary>Runs the command line and returns the exit code.</summary>
    public static int Run(string[] args)
    {
        if (args.Length == 0)
        {
            Parse(["--help"]).Invoke();
            return (int)ExitCode.InvalidInput;
        }

        var parsed = Parse(args);
        if (parsed.Errors.Count > 0)
        {
            using var output = Create(parsed.GetValue(s_json));
            output.Error(CommandLineErrors.Sentence(parsed), null);
            return (int)ExitCode.InvalidInput;
        }

        return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = s_patience });
    }

    /// <summary>Parses a command line and runs nothing.</summary>
    public static ParseResult Parse(IReadOnlyList<string> args) => Root().Parse(args);

    private static RootCommand Root()
    {
        var root = new RootCommand("Trains and measures toy models of superposition.")
        {
            s_artifacts, s_json, s_verbose,
        };
        root.Add(StageVerb("run", "Runs an experiment from data to report and checks its claims.", Pipeline.Stages));
        root.Add(StageVerb("generate", "Draws the datasets of an experiment to disk.", ["generate"]));
        root.Add(StageVerb("train", "Trains every instance of an experiment.", ["train"]));
        root.Add(StageVerb("export", "Writes the trained models as ONNX.", ["export"]));
        root.Add(StageVerb("analyze", "Measures the exported models and checks the claims.", ["analyze"]));
        root.Add(ReportVerb());
        root.Add(SweepVerb.Create(Verb, Experiment(), s_artifacts, s_force, s_accept));
        root.Add(ImportVerb.Create(Verb, s_artifacts, s_force));
        root.Add(NightlyVerb.Create(Verb, s_artifacts));
        root.Add(Verb("list", "Lists the runs below the artifacts folder.", (parsed, output, _) =>
            RunList.Show(parsed.GetValue(s_artifacts)!, output)));
        root.Add(DescribeVerb());
        root.Add(Verb("doctor", "Checks this machine: native libraries, processor, disk.", (parsed, output, _) =>
            Doctor.Examine(parsed.GetValue(s_artifacts)!, output)));
        Examples.AddTo(root);
        return root;
    }

    private static Command ReportVerb()
    {
        var file = Experiment();
        file.Arity = ArgumentArity.ZeroOrOne;
        var open = new Option<bool>("--open") { Description = "Open the page in the browser." };
        var index = new Option<bool>("--index") { Description = "Write index.html over all runs instead." };
        var compare = new Option<string[]>("--compare")
        {
            Description = "Compare two runs of the same experiment instead, by their folders: --compare A B.",
            Arity = new ArgumentArity(2, 2),
            AllowMultipleArgumentsPerToken = true,
            HelpName = "A> <B",
        };
        var verb = Verb("report", "Draws the figures and writes report.html.", (parsed, output, cancellation) =>
        {
            string artifacts = parsed.GetValue(s_artifacts)!;
            var compared = parsed.GetValue(compare) is { Length: 2 } runs ? runs : null;
            string? experiment = parsed.GetValue(file);
            if (experiment is not null)
            {
                var options = new PipelineOptions(artifacts, parsed.GetValue(s_force), parsed.GetValue(s_accept), Csv: false);
                return Pipeline.Run(experiment, ["report"], options, output, cancellation, page => ReportPages.OpenIf(parsed.GetValue(open), page));
            }

            return ReportPages.Write(artifacts, compared, parsed.GetValue(open), output);
        });
        verb.Validators.Add(result =>
        {
            int asked = (result.GetResult(file) is { Tokens.Count: > 0 } ? 1 : 0) + (result.GetResult(index) is not null ? 1 : 0) + (result.GetResult(compare) is not null ? 1 : 0);
            if (asked != 1)
                result.AddError("toy report takes an experiment file, or --index, or --compare with two runs.");
        });
        verb.Add(file);
        verb.Add(open);
        verb.Add(index);
        verb.Add(compare);
        verb.Add(s_force);
        verb.Add(s_accept);
        return verb;
    }

    private static Argument<string> Experiment()
    {
        var file = new Argument<string>("experiment") { Description = "Experiment file, for example experiments/intro.yaml." };
        file.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && token.Value.StartsWith('-'))
                result.AddError($"{token.Value} is no experiment file.");
        });
        return file;
    }

    private static Command StageVerb(string name, string description, IReadOnlyList<string> stages)
    {
        var file = Experiment();
        var verb = Verb(name, description, (parsed, output, cancellation) =>
            Pipeline.Run(
                parsed.GetRequiredValue(file),
                stages,
                new PipelineOptions(parsed.GetValue(s_artifacts)!, parsed.GetValue(s_force), parsed.GetValue(s_accept), stages.Contains("generate") && parsed.GetValue(s_csv)),
                output,
                cancellation));
        verb.Add(file);
        verb.Add(s_force);
        verb.Add(s_accept);
        if (stages.Contains("generate"))
            verb.Add(s_csv);
        return verb;
    }

    private static Command DescribeVerb()
    {
        var folder = new Argument<string>("experiments") { Description = "Folder of the experiment files.", DefaultValueFactory = _ => "experiments" };
        var page = new Option<string>("--page") { Description = "Write a page in Markdown over all of them too, its figures beside it in images/." };
        var verb = Verb("describe", "Lists the claims of all experiments of a folder and what their runs measured.", (parsed, output, _) =>
            ExperimentsPage.Show(parsed.GetRequiredValue(folder), parsed.GetValue(s_artifacts)!, parsed.GetValue(page), output));
        verb.Add(folder);
        verb.Add(page);
        return verb;
    }

    private static Command Verb(string name, string description, Func<ParseResult, IOutput, CancellationToken, ExitCode> action)
    {
        var command = new Command(name, description);
        command.SetAction((parsed, cancellation) =>
        {
            using var output = Create(parsed.GetValue(s_json));
            return Task.FromResult(Faults.Guard(() => action(parsed, output, cancellation), output, parsed.GetValue(s_verbose)));
        });
        return command;
    }

    private static IOutput Create(bool json) =>
        json ? new JsonOutput(Console.Out)
        : Console.IsOutputRedirected ? new PlainOutput(Console.Out, Console.Error)
        : new TerminalOutput();
}
