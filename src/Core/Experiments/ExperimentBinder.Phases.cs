using System.Globalization;

namespace ToyPipeline.Core.Experiments;

/// <summary>Reads how a grid is to be looked at: as a phase diagram, as branches of solutions.</summary>
internal static partial class ExperimentBinder
{
    private static PhaseSpec BindPhase(YamlSection section, ModelSpec model)
    {
        int feature = section.Integer("feature", 0, model.Features - 1);
        return feature < model.Features
            ? new PhaseSpec(feature)
            : throw section.Error("feature", $"is {feature}; allowed: 0 to {model.Features - 1}");
    }

    private static BranchesSpec BindBranches(YamlSection section, List<Axis> axes, TrainingSpec training)
    {
        if (training.Objective != ObjectiveKind.Exact)
            throw section.Error("branches are followed on the exact expected loss: set training.objective to exact");
        string path = section.Text("axis");
        var axis = axes.Find(axis => axis.Path == path)
            ?? throw section.Error("axis", $"is {path}, which is no axis; axes: {string.Join(", ", axes.Select(axis => axis.Path))}");
        if (axis.Values.Count < 2 || !axis.Values.All(value => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _)))
            throw section.Error("axis", $"is {path}, whose values are no numbers to move along");
        if (!section.Has("from"))
            return new BranchesSpec(axis, [axis.Values[0], axis.Values[^1]]);
        var from = section.Texts("from").Select(text => axis.Values.FirstOrDefault(value => Same(value, text))
            ?? throw section.Error("from", $"names {text}, which the axis does not have; it has {string.Join(", ", axis.Values)}"));
        return new BranchesSpec(axis, [.. from]);
    }

    private static YamlMap WithPhases(YamlMap resolved, ExperimentHead head)
    {
        if (head.Phase is { } phase)
            resolved = resolved.With("phase", YamlMap.Empty.With("feature", Text(phase.Feature)));
        if (head.Branches is { } branches)
            resolved = resolved.With("branches", YamlMap.Empty.With("axis", branches.Axis.Path).With("from", YamlList.Of(branches.From)));
        return resolved;
    }
}
