using System.Globalization;
using System.Text.RegularExpressions;

namespace ToyPipeline.Core.Experiments;

/// <summary>Turns the tree of an experiment file into specifications, and fills in the defaults.</summary>
internal static partial class ExperimentBinder
{
    /// <summary>Largest n and m that a model may have: G has n² entries in one array.</summary>
    private const int MaxFeatures = 1 << 15;

    /// <summary>Largest n · m: a matrix of 1 GB.</summary>
    private const int MaxWeights = 1 << 28;

    /// <summary>Most samples of a step.</summary>
    private const int MaxBatch = 1 << 24;

    private static readonly string[] s_axisForms = ["values", "log", "linear"];
    private static readonly string[] s_adamKeys = ["beta1", "beta2", "eps"];
    private static readonly string[] s_sgdKeys = ["momentum"];

    public static ExperimentHead Head(YamlMap root, string file)
    {
        var top = new YamlSection(file, "", root, "");
        string name = top.Text("name");
        if (!NamePattern().IsMatch(name) || name.Contains("..", StringComparison.Ordinal))
            throw top.Error("name", $"is {name}; allowed: up to 100 of A to Z, a to z, 0 to 9, - _ and ., starting with a letter or digit, and no two dots in a row");
        var model = Model(top);
        var axes = top.Sections("axes").Select(BindAxis).ToList();
        CheckTogether(top, axes);
        int replicas = top.Integer("replicas", 1, 1);
        if (axes.Aggregate((Int128)replicas, (count, axis) => Int128.Min(count * axis.Values.Count, long.MaxValue)) > int.MaxValue)
            throw top.Error("axes", $"and replicas make more than {int.MaxValue} instances");
        var evaluation = Evaluation(top, replicas);
        return new ExperimentHead(
            name,
            top.Text("title", name),
            top.Text("description", ""),
            top.Unsigned("seed", 0),
            replicas,
            axes,
            evaluation,
            top.Section("phase") is { } phase ? BindPhase(phase, model) : null,
            top.Section("branches") is { } branches ? BindBranches(branches, axes, Training(top)) : null,
            [.. top.Sections("claims").Select(claim => OfGrid(top, claim, Measured(claim, BindClaim(claim, axes, model), evaluation), axes))]);
    }

    public static CellSpec Cell(YamlMap root, string file)
    {
        var top = new YamlSection(file, "", root, "");
        var model = Model(top);
        var cell = new CellSpec(model, Data(top, model), Importance(top, model), Training(top));
        if (cell.Training.Objective == ObjectiveKind.Exact && NotExact(cell) is { } problem)
            throw top.Section("training")!.Error("objective", $"is exact, which covers {problem}");
        return cell;
    }

    // What the exact expected loss does not cover, or null.
    private static string? NotExact(CellSpec cell) =>
        cell.Model.Kind is not (ModelKind.Linear or ModelKind.ReluOutput) ? "the model kinds linear and relu-output; take fused or autograd"
        : cell.Model.Features > TrainingSpec.MaxExactFeatures ? $"up to {TrainingSpec.MaxExactFeatures} features; take fused or autograd"
        : cell.Data.Sets.Count > 0 ? "independent features; leave data.sets out, or take fused"
        : cell.Data.Range != ValueRange.Unit ? "features on [0, 1]; leave data.values at unit, or take fused"
        : cell.Data.TrainSamples is not null ? "the distribution itself; leave data.train out, or take fused"
        : null;

    private static ModelSpec Model(YamlSection top)
    {
        top.Required("model");
        var model = top.Section("model")!;
        var spec = new ModelSpec(
            model.Choice("kind", (ModelKind?)ModelKind.ReluOutput), model.Integer("features", 1, maximum: MaxFeatures), model.Integer("hidden", 1, maximum: MaxFeatures));
        long weights = (long)spec.Features * spec.Hidden;
        return weights > MaxWeights ? throw model.Error("hidden", $"times features is {weights}; allowed: up to {MaxWeights} weights a matrix") : spec;
    }

