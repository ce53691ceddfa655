using CsCheck;
using ToyPipeline.Sweeps.Nights;

namespace ToyPipeline.Sweeps.Tests.Nights;

/// <summary>What the retention rule keeps, whatever the clock said and however nights ended.</summary>
public sealed class RetentionTests
{
    private static readonly Machine s_machine = new("here", "Linux", "x64", 2);

    // Clocks that mostly go on by some hours, and now and then jump years either way.
    private static readonly Gen<NightRecord[]> s_nights = Gen.Select(Gen.Int[1, 60], Gen.Enum<NightStatus>(), Gen.Int[-1, 30]).Array[0, 120].Select(steps =>
    {
        var time = new DateTime(2026, 1, 1, 2, 0, 0, DateTimeKind.Utc);
        return steps.Select((step, index) =>
        {
            var (hours, status, jump) = step;
            time = jump < 0 ? time.AddDays((hours - 30) * 20) : time.AddHours(hours);
            return new NightRecord(index + 1, time, time, $"night-{index + 1}", status, false, s_machine);
        }).ToArray();
    });

    private static readonly Gen<Retention> s_rules = Gen.Select(Gen.Int[1, 8], Gen.Int[0, 10], Gen.Int[0, 8], Gen.Int[0, 6], (last, daily, weekly, monthly) => new Retention(last, daily, weekly, monthly));

    [Test]
    public void The_last_good_night_and_the_newest_ones_are_always_kept() => Gen.Select(s_nights, s_rules).Sample((nights, rule) =>
    {
        var kept = rule.Kept(nights);
        return nights.TakeLast(rule.Last).All(night => kept.Contains(night.Number))
            && (nights.LastOrDefault(night => night.IsGood) is not { } good || kept.Contains(good.Number));
    });

    [Test]
    public void No_more_are_kept_than_the_rule_counts() => Gen.Select(s_nights, s_rules).Sample((nights, rule) =>
    {
        var kept = rule.Kept(nights);
        return kept.Count <= rule.Last + rule.Daily + rule.Weekly + rule.Monthly + 1 && kept.All(number => nights.Any(night => night.Number == number));
    });

    [Test]
    public void Pruning_night_after_night_keeps_the_last_good_one_and_pruning_twice_changes_nothing() => Gen.Select(s_nights, s_rules).Sample((nights, rule) =>
    {
        var standing = new List<NightRecord>();
        foreach (var night in nights)
        {
            standing.Add(night);
            var kept = rule.Kept(standing);
            standing.RemoveAll(old => !kept.Contains(old.Number));
            if (!rule.Kept(standing).SetEquals(standing.Select(old => old.Number)))
                return false;
            var good = nights.Take((int)night.Number).LastOrDefault(old => old.IsGood);
            if (good is not null && !standing.Contains(good))
                return false;
        }

        return true;
    });

    [Test]
    public void A_rule_that_asks_for_more_keeps_what_one_that_asks_for_less_does() => Gen.Select(s_nights, s_rules).Sample((nights, rule) =>
        rule.Kept(nights).IsSubsetOf((rule with { Last = rule.Last + 2, Daily = rule.Daily + 3, Weekly = rule.Weekly + 1, Monthly = rule.Monthly + 1 }).Kept(nights)));

    [Test]
    public void Of_a_day_the_newest_good_night_is_kept_and_days_without_nights_do_not_count()
    {
        NightRecord[] nights =
        [
            At(1, "2026-03-01T02:00", NightStatus.Good), At(2, "2026-03-01T05:00", NightStatus.Good), At(3, "2026-03-01T09:00", NightStatus.Bad),
            At(4, "2026-03-20T02:00", NightStatus.Bad), At(5, "2026-03-20T03:00", NightStatus.Unfinished),
            At(6, "2026-04-10T02:00", NightStatus.Good), At(7, "2026-04-11T02:00", NightStatus.Bad),
        ];
        Assert.Multiple(() =>
        {
            Assert.That(new Retention(1, 4, 0, 0).Kept(nights), Is.EquivalentTo(new[] { 7, 6, 5, 2 }));
            Assert.That(new Retention(1, 0, 3, 0).Kept(nights), Is.EquivalentTo(new[] { 7, 6, 5, 2 }), "6 and 7 are of one week");
            Assert.That(new Retention(1, 0, 0, 2).Kept(nights), Is.EquivalentTo(new[] { 7, 6, 2 }));
            Assert.That(new Retention(1, 0, 0, 0).Kept(nights), Is.EquivalentTo(new[] { 7, 6 }));
        });
    }

    private static NightRecord At(long number, string time, NightStatus status) =>
        new(number, DateTime.Parse(time), null, $"{number}", status, false, s_machine);
}
