using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Sweeps.Nights;

/// <summary>Where and how a night runs.</summary>
/// <param name="Folder">Folder of the nights: <c>artifacts/nightly</c>.</param>
/// <param name="IfRunning">What to do while another one runs.</param>
/// <param name="Machine">This machine.</param>
/// <param name="Versions">What runs, by name.</param>
/// <param name="Clock">The time.</param>
public sealed record NightOptions(string Folder, IfRunning IfRunning, Machine Machine, IReadOnlyDictionary<string, string> Versions, TimeProvider Clock);

/// <summary>How the run of one experiment ended.</summary>
/// <param name="ExitCode">As of <c>toy run</c>.</param>
/// <param name="Error">Why it did not finish, in one sentence; null where it did.</param>
public sealed record RunOutcome(int ExitCode, string? Error);

/// <summary>A night that ended.</summary>
/// <param name="Night">Its record.</param>
/// <param name="LastGood">The night that it was compared with; null where there was none.</param>
/// <param name="Runs">Its runs, in the order of the plan.</param>
/// <param name="Findings">What was found, the bad first.</param>
/// <param name="Changed">What runs in another version than on the last good night: name, before, now.</param>
public sealed record NightResult(
    NightRecord Night, NightRecord? LastGood, IReadOnlyList<RunRecord> Runs, IReadOnlyList<Finding> Findings, IReadOnlyList<(string Name, string Before, string Now)> Changed)
{
    /// <summary>0 where the night is good; 1 where a claim fails or something regressed; the exit code of the run that did not finish, 3 before 2.</summary>
    public ExitCode ExitCode => (ExitCode)Runs.Select(run => run.ExitCode).Append(Findings.Any(finding => finding.IsBad) ? 1 : 0).Max();
}

/// <summary>Runs a night: every experiment of a plan, into a folder and a history of its own, compared with the last good night.</summary>
public static class Nightly
{
    /// <summary>Runs a night to its end.</summary>
    /// <param name="plan">What to run.</param>
    /// <param name="options">Where and how.</param>
    /// <param name="work">Runs one experiment into a folder of runs.</param>
    /// <param name="tell">Told in sentences what the user should know while it runs.</param>
    /// <param name="cancellation">Stops the night; it stays in the history as unfinished.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; its message says what became of the night.</exception>
    /// <exception cref="NightRunningException">Another night runs, and the options say to leave.</exception>
    /// <exception cref="InvalidInputException">The history is damaged.</exception>
    /// <exception cref="EnvironmentFaultException">The folder or the history cannot be written.</exception>
    public static NightResult Run(
        NightPlan plan, NightOptions options, Func<PlannedExperiment, string, RunOutcome> work, Action<string> tell, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(work);
        using var held = NightLock.Take(options.Folder, options.IfRunning, options.Clock, tell, cancellation);
        using var history = History.Open(options.Folder);
        var findings = new List<Finding>();
        if (history.CloseUnfinished() > 0)
            findings.Add(Finding.Note("", "The night before this one was killed or interrupted before its end; it counts as unfinished."));
        var nights = history.Nights();
        var started = options.Clock.GetUtcNow().UtcDateTime;
        if (BackwardClock(nights, started) is { } backward)
            findings.Add(Finding.Note("", backward));

        string folder = FreeFolder(options.Folder, nights, started);
        long number = history.Begin(started, folder, options.Machine, options.Versions);
        string runs = Path.Combine(options.Folder, folder);
        try
        {
            foreach (var planned in plan.Experiments)
            {
                cancellation.ThrowIfCancellationRequested();
                history.Add(number, Measured(planned, runs, work));
            }
        }
        catch (OperationCanceledException e)
        {
            history.CloseUnfinished();
            HistoryExport.Write(options.Folder, history);
            throw new OperationCanceledException($"Interrupted: night {number} counts as unfinished; the same command begins another one.", e);
        }

        var lastGood = nights.LastOrDefault(night => night.IsGood);
        var ran = history.Runs(number);
        findings.AddRange(Compared(plan, ran, lastGood is null ? [] : history.Runs(lastGood.Number), lastGood?.Machine == options.Machine));
        findings = [.. findings.OrderBy(finding => finding.Kind)];
        var status = findings.Any(finding => finding.IsBad) ? NightStatus.Bad : NightStatus.Good;
        history.Finish(number, options.Clock.GetUtcNow().UtcDateTime, status, findings);
        Prune(history, options.Folder, plan.Retention, tell);
        HistoryExport.Write(options.Folder, history);
        return new NightResult(history.Nights()[^1], lastGood, ran, findings, Changed(lastGood is null ? null : history.Versions(lastGood.Number), options.Versions));
    }

