using System.Security.Cryptography;
using System.Text;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core;
using ToyPipeline.Sweeps.Slurm;
using ToyPipeline.Training;

namespace ToyPipeline.Cli;

/// <summary>Trains packs on a Slurm cluster, step by step until they all stand.</summary>
/// <param name="options">What is asked of the cluster.</param>
/// <param name="wait">Stay until all packs stand.</param>
/// <param name="output">Told what happens.</param>
internal sealed class SlurmTraining(SlurmOptions options, bool wait, IOutput output)
{
    // The queue is asked often while little happens to be expected, and rarely over a night.
    private static readonly TimeSpan s_shortPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longPause = TimeSpan.FromSeconds(30);

    // A controller that is restarted is no reason to give up.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    /// <summary>Trains the packs of a plan that do not stand: a <see cref="PackExecutor"/>.</summary>
    /// <exception cref="UnfinishedSweepException">There is nothing more to do now, and packs are missing.</exception>
    /// <exception cref="InvalidInputException">The cluster does not take the job.</exception>
    /// <exception cref="EnvironmentFaultException">The cluster does not answer, or tasks were taken back.</exception>
    public void Train(TrainingPlan plan, PackProgress progress, CancellationToken cancellation)
    {
        string root = Path.GetFullPath(plan.Root);
        string digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{TrainingPlan.Code}\n{plan.Experiment}")));
        var sweep = new SlurmSweep(new SlurmWork(root, digest, plan.Packs.Count, Stands, [.. Toy(), "sweep", "task", root, "--code", TrainingPlan.Code, "--packs"]), options);
        var pause = s_shortPause;
        bool told = false;
        while (Step() is { Phase: not SlurmPhase.Complete } step)
        {
            string jobs = $"{(step.Jobs.Count == 1 ? "Job" : "Jobs")} {string.Join(", ", step.Jobs)}";
            switch (step.Phase)
            {
                case SlurmPhase.Submitted:
                    Tell($"{jobs} submitted: {Nouns.Count(step.Tasks, "task")} of at most {Nouns.Count(step.PacksPerTask, "pack")}.");
                    pause = s_shortPause;
                    break;
                case SlurmPhase.Running:
                    if (!told)
                        Tell($"{jobs} of an earlier command: {Nouns.Count(step.Tasks, "task")} in the queue.");
                    break;
                case SlurmPhase.Cancelled:
                    throw new EnvironmentFaultException($"{jobs}: {Nouns.Count(step.Tasks, "task")} taken back with scancel; run the same command again to submit what is missing.");
                default:
                    throw GivenUp(step.Failed, plan.Packs.Count - sweep.Standing, plan.Packs.Count);
            }

            told = true;
            if (cancellation.WaitHandle.WaitOne(pause))
            {
                output.Note($"{jobs} left in the queue: scancel {string.Join(' ', step.Jobs)} takes {(step.Jobs.Count == 1 ? "it" : "them")} back.");
                cancellation.ThrowIfCancellationRequested();
            }

            pause = pause * 1.3 < s_longPause ? pause * 1.3 : s_longPause;
        }

        bool Stands(int index)
        {
            var pack = plan.Packs[index];
            if (plan.Stands(pack))
                return true;
            if (!plan.Look(pack))
                return false;
            progress.Add(pack.Instances.Count);
            progress.Made(pack);
            return true;
        }

        void Tell(string sentence)
        {
            if (!wait)
                throw new UnfinishedSweepException($"{sentence} How far it is: toy sweep status {plan.Root}. To go on: the same command again, with --wait to stay until the end.", null) { Fault = false };
            output.Note(sentence);
        }

        SlurmStep Step()
        {
            DateTime? silentSince = null;
            while (true)
            {
                try
                {
                    return sweep.Next();
                }
                catch (EnvironmentFaultException e) when (told && DateTime.UtcNow - (silentSince ?? DateTime.UtcNow) < s_patience)
                {
                    if (silentSince is null)
                        output.Note($"{e.Message.TrimEnd('.')}. Until then this command asks again, for {s_patience.TotalMinutes:F0} minutes.");
                    silentSince ??= DateTime.UtcNow;
                    cancellation.WaitHandle.WaitOne(s_longPause);
                    cancellation.ThrowIfCancellationRequested();
                }
            }
        }
    }

    private static UnfinishedSweepException GivenUp(IReadOnlyList<FailedTask> failed, int missing, int packs)
    {
        var last = failed[^1];
        string end = last.State.Length > 0 ? $"ended as {last.State}{(last.Node.Length > 0 ? $" on {last.Node}" : "")}" : "ended without its packs";
        string others = failed.Count > 1 ? $", and so did {failed.Count - 1} more" : "";
        return new UnfinishedSweepException(
            $"{missing} of {packs} packs cannot be trained: task {last.Task} of job {last.Job} (packs {last.Packs}) {end}{others}; see {last.Log}, and run the same command again with a higher --max-attempts once the cause is gone.",
            last.LogTail.Length > 0 ? $"The end of {last.Log}:\n{last.LogTail}" : null)
        { Fault = true };
    }

    // This command as a node can call it.
    private static string[] Toy()
    {
        string process = Environment.ProcessPath!;
        return Path.GetFileNameWithoutExtension(process) == "dotnet" ? [process, Path.Combine(AppContext.BaseDirectory, "toy.dll")] : [process];
    }
}

/// <summary>A sweep that cannot go on now, and is not at its end: its jobs run without this process, or its packs were given up.</summary>
internal sealed class UnfinishedSweepException(string sentence, string? details) : Exception(sentence)
{
    /// <summary>What belongs to the sentence, for example the end of a log; null for nothing.</summary>
    public string? Details { get; } = details;

    /// <summary>Whether something is wrong.</summary>
    public required bool Fault { get; init; }
}
