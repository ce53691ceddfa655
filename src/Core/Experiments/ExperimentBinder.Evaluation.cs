namespace ToyPipeline.Core.Experiments;

/// <summary>What is measured on the evaluation dataset.</summary>
internal static partial class ExperimentBinder
{
    private const int DefaultEvaluationSamples = 100_000;

    private static EvaluationSpec Evaluation(YamlSection top)
    {
        if (top.Section("evaluation") is not { } evaluation)
            return new EvaluationSpec(DefaultEvaluationSamples, false, null, null);
        var probes = evaluation.OptionalSection("probes");
        var attack = evaluation.OptionalSection("adversarial");
        return new EvaluationSpec(
            evaluation.Integer("samples", 1, DefaultEvaluationSamples),
            evaluation.Flag("interference", false),
            probes is null ? null : new ProbeSpec(probes.Integer("samples", 4, 10_000)),
            attack is null ? null : new AttackSpec(
                attack.Number("epsilon", Bounds.Positive, 0.1),
                attack.Integer("samples", 1, 1000),
                attack.Integer("steps", 1, 20),
                attack.Integer("restarts", 1, 4),
                attack.Integer("random", 0, 64)));
    }

    // A claim about something that is not measured could never be checked.
    private static ClaimSpec Measured(YamlSection section, ClaimSpec claim, EvaluationSpec evaluation)
    {
        bool measured = ClaimMeasures.Needs(claim.Measure) switch
        {
            "interference" => evaluation.Interference,
            "probes" => evaluation.Probes is not null,
            "adversarial" => evaluation.Adversarial is not null,
            _ => true,
        };
        return measured
            ? claim
            : throw section.Error("measure", $"is {claim.Measure}, which is measured only with evaluation.{ClaimMeasures.Needs(claim.Measure)}: true");
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
