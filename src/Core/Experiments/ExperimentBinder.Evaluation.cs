namespace ToyPipeline.Core.Experiments;

/// <summary>What is measured on the evaluation dataset.</summary>
internal static partial class ExperimentBinder
{
    private const int DefaultEvaluationSamples = 100_000;

    /// <summary>Fewer snapshots than these show no plateau on either side of a jump.</summary>
    private const int LeastSnapshots = 20;

    /// <summary>Two to train on and two to test with.</summary>
    private const int LeastProbeSamples = 4;

    private static EvaluationSpec Evaluation(YamlSection top, int replicas)
    {
        if (top.Section("evaluation") is not { } evaluation)
            return new EvaluationSpec(DefaultEvaluationSamples, false, null, null, null, false);
        int samples = evaluation.Integer("samples", 0, DefaultEvaluationSamples);
        bool interference = evaluation.Flag("interference", false);
        var probes = evaluation.OptionalSection("probes");
        var attack = evaluation.OptionalSection("adversarial");
        var dynamics = evaluation.OptionalSection("dynamics");
        bool pca = evaluation.Flag("pca", false);
        if (samples == 0)
        {
            (string Key, bool Asked)[] measured =
                [("interference", interference), ("probes", probes is not null), ("adversarial", attack is not null), ("dynamics", dynamics is not null), ("pca", pca)];
            CheckWithoutSamples(top, evaluation, replicas, Array.Find(measured, pair => pair.Asked).Key);
        }

        if (probes is not null && samples < LeastProbeSamples)
            throw evaluation.Error("samples", $"is {samples}, and probes need at least {LeastProbeSamples}: raise it, or leave the probes out");
        if (dynamics is not null && Training(top).History.Snapshots < LeastSnapshots)
            throw evaluation.Error("dynamics", $"needs training.history.snapshots of at least {LeastSnapshots}; it is {Training(top).History.Snapshots}");
        return new EvaluationSpec(
            samples,
            interference,
            probes is null ? null : new ProbeSpec(probes.Integer("samples", LeastProbeSamples, 10_000)),
            attack is null ? null : new AttackSpec(
                attack.Number("epsilon", Bounds.Positive, 0.1),
                attack.Integer("samples", 1, 1000),
                attack.Integer("steps", 1, 20),
                attack.Integer("restarts", 1, 4),
                attack.Integer("random", 0, 64)),
            dynamics is null ? null : new DynamicsSpec(
                dynamics.Integer("samples", 1, 10_000),
                dynamics.Number("jump", Bounds.Share, 0.1),
                dynamics.Number("drop", Bounds.Share, 0.02)),
            pca);
    }

    private static void CheckWithoutSamples(YamlSection top, YamlSection evaluation, int replicas, string? measured)
    {
        if (measured is not null)
            throw evaluation.Error("samples", $"is 0, and evaluation.{measured} measures on samples: raise the one or leave out the other");
        if (replicas > 1 && Training(top).History.LossEvery == 0)
            throw evaluation.Error("samples", "is 0, so that the training loss picks the best replica, and training.history.loss_every: 0 records none");
    }

    // A claim about something that is not measured could never be checked.
    private static ClaimSpec Measured(YamlSection section, ClaimSpec claim, EvaluationSpec evaluation)
    {
        foreach (string measure in claim.Correlation is { } correlation ? (string[])[claim.Measure, correlation.With] : [claim.Measure])
        {
            if (evaluation.Samples == 0 && measure.StartsWith("loss[", StringComparison.Ordinal) | measure.StartsWith("weighted_loss[", StringComparison.Ordinal))
                throw section.Error("measure", $"is {measure}, which is measured on samples, and evaluation.samples is 0");
            string? needed = ClaimMeasures.Needs(measure);
            if (needed switch
            {
                "interference" => !evaluation.Interference,
                "probes" => evaluation.Probes is null,
                "adversarial" => evaluation.Adversarial is null,
                "dynamics" => evaluation.Dynamics is null,
                "pca" => !evaluation.Pca,
                _ => false
            })
                throw section.Error("measure", $"is {measure}, which is measured only with evaluation.{needed}: true");
        }

        return claim;
    }

    // Measures of the whole grid come from keys and axes of their own.
    private static ClaimSpec OfGrid(YamlSection top, YamlSection section, ClaimSpec claim, List<Axis> axes)
    {
        const string objective = "training.objective";
        string exact = YamlSection.KebabCase(ObjectiveKind.Exact);
        var objectives = axes.Find(axis => axis.Path == objective);
        string? needed = claim.Measure switch
        {
            "theory_agreement" or "theory_accounted" when !top.Has("phase") => "the key phase",
            "critical_value" or "critical_eigenvalue" when !top.Has("branches") => "the key branches",
            "objective_agreement" when objectives is null || !top.Has("phase") => $"the key phase and an axis {objective}",
            "unconverged" when !(objectives?.Values.Contains(exact) ?? Training(top).Objective == ObjectiveKind.Exact) => $"cells with {objective} {exact}",
            _ => null,
        };
        return needed is null ? claim : throw section.Error("measure", $"is {claim.Measure}, which needs {needed}");
    }

    private static YamlMap EvaluationMap(EvaluationSpec evaluation)
    {
        YamlTree no = new YamlScalar(0, "false");
        return YamlMap.Empty
            .With("samples", Text(evaluation.Samples))
            .With("interference", evaluation.Interference ? "true" : "false")
            .With("probes", evaluation.Probes is { } probes ? YamlMap.Empty.With("samples", Text(probes.Samples)) : no)
            .With("adversarial", evaluation.Adversarial is { } attack
                ? YamlMap.Empty
                    .With("epsilon", Axis.Text(attack.Epsilon))
                    .With("samples", Text(attack.Samples))
                    .With("steps", Text(attack.Steps))
                    .With("restarts", Text(attack.Restarts))
                    .With("random", Text(attack.Random))
                : no)
            .With("dynamics", evaluation.Dynamics is { } dynamics
                ? YamlMap.Empty.With("samples", Text(dynamics.Samples)).With("jump", Axis.Text(dynamics.Jump)).With("drop", Axis.Text(dynamics.Drop))
                : no)
            .With("pca", evaluation.Pca ? "true" : "false");
    }
}
