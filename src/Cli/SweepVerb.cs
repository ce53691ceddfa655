using System.CommandLine;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core;
using ToyPipeline.Core.Runs;
using ToyPipeline.Sweeps;
using ToyPipeline.Training;

namespace ToyPipeline.Cli;

/// <summary>The verb <c>toy sweep</c>: a grid from data to report, pack by pack, and the task that a cluster runs of it.</summary>
internal static class SweepVerb
{
    private static readonly Option<string> s_executor = new("--executor") { Description = "Who trains the packs: local (this machine) or slurm (a cluster; docs/cluster.md).", DefaultValueFactory = _ => "local" };
    private static readonly Argument<string> s_folder = new("run") { Description = "Run folder, for example artifacts/intro." };
    private static readonly Option<string> s_packs = new("--packs") { Description = "Places of the packs, for example 0-3,7.", Required = true };

    private static readonly Option<string?> s_code = new("--code") { Description = "Digest of the code that has to train them, as a sweep gives it to its tasks; whichever is built here where left out." };

    static SweepVerb()
    {
        string[] executors = ["local", SlurmVerb.Executor];
        s_executor.CompletionSources.Add(executors);
        s_executor.Validators.Add(result =>
        {
            if (result.Tokens is [var executor] && !executors.Contains(executor.Value))
                result.AddError($"--executor is {executor.Value}; allowed: {string.Join(", ", executors)}");
        });
    }

    /// <summary>The verb.</summary>
    /// <param name="verb">Makes a command of a name, a description and what it does.</param>
    /// <param name="file">Argument with the experiment file.</param>
    /// <param name="artifacts">Option with the folder of the runs.</param>
    /// <param name="force">Option to redo what did not change.</param>
    /// <param name="accept">Option to take changed files as they are.</param>
    public static Command Create(
        Func<string, string, Func<ParseResult, IOutput, CancellationToken, ExitCode>, Command> verb,
        Argument<string> file, Option<string> artifacts, Option<bool> force, Option<bool> accept)
    {
        var command = verb("sweep", "Runs an experiment like `toy run`, pack by pack, and goes on where an earlier command was stopped.", (parsed, output, cancellation) =>
        {
            return parsed.GetValue(s_executor) == SlurmVerb.Executor ? SlurmVerb.Run(parsed, Run, output) : Run(SweepRun.Locally);

            ExitCode Run(PackExecutor execute) => Pipeline.Run(
                parsed.GetRequiredValue(file), Pipeline.Stages,
                new PipelineOptions(parsed.GetValue(artifacts)!, parsed.GetValue(force), parsed.GetValue(accept), Csv: false) { Sweep = execute },
                output, cancellation);
        });
        command.Add(file);
        command.Add(s_executor);
        command.Add(force);
        command.Add(accept);
        SlurmVerb.AddTo(command, s_executor);
        command.Add(Task(verb));
        command.Add(SlurmVerb.Status(verb, s_folder));
        return command;
    }

    private static Command Task(Func<string, string, Func<ParseResult, IOutput, CancellationToken, ExitCode>, Command> verb)
    {
        var task = verb("task", "Trains some packs of a run folder that another command holds, for example on a node of a cluster.", (parsed, output, cancellation) =>
            Train(parsed.GetRequiredValue(s_folder), parsed.GetValue(s_code), PackRanges.Parse(parsed.GetRequiredValue(s_packs)), output, cancellation));
        task.Add(s_folder);
        task.Add(s_packs);
        task.Add(s_code);
        return task;
    }

    // A task of its own knows nothing but the folder, and writes nothing but its packs.
    private static ExitCode Train(string folder, string? code, IReadOnlyList<int> packs, IOutput output, CancellationToken cancellation)
    {
        // Built anew while the task waited in a queue: what it made would not stand for the command that asked for it.
        if (code is not null && code != TrainingPlan.Code)
            throw new EnvironmentFaultException($"The code is another than that of the sweep which asked for these packs ({TrainingPlan.Code}, not {code}): it was built since. Run the same sweep again; `toy sweep status {folder}` says which job to take back.");
        using var run = RunFolder.Join(folder);
        output.Start(run.Experiment, run.Root);
        output.Stage(TrainStage.Name, progress =>
        {
            TrainStage.RunPacks(run, packs, progress, cancellation);
            return StageOutcome.Ran;
        });
        return ExitCode.Done;
    }
}
