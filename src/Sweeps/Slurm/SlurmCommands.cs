using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using ToyPipeline.Core;

namespace ToyPipeline.Sweeps.Slurm;

/// <summary>Slurm's own commands: what they are asked, and what their refusals mean.</summary>
internal static partial class SlurmCommands
{
    // Longer than the patience of Slurm's commands with their own controller.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    // Slurm's default, for a cluster that does not say.
    private const int UsualMaxArraySize = 1001;

    // What Slurm's commands say when it is not the request that is at fault.
    private static readonly string[] s_unreachable =
    [
        "unable to contact", "connect failure", "connection refused", "configuration source", "configuration file", "timed out", "authentication",
        "munge", "zero bytes were transmitted", "communication", "can't find an address", "not responding", "protocol version",
    ];

    /// <summary>Refuses a cluster that does not answer and partitions that it does not have.</summary>
    /// <exception cref="EnvironmentFaultException">There is no Slurm here, or its controller does not answer.</exception>
    /// <exception cref="InvalidInputException">There is no such partition.</exception>
    public static void Check(string? partition)
    {
        string[] known = Lines(Run("sinfo", ["--all", "--noheader", "--format=%R"]));
        foreach (string name in partition?.Split(',') ?? [])
        {
            if (!known.Contains(name))
                throw new InvalidInputException($"There is no partition {name} on this cluster; --partition takes one of: {string.Join(", ", known.Distinct())}.");
        }
    }

    /// <summary>Submits a job and returns its id.</summary>
    /// <exception cref="EnvironmentFaultException">The cluster does not answer.</exception>
    /// <exception cref="InvalidInputException">Slurm refuses the job.</exception>
    public static string Submit(IReadOnlyList<string> arguments)
    {
        // On several clusters: id;cluster.
        string answer = Run("sbatch", arguments).Trim().Split(';')[0];
        return answer.Length > 0 && answer.All(char.IsAsciiDigit)
            ? answer
            : throw new EnvironmentFaultException($"sbatch answered '{answer}' where a job's number was expected; see whether `squeue` lists the job, and run the same command again.");
    }

    /// <summary>The tasks of jobs of these names that the controller knows; of those that ended only the last ones.</summary>
    /// <exception cref="EnvironmentFaultException">The cluster does not answer.</exception>
    public static IReadOnlyList<SlurmTask> Queue(IEnumerable<string> jobNames) =>
        SlurmTask.FromSqueue(Run("squeue", ["--noheader", "--array", "--states=all", $"--format={SlurmTask.SqueueFormat}", $"--name={string.Join(',', jobNames)}"]));

    /// <summary>The tasks of a job that the accounting knows; none where there is no accounting.</summary>
    public static IReadOnlyList<SlurmTask> Accounting(string jobId, string jobName)
    {
        try
        {
            return SlurmTask.FromSacct(Run("sacct", ["--noheader", "--parsable2", "--allocations", $"--format={SlurmTask.SacctFormat}", $"--jobs={jobId}"]), jobName);
        }
        catch (Exception e) when (e is EnvironmentFaultException or InvalidInputException)
        {
            return [];
        }
    }

    /// <summary>Largest number of tasks that one job array takes.</summary>
    /// <exception cref="EnvironmentFaultException">The cluster does not answer.</exception>
    public static int MaxArraySize() => MaxArraySize(Run("scontrol", ["show", "config"]));

    /// <summary>Largest number of tasks that one job array takes, as <c>scontrol show config</c> has it.</summary>
    internal static int MaxArraySize(string configuration) =>
        MaxArraySizeLine().Match(configuration) is { Success: true } match
            && int.TryParse(match.Groups[1].Value, CultureInfo.InvariantCulture, out int size) && size > 0 ? size : UsualMaxArraySize;

    /// <summary>What it means that a command of Slurm failed.</summary>
    internal static Exception Failure(string program, string error)
    {
        // "sbatch: error: invalid partition specified: nope": what comes after the beginnings.
        var said = Lines(error).Select(line => Beginning().Replace(line, "").TrimEnd('.')).Where(line => line.Length > 0).Distinct().ToList();
        string text = said.Count > 0 ? string.Join("; ", said.TakeLast(3)) : "it says nothing";
        return s_unreachable.Any(sign => text.Contains(sign, StringComparison.OrdinalIgnoreCase))
            ? new EnvironmentFaultException($"The cluster does not answer {program}: {text}; see whether `sinfo` lists its nodes, and run the same command again.")
            : new InvalidInputException($"{program} refuses: {text}; change --partition, --time or --sbatch, and run the same command again.");
    }

    private static string Run(string program, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        // The user's own taste in formats is not ours to parse.
        foreach (string variable in start.Environment.Keys.Where(name => name.StartsWith("SQUEUE_", StringComparison.Ordinal) || name.StartsWith("SINFO_", StringComparison.Ordinal) || name.StartsWith("SACCT_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(variable);
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(s_patience))
            {
                process.Kill(entireProcessTree: true);
                throw new EnvironmentFaultException($"The cluster does not answer: {program} took longer than {s_patience.TotalMinutes:F0} minutes; see whether `sinfo` lists its nodes, and run the same command again.");
            }

            return process.ExitCode == 0 ? output.Result : throw Failure(program, error.Result);
        }
        catch (Win32Exception e)
        {
            throw new EnvironmentFaultException($"There is no {program} on the PATH: run this where Slurm's commands are, such as a login node of the cluster, or without --executor slurm.", e);
        }
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    [GeneratedRegex(@"^\s*MaxArraySize\s*=\s*(\d+)", RegexOptions.Multiline)]
    private static partial Regex MaxArraySizeLine();

    [GeneratedRegex(@"^(\w+: )?((error|fatal): )?(Batch job submission failed: )?")]
    private static partial Regex Beginning();
}
