namespace ToyPipeline.Sweeps.Slurm;

/// <summary>The script that each task of a job array runs.</summary>
internal static class JobScript
{
    /// <summary>The script: it finds the packs of its task in a list, and calls the command that trains them.</summary>
    /// <param name="tasks">Path of the list: packs of task k on line k + 1.</param>
    /// <param name="command">The command up to the places of the packs.</param>
    public static string Text(string tasks, IReadOnlyList<string> command) => $$"""
        #!/bin/bash
        # Trains the packs on line SLURM_ARRAY_TASK_ID + 1 of tasks.txt. Packs that stand are left as they are: to run it again does no harm.
        packs=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" {{Quoted(tasks)}})
        echo "task $SLURM_ARRAY_TASK_ID: packs $packs, on $(hostname) with $SLURM_CPUS_ON_NODE processors, $(date -u +%FT%TZ)"
        # As many threads as the task was given processors, also where the cluster does not bind it to them.
        export DOTNET_PROCESSOR_COUNT=${SLURM_CPUS_ON_NODE:-1} OMP_NUM_THREADS=${SLURM_CPUS_ON_NODE:-1}
        exec {{string.Join(' ', command.Select(Quoted))}} "$packs"

        """.ReplaceLineEndings("\n");

    /// <summary>A word as a shell takes it, with quotes where it needs them.</summary>
    public static string Quoted(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_=./:,%+@".Contains(c, StringComparison.Ordinal)) ? word : $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
