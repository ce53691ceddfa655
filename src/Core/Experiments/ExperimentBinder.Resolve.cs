using System.Globalization;

namespace ToyPipeline.Core.Experiments;

/// <summary>Writes an experiment back with its defaults.</summary>
internal static partial class ExperimentBinder
{
    /// <summary>The tree with all defaults written out.</summary>
    public static YamlMap Resolve(YamlMap root, ExperimentHead head, string file)
    {
        var cell = Cell(root, file);
        var optimizer = cell.Training.Optimizer;
        var history = cell.Training.History;
        // A default that depends on what an axis varies stays unsaid: written out, it would hold for every cell.
        var model = root["model"] as YamlMap ?? YamlMap.Empty;
        if (model["kind"] is null)
            model = YamlMap.Empty.With("kind", YamlSection.KebabCase(cell.Model.Kind)).With("features", model["features"]!).With("hidden", model["hidden"]!);
        var dataMap = root["data"] as YamlMap ?? YamlMap.Empty;
        if (dataMap["sparsity"] is null && dataMap["density"] is null)
            dataMap = dataMap.With("sparsity", "0");
        if (!Varies(head, "model.kind"))
            dataMap = dataMap.With("values", YamlSection.KebabCase(cell.Data.Range));
        if (dataMap["train"] is null)
            dataMap = dataMap.With("train", "stream");
        var importance = root["importance"] as YamlMap ?? YamlMap.Empty.With("decay", "1");
        var training = YamlMap.Empty
            .With("objective", YamlSection.KebabCase(cell.Training.Objective))
            .With("starts", Text(cell.Training.Starts))
            .With("steps", Text(cell.Training.Steps))
            .With("batch", Text(cell.Training.Batch))
            .With("optimizer", Varies(head, "training.optimizer.kind") ? GivenOptimizer(root, optimizer) : OptimizerMap(optimizer))
            .With("schedule", YamlSection.KebabCase(cell.Training.Schedule))
            .With("history", YamlMap.Empty
                .With("loss_every", Text(history.LossEvery))
                .With("snapshots", Text(history.Snapshots))
                .With("spacing", YamlSection.KebabCase(history.Spacing)));
        var resolved = YamlMap.Empty
            .With("name", head.Name)
            .With("title", head.Title)
            .With("description", head.Description)
            .With("seed", head.Seed.ToString(CultureInfo.InvariantCulture))
            .With("model", model)
            .With("data", dataMap)
            .With("importance", importance)
            .With("training", training)
            .With("replicas", Text(head.Replicas))
            .With("axes", new YamlList(0, [.. head.Axes.Select(axis => YamlMap.Empty.With("path", axis.Path).With("values", YamlList.Of(axis.Values)))]))
            .With("evaluation", EvaluationMap(head.Evaluation));
        resolved = WithPhases(resolved, head);
        return root["claims"] is { } claims ? resolved.With("claims", claims) : resolved;
    }

    private static bool Varies(ExperimentHead head, string path) => head.Axes.Any(axis => axis.Path == path);

    private static YamlMap GivenOptimizer(YamlMap root, OptimizerSpec optimizer) =>
        ((root["training"] as YamlMap)?["optimizer"] as YamlMap ?? YamlMap.Empty)
            .With("kind", YamlSection.KebabCase(optimizer.Kind))
            .With("lr", Axis.Text(optimizer.LearningRate));

    private static YamlMap OptimizerMap(OptimizerSpec optimizer)
    {
        var map = YamlMap.Empty
            .With("kind", YamlSection.KebabCase(optimizer.Kind))
            .With("lr", Axis.Text(optimizer.LearningRate))
            .With("weight_decay", Axis.Text(optimizer.WeightDecay));
        return optimizer.Kind == OptimizerKind.Sgd
            ? map.With("momentum", Axis.Text(optimizer.Momentum))
            : map.With("beta1", Axis.Text(optimizer.Beta1)).With("beta2", Axis.Text(optimizer.Beta2)).With("eps", Axis.Text(optimizer.Epsilon));
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