    private static DataSpec Data(YamlSection top, ModelSpec model)
    {
        int n = model.Features;
        var defaultRange = model.Kind == ModelKind.AbsoluteValue ? ValueRange.Signed : ValueRange.Unit;
        if (top.Section("data") is not { } data)
            return new DataSpec([.. Enumerable.Repeat(1.0, n)], defaultRange, [], null);

        double[] density = [.. Densities(data, n)];
        var sets = new List<FeatureSet>();
        var owner = new Dictionary<int, int>();
        foreach (var section in data.Sections("sets"))
        {
            var set = BindSet(section, n, density);
            foreach (int member in set.Members)
            {
                if (!owner.TryAdd(member, sets.Count))
                    throw section.Error($"feature {member} stands in two sets, or twice in one");
                density[member] = set.Density;
            }

            sets.Add(set);
        }

        return new DataSpec(density, data.Choice("values", (ValueRange?)defaultRange), sets, TrainSamples(data));
    }

    private static IReadOnlyList<double> Densities(YamlSection section, int count)
    {
        if (section.Has("sparsity") && section.Has("density"))
            throw section.Error("density", "stands beside sparsity; they say the same (density = 1 - sparsity): keep one");
        if (section.Has("density"))
            return section.PerFeature("density", count, Bounds.Density);
        return section.Has("sparsity")
            ? [.. section.PerFeature("sparsity", count, Bounds.Sparsity).Select(sparsity => 1 - sparsity)]
            : [.. Enumerable.Repeat(1.0, count)];
    }

    private static FeatureSet BindSet(YamlSection section, int features, double[] density)
    {
        if (section.Has("correlated") == section.Has("anticorrelated"))
            throw section.Error("a set has either correlated or anticorrelated, with a list of features");
        var kind = section.Has("correlated") ? SetKind.Correlated : SetKind.Anticorrelated;
        string key = kind == SetKind.Correlated ? "correlated" : "anticorrelated";
        var members = section.Indices(key, features);
        if (members.Count < 2)
            throw section.Error(key, "has fewer than two features");
        if (section.Has("density") || section.Has("sparsity"))
            return new FeatureSet(kind, members, Densities(section, 1)[0]);
        return members.All(member => density[member] == density[members[0]])
            ? new FeatureSet(kind, members, density[members[0]])
            : throw section.Error(key, "has features of different sparsity; give the set a sparsity of its own");
    }

    private static int? TrainSamples(YamlSection data)
    {
        if (data.Node("train") is null or YamlScalar { Text: "stream" })
            return null;
        if (data.Node("train") is YamlScalar)
            throw data.Error("train", $"is {data.Text("train")}; allowed: stream, or {{ samples: N }}");
        return data.Section("train")!.Integer("samples", 1);
    }

    private static IReadOnlyList<double> Importance(YamlSection top, ModelSpec model)
    {
        if (top.Section("importance") is not { } importance)
            return [.. Enumerable.Repeat(1.0, model.Features)];
        if (importance.Has("decay") == importance.Has("values"))
            throw top.Error("importance", "has either decay (I_i = decay^i) or values (one a feature)");
        if (importance.Has("values"))
            return importance.PerFeature("values", model.Features, Bounds.Importance);
        double decay = importance.Number("decay", Bounds.Positive);
        return Math.Pow(decay, model.Features - 1) <= Bounds.LargestImportance
            ? [.. Enumerable.Range(0, model.Features).Select(i => Math.Pow(decay, i))]
            : throw importance.Error("decay", $"is {Axis.Text(decay)}, which makes the importance of feature {model.Features - 1} greater than {Axis.Text(Bounds.LargestImportance)}");
    }

    private static TrainingSpec Training(YamlSection top)
    {
        // Defaults: the reference setting of the paper.
        var training = top.Section("training") ?? new YamlSection("", "training", YamlMap.Empty, "training");
        var history = training.Section("history") ?? new YamlSection("", "training.history", YamlMap.Empty, "training.history");
        int steps = training.Integer("steps", 1, 10_000);
        int snapshots = history.Integer("snapshots", 0, 0);
        if (snapshots == 1)
            throw history.Error("snapshots", "is 1; allowed: 0, or at least 2 (the first and the last step)");
        return new TrainingSpec(
            training.Choice("objective", (ObjectiveKind?)ObjectiveKind.Auto),
            steps,
            training.Integer("batch", 1, 1024, MaxBatch),
            Optimizer(training),
            training.Choice("schedule", (Schedule?)Schedule.Constant),
            new HistorySpec(history.Integer("loss_every", 0, 100), snapshots, history.Choice("spacing", (SnapshotSpacing?)SnapshotSpacing.Log)))
        {
            Starts = training.Integer("starts", 1, 1),
        };
    }

