using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using ToyPipeline.Analysis.Stage;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;
using ToyPipeline.DataGen;
using ToyPipeline.Report;
using ToyPipeline.Sweeps.Nights;
using ToyPipeline.Training;

namespace ToyPipeline.Cli;

/// <summary>The verb <c>toy nightly</c>: hands the nights the pipeline to run, and shows what they found.</summary>
internal static class NightlyVerb
{
    private const string Waits = "wait", Leaves = "leave";

    private static readonly Argument<string> s_plan = new("plan") { Description = "Nightly plan: a YAML file, or a folder of them.", DefaultValueFactory = _ => "experiments/nightly" };
    private static readonly Option<string> s_ifRunning = new("--if-running") { Description = "While another night runs: wait, or leave with exit code 3.", DefaultValueFactory = _ => Leaves, HelpName = $"{Waits}|{Leaves}" };
    private static readonly Option<string?> s_summary = new("--summary") { Description = "Write what the night found to this file, in Markdown, for a mail or a chat." };
    private static readonly Option<string?> s_link = new("--link") { Description = "Address of the page of nights that the summary links to, where it is published." };
    private static readonly Option<bool> s_acceptNight = new("--accept") { Description = "Run nothing: take the latest finished night as the one to compare with, for its changes were meant." };

    /// <summary>The verb.</summary>
    /// <param name="verb">Makes a command of a name, a description and what it does.</param>
    /// <param name="artifacts">Option with the folder of the runs.</param>
    public static Command Create(Func<string, string, Func<ParseResult, IOutput, CancellationToken, ExitCode>, Command> verb, Option<string> artifacts)
    {
        var command = verb("nightly", "Runs the experiments of a nightly plan and compares them with the last good night.", (parsed, output, cancellation) =>
        {
            string folder = Path.Combine(parsed.GetValue(artifacts)!, "nightly");
            try
            {
                return parsed.GetValue(s_acceptNight) ? Accept(folder, output) : Run(parsed, folder, output, cancellation);
            }
            catch (NightRunningException e)
            {
                output.Error(e.Message, null);
                return ExitCode.EnvironmentFault;
            }
        });
        command.Add(s_plan);
        foreach (var option in (Option[])[s_ifRunning, s_summary, s_link, s_acceptNight])
            command.Add(option);
        return command;
    }

    private static ExitCode Accept(string folder, IOutput output)
    {
        var night = Nightly.Accept(folder, TimeProvider.System);
        output.Note($"Night {night.Number} of {night.Folder} is the one that later nights are compared with.");
        output.Report(NightIndex.Write(folder));
        return ExitCode.Done;
    }

    private static ExitCode Run(ParseResult parsed, string folder, IOutput output, CancellationToken cancellation)
    {
        string? summary = parsed.GetValue(s_summary);
        try
        {
            var ifRunning = parsed.GetValue(s_ifRunning) switch
            {
                Waits => IfRunning.Wait,
                Leaves => IfRunning.Leave,
                var other => throw new InvalidInputException($"--if-running is {other}; allowed: {Waits}, {Leaves}."),
            };
            var plan = NightPlanFile.Load(parsed.GetRequiredValue(s_plan));
            var options = new NightOptions(folder, ifRunning, ThisMachine(), Versions(), TimeProvider.System);
            var result = Nightly.Run(plan, options, (planned, runs) => Pipelined(planned, runs, output, cancellation), output.Note, cancellation);
            string page = NightIndex.Write(folder);
            if (summary is not null)
                AtomicFile.WriteText(summary, NightSummary.Markdown(result, parsed.GetValue(s_link) ?? new Uri(Path.GetFullPath(page)).AbsoluteUri));
            Show(result, output);
            output.Report(page);
            return result.ExitCode;
        }
        catch (Exception e) when (summary is not null && e is not (OperationCanceledException or NightRunningException))
        {
            WriteBroken(summary, e);
            throw;
        }
    }

    // Else yesterday's summary would be sent again. That of a night that still runs is left alone.
    private static void WriteBroken(string summary, Exception cause)
    {
        try
        {
            AtomicFile.WriteText(summary, NightSummary.Broken(Faults.Explain(cause).Sentence));
        }
        catch (EnvironmentFaultException)
        {
            // The night's own error is the one to report.
        }
    }

    private static RunOutcome Pipelined(PlannedExperiment planned, string runs, IOutput output, CancellationToken cancellation)
    {
        try
        {
            return new RunOutcome((int)Pipeline.Run(planned.File, Pipeline.Stages, new PipelineOptions(runs, Force: false, AcceptChanges: false, Csv: false), output, cancellation), null);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            var (code, sentence) = Faults.Explain(e);
            output.Error(sentence, null);
            return new RunOutcome(code, sentence);
        }
    }

    private static void Show(NightResult result, IOutput output)
    {
        var findings = result.Findings.Where(finding => finding.Kind != FindingKind.Note).ToList();
        if (findings.Count > 0)
        {
            output.Table("finding", ["what", "experiment", "at", "name", "last good", "now", "allowed"],
                [.. findings.Select(finding => (IReadOnlyList<string>)[Words(finding.Kind), finding.Experiment, finding.At, finding.Name, finding.Before, finding.Now, finding.Limit])]);
        }

        foreach (string note in NightSummary.Notes(result))
            output.Note(note);
        string compared = result.LastGood is { } good ? $"compared with night {good.Number} of {good.Folder}" : "no good night before it to compare with";
        output.Note($"{NightSummary.Subject(result)}; {compared}.");
    }

    private static string Words(FindingKind kind) => kind switch
    {
        FindingKind.FailedRun => "failed run",
        FindingKind.FailedClaim => "failed claim",
        FindingKind.Improvement => "better",
        _ => "regression",
    };

    private static Machine ThisMachine() => new(
        Environment.MachineName, RuntimeInformation.OSDescription, $"{RuntimeInformation.ProcessArchitecture} {Simd.Current}".ToLowerInvariant(), Environment.ProcessorCount);

    // Of libtorch the version only: its threads are the machine's.
    private static Dictionary<string, string> Versions() => new()
    {
        ["toy"] = RunFolder.Version,
        ["commit"] = typeof(NightlyVerb).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+') is [_, var commit] ? commit : "unknown",
        [".NET"] = Environment.Version.ToString(),
        ["libtorch"] = TorchCheck.Describe().Split(',')[0],
        ["ONNX Runtime"] = OnnxRuntimeCheck.Describe().Split(',')[0],
    };
}