    /// <summary>Takes the latest finished night as the one that later nights are compared with, whatever it found; returns it.</summary>
    /// <param name="folder">Folder of the nights.</param>
    /// <param name="clock">The time.</param>
    /// <exception cref="InvalidInputException">There is no finished night, or the history is damaged.</exception>
    /// <exception cref="NightRunningException">Another night runs.</exception>
    /// <exception cref="EnvironmentFaultException">The history cannot be written.</exception>
    public static NightRecord Accept(string folder, TimeProvider clock)
    {
        if (!File.Exists(Path.Combine(folder, History.FileName)))
            throw new InvalidInputException($"There is no night to accept in {folder}: run one with `toy nightly`.");
        using var held = NightLock.Take(folder, IfRunning.Leave, clock, _ => { }, CancellationToken.None);
        using var history = History.Open(folder);
        history.CloseUnfinished();
        var night = history.Nights().LastOrDefault(night => night.Finished is not null)
            ?? throw new InvalidInputException($"There is no finished night to accept in {folder}: run one with `toy nightly`.");
        if (!night.IsGood)
            history.Accept(night.Number);
        HistoryExport.Write(folder, history);
        return night;
    }

    // Dates only name folders. Order is the nights' numbers, which no clock changes.
    private static string? BackwardClock(IReadOnlyList<NightRecord> nights, DateTime now) =>
        nights.Count > 0 && (nights[^1].Finished ?? nights[^1].Started) is var last && now < last
            ? string.Create(CultureInfo.InvariantCulture, $"The clock went backwards: it is {now:yyyy-MM-dd HH:mm} UTC, and night {nights[^1].Number} was at {last:yyyy-MM-dd HH:mm} UTC; nights stay in the order of their numbers.")
            : null;

    private static string FreeFolder(string root, IReadOnlyList<NightRecord> nights, DateTime started)
    {
        string date = started.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return Enumerable.Range(1, int.MaxValue).Select(turn => turn == 1 ? date : $"{date}-{turn.ToString(CultureInfo.InvariantCulture)}")
            .First(name => nights.All(night => night.Folder != name) && !Path.Exists(Path.Combine(root, name)));
    }

    private static RunRecord Measured(PlannedExperiment planned, string runs, Func<PlannedExperiment, string, RunOutcome> work)
    {
        var clock = Stopwatch.StartNew();
        var outcome = work(planned, runs);
        double seconds = Math.Round(clock.Elapsed.TotalSeconds, 3);
        string name = planned.Experiment.Name, run = Path.Combine(runs, name);
        var record = new RunRecord(
            name, planned.File, outcome.ExitCode, seconds, outcome.Error, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(planned.Experiment.Resolved()))), [], []);
        if (outcome.Error is not null)
            return record;
        try
        {
            return record with { Metrics = NightMeasures.Metrics(planned, run, seconds), Claims = NightMeasures.Claims(run) };
        }
        catch (InvalidInputException e)
        {
            return record with { ExitCode = (int)ExitCode.InvalidInput, Error = e.Message };
        }
    }

    private static IEnumerable<Finding> Compared(NightPlan plan, IReadOnlyList<RunRecord> now, IReadOnlyList<RunRecord> before, bool sameMachine)
    {
        foreach (var (planned, run) in plan.Experiments.Zip(now))
        {
            foreach (var finding in NightComparison.Compare(planned, run, before.FirstOrDefault(old => old.Experiment == run.Experiment), sameMachine))
                yield return finding;
        }

        foreach (var gone in before.Where(old => now.All(run => run.Experiment != old.Experiment)))
            yield return Finding.Note(gone.Experiment, "It is no longer in the plan; it was on the last good night.");
        var measured = now.Where(run => run.Error is null).SelectMany(run => run.Metrics).Select(metric => metric.Name).ToHashSet();
        if (now.All(run => run.Error is null))
        {
            foreach (string name in plan.Experiments.SelectMany(planned => planned.Metrics).Select(rule => rule.Name).Distinct().Where(name => !measured.Contains(name)))
                yield return Finding.Note("", $"The plan names the metric {name}, which no run has: it is no column of a cells.csv, and no duration.");
        }

        if (before.Count > 0 && !sameMachine)
            yield return Finding.Note("", "The last good night ran on another machine: durations are not compared.");
    }

    private static List<(string, string, string)> Changed(IReadOnlyDictionary<string, string>? before, IReadOnlyDictionary<string, string> now) =>
        before is null ? [] : [.. now.Keys.Union(before.Keys).Order(StringComparer.Ordinal)
            .Select(name => (Name: name, Before: before.GetValueOrDefault(name, "none"), Now: now.GetValueOrDefault(name, "none"))).Where(version => version.Before != version.Now)];

    private static void Prune(History history, string root, Retention retention, Action<string> tell)
    {
        var standing = history.Nights().Where(night => !night.Pruned).ToList();
        var kept = retention.Kept(standing);
        foreach (var night in standing.Where(night => !kept.Contains(night.Number)))
        {
            string folder = Path.Combine(root, night.Folder);
            try
            {
                // A folder that a history from elsewhere names may be anywhere: only a date's own is deleted.
                if (!NightFolder.IsName(night.Folder))
                    throw new IOException("its name is not that of a night.");
                if (Directory.Exists(folder))
                    Directory.Delete(folder, recursive: true);
                history.MarkPruned(night.Number);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                tell($"{folder} of night {night.Number} is no longer kept, and cannot be deleted: {e.Message}");
            }
        }
    }
}
