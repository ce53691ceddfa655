using System.Globalization;

namespace ToyPipeline.Sweeps.Nights;

/// <summary>Which nights' folders are kept: the newest, and the best night of each recent day, week and month. The last good one always.</summary>
/// <remarks>
/// Nights are counted, not days before today, and newer means a higher number: whatever a clock says, no more are deleted than the counts allow.
/// </remarks>
/// <param name="Last">Newest nights, whatever their outcome; at least 1.</param>
/// <param name="Daily">Days of which a night is kept.</param>
/// <param name="Weekly">Weeks (ISO 8601) of which a night is kept.</param>
/// <param name="Monthly">Months of which a night is kept.</param>
public sealed record Retention(int Last, int Daily, int Weekly, int Monthly)
{
    /// <summary>Seven nights, thirty days, half a year of weeks, two years of months.</summary>
    public static Retention Default { get; } = new(7, 30, 26, 24);

    /// <summary>Numbers of the nights to keep.</summary>
    /// <param name="nights">Nights whose folders still stand, in any order.</param>
    public IReadOnlySet<long> Kept(IReadOnlyList<NightRecord> nights)
    {
        ArgumentNullException.ThrowIfNull(nights);
        var newestFirst = nights.OrderByDescending(night => night.Number).ToList();
        var kept = newestFirst.Take(Math.Max(1, Last)).Select(night => night.Number).ToHashSet();
        if (newestFirst.FirstOrDefault(night => night.IsGood) is { } lastGood)
            kept.Add(lastGood.Number);
        kept.UnionWith(BestOfEach(newestFirst, Daily, date => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)));
        kept.UnionWith(BestOfEach(newestFirst, Weekly, date => $"{ISOWeek.GetYear(date)}-{ISOWeek.GetWeekOfYear(date)}"));
        kept.UnionWith(BestOfEach(newestFirst, Monthly, date => date.ToString("yyyy-MM", CultureInfo.InvariantCulture)));
        return kept;
    }

    // The newest good night of each period, or its newest where none is good, of as many periods. Periods with a good night go first: were a newer
    // bad one to count before them, a period that lost its good night would push another one out when the same nights are pruned again.
    private static IEnumerable<long> BestOfEach(List<NightRecord> newestFirst, int periods, Func<DateTime, string> period) =>
        newestFirst.GroupBy(night => period(night.Started)).Select(group => group.FirstOrDefault(night => night.IsGood) ?? group.First())
            .OrderByDescending(night => night.IsGood).ThenByDescending(night => night.Number).Take(periods).Select(night => night.Number);
}
