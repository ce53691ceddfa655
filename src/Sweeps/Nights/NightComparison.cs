using System.Globalization;

namespace ToyPipeline.Sweeps.Nights;

/// <summary>Compares what a night measured with the last good night.</summary>
internal static class NightComparison
{
    /// <summary>What there is to tell of one run.</summary>
    /// <param name="planned">The experiment and its tolerances.</param>
    /// <param name="now">The run.</param>
    /// <param name="before">Its run of the last good night; null where there is none.</param>
    /// <param name="sameMachine">Whether both ran on one machine: durations are compared only then.</param>
    public static IReadOnlyList<Finding> Compare(PlannedExperiment planned, RunRecord now, RunRecord? before, bool sameMachine)
    {
        if (now.Error is not null)
            return [new Finding(FindingKind.FailedRun, now.Experiment, "", now.Error, "", "", "")];
        var findings = new List<Finding>();
        findings.AddRange(Claims(planned, now, before));
        if (before is not { Error: null })
            return findings;
        if (before.Spec != now.Spec)
            findings.Add(Finding.Note(now.Experiment, "The experiment changed since the last good night."));
        findings.AddRange(Metrics(planned, now, before, sameMachine));
        return findings;
    }

    /// <summary>A number as people read it.</summary>
    public static string Text(double number) => number.ToString("G5", CultureInfo.InvariantCulture);

    private static IEnumerable<Finding> Metrics(PlannedExperiment planned, RunRecord now, RunRecord before, bool sameMachine)
    {
        var measured = now.Metrics.ToDictionary(metric => (metric.At, metric.Name));
        foreach (var old in before.Metrics)
        {
            if (Rule(planned, old) is not { Worse: not Worse.Never } tolerance || (!sameMachine && old.Name.StartsWith("seconds", StringComparison.Ordinal)))
                continue;
            if (!measured.TryGetValue((old.At, old.Name), out var value))
            {
                // Another grid or another detail of the plan has other cells; that nothing is left of a metric is no such matter.
                if (before.Spec == now.Spec && now.Metrics.All(metric => metric.Name != old.Name))
                    yield return new Finding(FindingKind.Regression, now.Experiment, old.At, old.Name, Shown(old), "not measured", "");
                continue;
            }

            if (old.Number is { } from && value.Number is { } to)
            {
                if (Verdict(tolerance, from, to) is { } kind)
                    yield return new Finding(kind, now.Experiment, old.At, old.Name, Text(from), Text(to), Limit(tolerance, from));
            }
            else if (Shown(old) != Shown(value))
            {
                yield return new Finding(FindingKind.Regression, now.Experiment, old.At, old.Name, Shown(old), Shown(value), "no change");
            }
        }
    }

    private static IEnumerable<Finding> Claims(PlannedExperiment planned, RunRecord now, RunRecord? before)
    {
        foreach (var claim in now.Claims)
        {
            var old = before?.Claims.FirstOrDefault(old => old with { Measured = claim.Measured, Holds = claim.Holds } == claim);
            if (!claim.Holds)
            {
                yield return new Finding(FindingKind.FailedClaim, now.Experiment, claim.At, claim.Sentence, old is null ? "" : Short(old.Measured), Short(claim.Measured), "");
                continue;
            }

            if (old is null || Range(old.Measured) is not { } from || Range(claim.Measured) is not { } to)
                continue;
            var rule = planned.Claims.First(rule => rule.Measure is null || rule.Measure == claim.Measure);
            var worse = claim.Comparison switch { "at_least" => Worse.Lower, "at_most" => Worse.Higher, _ => Worse.Either };
            var tolerance = new Tolerance(worse, rule.Relative, rule.Absolute);
            // Over several cells the value is a range: the end towards the failing side counts.
            var ends = ((double From, double To)[])(worse switch
            {
                Worse.Lower => [(from.Low, to.Low)],
                Worse.Higher => [(from.High, to.High)],
                _ => [(from.Low, to.Low), (from.High, to.High)],
            });
            foreach (var end in ends)
            {
                if (Verdict(tolerance, end.From, end.To) is not { } kind)
                    continue;
                yield return new Finding(kind, now.Experiment, claim.At, claim.Sentence, Short(old.Measured), Short(claim.Measured), Limit(tolerance, end.From));
                break;
            }
        }
    }

    private static Tolerance? Rule(PlannedExperiment planned, MetricValue value)
    {
        string[] at = value.At.Split(", ");
        return planned.Metrics.FirstOrDefault(rule => rule.Name == value.Name && rule.At.All(coordinate => at.Contains(coordinate.ToString())))?.Tolerance;
    }

    private static FindingKind? Verdict(Tolerance tolerance, double from, double to)
    {
        double change = to - from;
        // What rounding adds is no change: 1.1 - 1 is a little over 0.1.
        if (Math.Abs(change) <= tolerance.Allowed(from) + (1e-12 * Math.Abs(from)))
            return null;
        bool better = tolerance.Worse switch { Worse.Higher => change < 0, Worse.Lower => change > 0, _ => false };
        return better ? FindingKind.Improvement : FindingKind.Regression;
    }

    private static string Limit(Tolerance tolerance, double from)
    {
        double allowed = tolerance.Allowed(from);
        return tolerance.Worse switch
        {
            Worse.Higher => $"at most {Text(from + allowed)}",
            Worse.Lower => $"at least {Text(from - allowed)}",
            _ => $"{Text(from - allowed)} to {Text(from + allowed)}",
        };
    }

    private static string Shown(MetricValue value) => value.Number is { } number ? Text(number) : value.Text is { Length: > 0 } text ? text : "empty";

    // "0.12", or "0.12 to 0.13" over several cells; words are compared by whether the claim holds.
    private static (double Low, double High)? Range(string measured)
    {
        double[] numbers = [.. measured.Split(" to ").Select(part => double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : double.NaN)];
        return numbers.Length is 1 or 2 && numbers.All(double.IsFinite) ? (numbers[0], numbers[^1]) : null;
    }

    private static string Short(string measured) => string.Join(' ', measured.Split(' ').Select(word =>
        word.Length > 6 && double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? Text(number) : word));
}