    private static OptimizerSpec Optimizer(YamlSection training)
    {
        var optimizer = training.Section("optimizer") ?? new YamlSection("", "training.optimizer", YamlMap.Empty, "training.optimizer");
        var kind = optimizer.Choice("kind", (OptimizerKind?)OptimizerKind.AdamW);
        foreach (string key in kind == OptimizerKind.Sgd ? s_adamKeys : s_sgdKeys)
        {
            if (optimizer.Has(key))
                throw optimizer.Error(key, $"does not belong to {YamlSection.KebabCase(kind)}");
        }

        return new OptimizerSpec(
            kind,
            optimizer.Number("lr", Bounds.Positive, 1e-3),
            optimizer.Number("weight_decay", Bounds.NotNegative, kind == OptimizerKind.AdamW ? 0.01 : 0),
            optimizer.Number("beta1", Bounds.BelowOne, 0.9),
            optimizer.Number("beta2", Bounds.BelowOne, 0.999),
            optimizer.Number("eps", Bounds.Positive, 1e-8),
            optimizer.Number("momentum", Bounds.BelowOne, 0));
    }

    private static Axis BindAxis(YamlSection section)
    {
        string path = section.Text("path");
        if (AxisSetter.Split(path) is not { } split || !ExperimentKeys.AxisPaths.Contains(split.Path))
        {
            string hint = ExperimentKeys.Closest(path, ExperimentKeys.AxisPaths) is { } close ? $"did you mean {close}? " : "";
            throw section.Error("path", $"is {path}, which is not a setting; {hint}Allowed: {string.Join(", ", ExperimentKeys.AxisPaths)}");
        }

        if (split.Index is not null && split.Path is not ("data.sparsity" or "data.density" or "importance.values"))
            throw section.Error("path", $"is {path}; only data.sparsity, data.density and importance.values take an index");
        int forms = s_axisForms.Count(section.Has);
        if (forms != 1)
            throw section.Error("an axis has one of values, log and linear");
        string form = s_axisForms.First(section.Has);
        var values = form == "values" ? section.Texts(form) : Spaced(section, form == "log");
        if (values.Count == 0)
            throw section.Error(form, "is empty");
        return values.DistinctBy(Canonical).Count() == values.Count ? new Axis(path, values) : throw section.Error(form, "has a value twice");
    }

    private static void CheckTogether(YamlSection top, List<Axis> axes)
    {
        for (int a = 0; a < axes.Count; a++)
        {
            foreach (var b in axes.Skip(a + 1).Where(b => AxisSetter.Exclude(axes[a].Path, b.Path)))
                throw top.Error("axes", axes[a].Path == b.Path ? $"has {b.Path} twice" : $"has {axes[a].Path} and {b.Path}, which set the same thing: keep one");
        }
    }

    private static IReadOnlyList<string> Spaced(YamlSection section, bool log)
    {
        string key = log ? "log" : "linear";
        var numbers = section.Numbers(key, Bounds.Finite);
        if (numbers.Count != 3 || numbers[2] != Math.Floor(numbers[2]) || numbers[2] is < 2 or > 1_000_000 || numbers[0] == numbers[1])
            throw section.Error(key, "is [from, to, count] with a count of at least 2 and from different from to");
        if (log && !(numbers[0] > 0 && numbers[1] > 0))
            throw section.Error(key, "needs both ends greater than 0");
        return log ? Axis.Log(numbers[0], numbers[1], (int)numbers[2]) : Axis.Linear(numbers[0], numbers[1], (int)numbers[2]);
    }

    private static bool Same(string a, string b) => Canonical(a) == Canonical(b);

    // 0.50 and 5e-1 are the same value of an axis.
    private static string Canonical(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? Axis.Text(number == 0 ? 0 : number) : text;

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}
