namespace ToyPipeline.Core.Experiments;

/// <summary>What is measured on the evaluation dataset.</summary>
internal static partial class ExperimentBinder
{
    private const int DefaultEvaluationSamples = 100_000;

    private static EvaluationSpec Evaluation(YamlSection top, int replicas)
    {
        if (top.Section("evaluation") is not { } evaluation)
            return new EvaluationSpec(DefaultEvaluationSamples, false, null, null);
        int samples = evaluation.Integer("samples", 0, DefaultEvaluationSamples);
        bool interference = evaluation.Flag("interference", false);
        var probes = evaluation.OptionalSection("probes");
        var attack = evaluation.OptionalSection("adversarial");
        if (samples == 0)
            CheckWithoutSamples(top, evaluation, replicas, interference ? "interference" : probes is not null ? "probes" : attack is not null ? "adversarial" : null);
        return new EvaluationSpec(
            samples,
            interference,
            probes is null ? null : new ProbeSpec(probes.Integer("samples", 4, 10_000)),
            attack is null ? null : new AttackSpec(
                attack.Number("epsilon", Bounds.Positive, 0.1),
                attack.Integer("samples", 1, 1000),
                attack.Integer("steps", 1, 20),
                attack.Integer("restarts", 1, 4),
                attack.Integer("random", 0, 64)));
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
            if (needed switch { "interference" => !evaluation.Interference, "probes" => evaluation.Probes is null, "adversarial" => evaluation.Adversarial is null, _ => false })
                throw section.Error("measure", $"is {measure}, which is measured only with evaluation.{needed}: true");
        }

        return claim;
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
                : no);
    }
}
