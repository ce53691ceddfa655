using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Sweeps.Nights;

/// <summary>Reads the plans of <c>experiments/nightly/</c>; docs/nightly.md has the format.</summary>
public static class NightPlanFile
{
    private static readonly string[] s_rule = ["worse", "relative", "absolute"];

    private static readonly YamlWords s_words = new("a nightly plan", "experiments/nightly/guard.yaml", new Dictionary<string, IReadOnlyList<string>>
    {
        [""] = ["experiments", "metrics", "claims", "detail", "retention"],
        ["experiments"] = ["file", "metrics", "claims", "detail"],
        ["experiments.metrics"] = ["name", "at", .. s_rule],
        ["experiments.claims"] = ["measure", "relative", "absolute"],
        ["metrics"] = ["name", .. s_rule],
        ["claims"] = ["measure", "relative", "absolute"],
        ["retention"] = ["last", "daily", "weekly", "monthly"],
    });

    /// <summary>Reads a plan, or all <c>*.yaml</c> of a folder as one.</summary>
    /// <param name="path">File or folder.</param>
    /// <exception cref="InvalidInputException">There is none, it says something impossible, or an experiment that it names is missing or wrong; file and line are named.</exception>
    public static NightPlan Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        string[] files = File.Exists(path) ? [path] : Directory.Exists(path) ? [.. Directory.EnumerateFiles(path, "*.yaml").Order(StringComparer.Ordinal)] : [];
        if (files.Length == 0)
            throw new InvalidInputException($"There is no nightly plan: {(Directory.Exists(path) ? Path.Combine(path, "*.yaml") : path)} matches no file; docs/nightly.md shows how to write one.");
        var experiments = new List<PlannedExperiment>();
        (Retention Rule, string File)? retention = null;
        foreach (string file in files)
        {
            var top = new YamlSection(file, "", YamlTree.Parse(Text(file), file, s_words), "", s_words);
            foreach (var (section, planned) in Experiments(top, file))
            {
                if (experiments.Find(other => other.Experiment.Name == planned.Experiment.Name) is { } same)
                    throw section.Error("file", $"is {planned.File}, an experiment named {planned.Experiment.Name} as is {same.File}; their runs would share a folder: keep one, or rename it");
                experiments.Add(planned);
            }

            if (top.Section("retention") is not { } rule)
                continue;
            if (retention is { } first)
                throw top.Error("retention", $"stands in {first.File} too; nights have one rule: keep one of the two");
            retention = (Rule(rule), file);
        }

        return new NightPlan(experiments, retention?.Rule ?? Retention.Default);
    }

    private static string Text(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{file} cannot be read: {e.Message}", e);
        }
    }

    private static IEnumerable<(YamlSection Section, PlannedExperiment Planned)> Experiments(YamlSection top, string file)
    {
        var metrics = top.Has("metrics") ? Metrics(top, null) : NightPlan.DefaultMetrics;
        var claims = Claims(top);
        int detail = top.Integer("detail", 1, 32);
        top.Required("experiments");
        var sections = top.Sections("experiments").ToList();
        if (sections.Count == 0)
            throw top.Error("experiments", "is empty; name at least one, as in [{ file: ../intro.yaml }]");
        foreach (var section in sections)
        {
            string name = section.Text("file");
            string path = Path.GetRelativePath(".", Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, name));
            if (!File.Exists(path))
                throw section.Error("file", $"is {name}, and there is no experiment {path}{Guess(path)}");
            var experiment = Experiment.Load(path);
            yield return (section, new PlannedExperiment(
                path, experiment, [.. Metrics(section, experiment), .. metrics], [.. Claims(section), .. claims, NightPlan.DefaultClaim], section.Integer("detail", 1, detail)));
        }
    }

    private static string Guess(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string[] known = Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, "*.yaml").Select(file => Path.GetFileName(file))] : [];
        return ExperimentKeys.Closest(Path.GetFileName(path), known) is { } close ? $"; did you mean {close}?" : "";
    }

    private static List<MetricRule> Metrics(YamlSection parent, Experiment? experiment) => [.. parent.Sections("metrics").Select(section =>
        new MetricRule(section.Text("name"), experiment is null ? [] : At(section, experiment), new Tolerance(
            section.Choice("worse", (Worse?)Worse.Either), section.Number("relative", Bounds.NotNegative, 0), section.Number("absolute", Bounds.NotNegative, 0))))];

    private static List<ClaimRule> Claims(YamlSection parent) => [.. parent.Sections("claims").Select(section =>
        new ClaimRule(section.Has("measure") ? section.Text("measure") : null, section.Number("relative", Bounds.NotNegative, 0), section.Number("absolute", Bounds.NotNegative, 0)))];

    // The keys are the experiment's own axes, which no list of keys can know.
    private static List<Coordinate> At(YamlSection section, Experiment experiment)
    {
        if (section.Node("at") is not { } node)
            return [];
        string axes = experiment.Axes.Count == 0 ? "nothing, for it has no axes" : string.Join(", ", experiment.Axes.Select(axis => axis.Path));
        if (node is not YamlMap map)
            throw section.Error("at", $"is not a mapping; its keys are the axes of {experiment.Name}: {axes}");
        return [.. map.Pairs.Select(pair =>
        {
            var axis = experiment.Axes.FirstOrDefault(axis => axis.Path == pair.Key)
                ?? throw section.Error("at", $"names {pair.Key}, which is no axis of {experiment.Name}; allowed: {axes}");
            return pair.Value is YamlScalar value && axis.Values.Contains(value.Text)
                ? new Coordinate(axis.Path, value.Text)
                : throw section.Error("at", $"names a value that {axis.Path} does not take; allowed: {string.Join(", ", axis.Values.Take(20))}");
        })];
    }

    private static Retention Rule(YamlSection section) => new(
        section.Integer("last", 1, Retention.Default.Last), section.Integer("daily", 0, Retention.Default.Daily),
        section.Integer("weekly", 0, Retention.Default.Weekly), section.Integer("monthly", 0, Retention.Default.Monthly));
}
