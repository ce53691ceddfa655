namespace ToyPipeline.Core.Experiments;

/// <summary>Reads the claims.</summary>
internal static partial class ExperimentBinder
{
    private static readonly (string Key, Comparison Comparison)[] s_comparisons =
    [
        ("equals", Comparison.EqualTo), ("between", Comparison.Between), ("at_least", Comparison.AtLeast), ("at_most", Comparison.AtMost),
        ("monotone", Comparison.Monotone), ("plateau", Comparison.Plateau), ("correlates", Comparison.Correlates),
    ];

    private enum Direction
    {
        Increasing,
        Decreasing,
    }

    private static ClaimSpec BindClaim(YamlSection section, List<Axis> axes, ModelSpec model)
    {
        var measure = Measure(section, "measure", model);
        var present = s_comparisons.Where(pair => section.Has(pair.Key)).ToList();
        if (present.Count != 1)
            throw section.Error($"a claim has one of {string.Join(", ", s_comparisons.Select(pair => pair.Key))}");
        var (key, comparison) = present[0];
        if (measure.IsText && comparison != Comparison.EqualTo)
            throw section.Error("measure", $"is {measure}, {(measure.Name == "geometry" ? "a name" : "a list of features")}, which {key} cannot compare; use equals");
        if (measure.IsMany && comparison == Comparison.Monotone)
            throw section.Error("measure", $"is {measure}, which has many values in a cell; monotone compares one");
        bool ofGrid = ClaimMeasures.OfGrid.Contains(measure.Name);
        if (ofGrid && section.Has("at"))
            throw section.Error("at", $"does not go with {measure}, a measure of the whole grid: leave it out");
        if (ofGrid && comparison is (Comparison.Monotone or Comparison.Plateau or Comparison.Correlates))
            throw section.Error("measure", $"is {measure}, of the whole grid, which has one value; {key} needs one in each cell");
        var at = At(section, axes);
        var plateau = comparison == Comparison.Plateau ? Plateau(section.Section(key)!, measure) : null;
        return new ClaimSpec(
            at,
            measure.ToString(),
            comparison,
            Expected(section, key, comparison, measure, model),
            section.Number("tolerance", Bounds.NotNegative, 0),
            Along(section, axes, at, needed: comparison == Comparison.Monotone || plateau?.Cells is not null),
            plateau,
            comparison == Comparison.Correlates ? Correlation(section.Section(key)!, measure, model) : null);
    }

    private static MeasureName Measure(YamlSection section, string key, ModelSpec model)
    {
        string measure = section.Text(key);
        return ClaimMeasures.Problem(measure, model) is { } problem
            ? throw section.Error(key, $"is {measure}, {problem}")
            : MeasureName.Parse(measure);
    }

    private static IReadOnlyList<string> Expected(YamlSection section, string key, Comparison comparison, MeasureName measure, ModelSpec model)
    {
        switch (comparison)
        {
            case Comparison.EqualTo:
                if (!measure.IsText)
                    section.Number(key, Bounds.Finite);
                var expected = section.Node(key) is YamlList ? section.Texts(key) : [section.Text(key)];
                if (measure.Name == "geometry" && expected.Select(ClaimMeasures.GeometryProblem).FirstOrDefault(problem => problem is not null) is { } wrong)
                    throw section.Error(key, wrong);
                if (measure.Name == "represented" && section.Node(key) is YamlList)
                    section.Indices(key, model.Features);
                return expected;
            case Comparison.Between:
                return section.Numbers(key, Bounds.Finite) is [var low, var high] && low <= high ? section.Texts(key) : throw section.Error(key, "is [low, high], the smaller number first");
            case Comparison.AtLeast or Comparison.AtMost:
                section.Number(key, Bounds.Finite);
                return [section.Text(key)];
            case Comparison.Monotone:
                return [YamlSection.KebabCase(section.Choice<Direction>(key))];
            default:
                return [];
        }
    }

    private static PlateauSpec Plateau(YamlSection plateau, MeasureName measure)
    {
        if (plateau.Has("share") == plateau.Has("cells"))
            throw plateau.Error("a plateau has either share, of all values, or cells, that follow one another");
        if (plateau.Has("cells") && measure.IsMany)
            throw plateau.Error("cells", $"needs a measure with one value in a cell, and {measure} has many; use share");
        return new PlateauSpec(
            plateau.Number("at", Bounds.Finite),
            plateau.Number("tolerance", Bounds.NotNegative),
            plateau.Has("share") ? plateau.Number("share", Bounds.Share) : null,
            plateau.Has("cells") ? plateau.Integer("cells", 2) : null);
    }

    private static CorrelationSpec Correlation(YamlSection section, MeasureName measure, ModelSpec model)
    {
        var with = Measure(section, "with", model);
        if (with.IsText)
            throw section.Error("with", $"is {with}, which is no number");
        // Feature by feature, or neuron by neuron: both lists must be of the same things.
        bool Neurons(MeasureName name) => ClaimMeasures.OfNeuron.Contains(name.Name);
        if (with.IsMany != measure.IsMany || (with.IsMany && (with.Index != measure.Index || Neurons(with) != Neurons(measure))))
            throw section.Error("with", $"is {with}, and {measure} does not have as many values in a cell");
        if (!section.Has("at_least") && !section.Has("at_most"))
            throw section.Error("correlates needs at_least, or at_most");
        return new CorrelationSpec(with.ToString(), Coefficient("at_least"), Coefficient("at_most"), section.Flag("rank", false));

        double? Coefficient(string key) => section.Has(key) ? section.Number(key, Bounds.Coefficient) : null;
    }

    // The axis that a claim runs along; where it names none, the only one that it leaves open.
    private static string? Along(YamlSection section, List<Axis> axes, Dictionary<string, string> at, bool needed)
    {
        if (!needed)
            return section.Has("along") ? throw section.Error("along", "belongs to monotone, and to a plateau of cells") : null;
        var open = axes.Where(axis => !at.ContainsKey(axis.Path)).Select(axis => axis.Path).ToList();
        if (!section.Has("along"))
        {
            return open.Count == 1
                ? open[0]
                : throw section.Error($"along is missing: the claim leaves {(open.Count == 0 ? "no axis" : string.Join(", ", open))} open; name the one to follow");
        }

        string along = section.Text("along");
        return open.Contains(along)
            ? along
            : throw section.Error("along", $"is {along}, which is no axis that the claim leaves open; allowed: {string.Join(", ", open)}");
    }

    private static Dictionary<string, string> At(YamlSection section, List<Axis> axes)
    {
        var at = new Dictionary<string, string>();
        switch (section.Node("at"))
        {
            case null:
                return at;
            case YamlMap map:
                foreach (var (path, value) in map.Pairs)
                {
                    var axis = axes.Find(axis => axis.Path == path)
                        ?? throw section.Error("at", $"names {path}, which is no axis; {(axes.Count == 0 ? "there are none" : $"axes: {string.Join(", ", axes.Select(axis => axis.Path))}")}");
                    string text = (value as YamlScalar)?.Text ?? "";
                    at[path] = axis.Values.FirstOrDefault(candidate => Same(candidate, text))
                        ?? throw section.Error("at", $"names {path} = {text}, which the axis does not have; it has {string.Join(", ", axis.Values)}");
                }

                return at;
            default:
                throw section.Error("at", "is a mapping of axis paths to values");
        }
    }
}
