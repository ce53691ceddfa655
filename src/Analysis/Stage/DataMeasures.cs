using ToyPipeline.Analysis.Dynamics;
using ToyPipeline.Analysis.Measures;

namespace ToyPipeline.Analysis.Stage;

/// <summary>What the best instance of a cell is on data, by the names that claims use.</summary>
/// <param name="Loss">Loss, whole and of each feature.</param>
/// <param name="Terms">Benefit and interference terms.</param>
/// <param name="Interference">Interference on samples; null where it was not measured, like those that follow.</param>
/// <param name="Probes">Linear probes.</param>
/// <param name="MeanProbeR2">Mean R² over the represented features; not a number where there is none, or one without R².</param>
/// <param name="LinearityError">Deviation of h from linear.</param>
/// <param name="Adversarial">Losses under attack.</param>
/// <param name="Dynamics">What it went through in training.</param>
/// <param name="Pca">How its directions lie among the principal components.</param>
internal sealed record DataMeasures(
    LossEstimate Loss,
    SingleFeatureTerms Terms,
    InterferenceStatistics? Interference,
    LinearProbes? Probes,
    double? MeanProbeR2,
    double? LinearityError,
    AdversarialVulnerability? Adversarial,
    TrainingDynamics? Dynamics,
    PcaAlignment? Pca)
{
    /// <summary>A measure of the instance, or null where it is none of these.</summary>
    public double? Of(string name) => name switch
    {
        "benefit_term" => Terms.TotalBenefit,
        "interference_term" => Terms.TotalInterference,
        "mean_probe_r2" => MeanProbeR2,
        "linearity_error" => LinearityError,
        "adversarial_loss" => Adversarial?.Model.Worst,
        "vulnerability" => Adversarial?.Vulnerability,
        "attack_amplification" => Adversarial?.Amplification,
        "jump_count" => Dynamics?.Jumps.Count,
        "loss_drop_count" => Dynamics?.Drops.Count,
        "matched_jump_share" => Dynamics?.MatchedJumpShare,
        "chance_match_share" => Dynamics?.ChanceMatchShare,
        "matched_drop_share" => Dynamics?.MatchedDropShare,
        "time_in_jumps" => Dynamics?.TimeInJumps,
        "loss_fall_in_jumps" => Dynamics?.LossFallInJumps,
        "plateau_share" => Dynamics?.PlateauShare,
        "arrangement_count" => Dynamics?.ArrangementCount,
        "pca_alignment" => Pca?.Alignment,
        "pca_gap" => Pca?.Gap,
        _ => null,
    };

    /// <summary>A measure of feature <paramref name="i"/>, or null where it is none of these.</summary>
    public double? Of(string name, int i) => name switch
    {
        "loss" when Loss.LossPerFeature.Count > 0 => Loss.LossPerFeature[i].Mean,
        "weighted_loss" when Loss.LossPerFeature.Count > 0 => Loss.LossPerFeature[i].Weighted,
        "benefit_term" => Terms.Benefit[i],
        "interference_term" => Terms.Interference[i],
        "interference_mean" => Interference?.Mean[i],
        "interference_rms" => Interference?.RootMeanSquare[i],
        "interference_worst" => Interference?.Worst[i],
        "probe_r2" => Probes?.R2[i],
        _ => null,
    };
}
