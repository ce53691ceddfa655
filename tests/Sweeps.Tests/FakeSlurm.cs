namespace ToyPipeline.Sweeps.Tests;

/// <summary>Commands named as Slurm's, first on the PATH, that print what a test has written: the queue is a file.</summary>
internal sealed class FakeSlurm : IDisposable
{
    private readonly string? _path = Environment.GetEnvironmentVariable("PATH");

    public FakeSlurm()
    {
        Directory.CreateDirectory(Bin);
        Command("sinfo", "echo main; echo long");
        Command("scontrol", "echo \"MaxArraySize            = $(cat '" + Path.Combine(Folder, "array") + "')\"");
        Command("sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1");
        Command("squeue", $"cat '{Queue}'");
        // Job numbers count from 1; what was asked is kept, a line a call.
        Command("sbatch", $"printf '%s ' \"$@\" >> '{Calls}'; echo >> '{Calls}'; wc -l < '{Calls}'");
        File.WriteAllText(Queue, "");
        File.WriteAllText(Calls, "");
        MaxArraySize(1001);
        Environment.SetEnvironmentVariable("PATH", $"{Bin}:{_path}");
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("toy-slurm-").FullName;

    public string Bin => Path.Combine(Folder, "bin");

    private string Queue => Path.Combine(Folder, "queue");

    private string Calls => Path.Combine(Folder, "calls");

    /// <summary>The calls of sbatch.</summary>
    public string[] Submitted => File.ReadAllLines(Calls);

    /// <summary>What squeue lists from here on: job, task, state.</summary>
    public void List(params (string Job, int Task, string State)[] tasks) =>
        File.WriteAllLines(Queue, tasks.Select(task => $"{task.Job}|{task.Task}|{task.State}|None|node1|{Name(task.Job)}"));

    /// <summary>A task that waits for a reason.</summary>
    public void ListWaiting(string job, int task, string reason) => File.WriteAllText(Queue, $"{job}|{task}|PENDING|{reason}||{Name(job)}\n");

    public void MaxArraySize(int size) => File.WriteAllText(Path.Combine(Folder, "array"), $"{size}");

    /// <summary>Puts another command in the place of one.</summary>
    public void Command(string name, string script)
    {
        string path = Path.Combine(Bin, name);
        File.WriteAllText(path, $"#!/bin/bash\n{script}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("PATH", _path);
        Directory.Delete(Folder, recursive: true);
    }

    private string Name(string job) =>
        Submitted[int.Parse(job, System.Globalization.CultureInfo.InvariantCulture) - 1].Split(' ').Single(word => word.StartsWith("--job-name=", StringComparison.Ordinal))["--job-name=".Length..];
}
