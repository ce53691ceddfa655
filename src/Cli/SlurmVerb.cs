using System.CommandLine;
using System.CommandLine.Parsing;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Runs;
using ToyPipeline.Sweeps.Slurm;
using ToyPipeline.Training;

namespace ToyPipeline.Cli;

/// <summary>What <c>toy sweep</c> takes for a Slurm cluster, and <c>toy sweep status</c>.</summary>
internal static class SlurmVerb
{
    /// <summary>Name of the executor.</summary>
    public const string Executor = "slurm";

    private static readonly Option<string> s_partition = new("--partition") { Description = "Slurm: partition to run on." };
    private static readonly Option<int?> s_maxParallel = new("--max-parallel") { Description = "Slurm: most tasks at a time." };
    private static readonly Option<string> s_time = new("--time") { Description = "Slurm: time limit of a task, for example 2:00:00." };
    private static readonly Option<int?> s_packsPerTask = new("--packs-per-task") { Description = "Slurm: packs that a task trains one after the other (as few as make at most 1000 tasks)." };
    private static readonly Option<int?> s_maxAttempts = new("--max-attempts") { Description = "Slurm: how often a pack is tried (3)." };
    private static readonly Option<string> s_sbatch = new("--sbatch") { Description = "Slurm: further options of sbatch, for example --sbatch=\"--account=lab --mem=4G\"." };
    private static readonly Option<bool> s_wait = new("--wait") { Description = "Slurm: stay until all is done; submit again what fails." };

    private static Option[] Options => [s_partition, s_maxParallel, s_time, s_packsPerTask, s_maxAttempts, s_sbatch, s_wait];

    /// <summary>Gives the sweep the cluster's options.</summary>
    /// <param name="sweep">The verb.</param>
    /// <param name="executor">Its option with the executor.</param>
    public static void AddTo(Command sweep, Option<string> executor)
    {
        foreach (var option in Options)
            sweep.Add(option);
        sweep.Validators.Add(result =>
        {
            if (result.GetResult(executor)?.Tokens is not [{ Value: Executor }] && Options.FirstOrDefault(option => result.GetResult(option) is { Implicit: false }) is { } stray)
                result.AddError($"{stray.Name} needs --executor {Executor}.");
        });
    }

    /// <summary>Takes a sweep to its end on the cluster, or as far as it goes now.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="pipeline">Runs the sweep with somebody to train the packs.</param>
    /// <param name="output">Told what happens.</param>
    public static ExitCode Run(ParseResult parsed, Func<PackExecutor, ExitCode> pipeline, IOutput output)
    {
        var options = new SlurmOptions
        {
            Partition = parsed.GetValue(s_partition),
            MaxParallel = parsed.GetValue(s_maxParallel),
            Time = parsed.GetValue(s_time),
            PacksPerTask = parsed.GetValue(s_packsPerTask),
            Extra = [.. CommandLineParser.SplitCommandLine(parsed.GetValue(s_sbatch) ?? "")],
        };
        if (parsed.GetValue(s_maxAttempts) is { } attempts)
            options = options with { MaxAttempts = attempts };
        // Before the datasets are drawn, which may take long.
        SlurmSweep.Check(options);
        try
        {
            return pipeline(new SlurmTraining(options, parsed.GetValue(s_wait), output).Train);
        }
        catch (UnfinishedSweepException unfinished)
        {
            if (unfinished.Fault)
                output.Error(unfinished.Message, unfinished.Details);
            else
                output.Note(unfinished.Message);
            return unfinished.Fault ? ExitCode.EnvironmentFault : ExitCode.Done;
        }
    }

    /// <summary>The verb <c>toy sweep status</c>.</summary>
    /// <param name="verb">Makes a command of a name, a description and what it does.</param>
    /// <param name="folder">Argument with the run folder.</param>
    public static Command Status(Func<string, string, Func<ParseResult, IOutput, CancellationToken, ExitCode>, Command> verb, Argument<string> folder)
    {
        var status = verb("status", "Says how far a sweep is, from its folder and Slurm's queue; changes nothing.", (parsed, output, _) =>
        {
            using var run = RunFolder.Join(parsed.GetRequiredValue(folder));
            var plan = TrainingPlan.Open(run, new Grid(run.Experiment).Packs());
            output.Note($"{plan.Packs.Count(plan.Stands)} of {plan.Packs.Count} packs stand in {run.Root}.{(plan.OfOtherCode > 0 ? $" Made by other code than this command's: {plan.OfOtherCode}." : "")}");
            var (jobs, fault) = SlurmSweep.Status(run.Root, pack => pack < plan.Packs.Count && plan.Stands(plan.Packs[pack]));
            if (fault is not null)
                output.Note(fault);
            if (jobs.Count > 0)
            {
                output.Table("job", ["job", "folder", "tasks", "packs", "stand", "queue", "states"],
                    [.. jobs.Select(job => (IReadOnlyList<string>)[job.Job, $"sweep/{job.Submission}", $"{job.Tasks}", $"{job.Packs}", $"{job.Standing}", job.InQueue ? "yes" : "no", job.States])]);
            }

            return ExitCode.Done;
        });
        status.Add(folder);
        return status;
    }
}
