using ToyPipeline.Analysis.Measures;

namespace ToyPipeline.Analysis.Stage;

/// <summary>An instance's directions among the principal components of its data.</summary>
/// <param name="Components">The components.</param>
/// <param name="Shares">Share of ‖W‖_F² along each.</param>
/// <param name="Hidden">m.</param>
internal sealed record PcaAlignment(PrincipalComponents Components, IReadOnlyList<double> Shares, int Hidden)
{
    /// <summary>Share along the first m components: 1 where W spans what PCA keeps; m/n for directions turned at random.</summary>
    public double Alignment => Shares.Take(Hidden).Sum();

    /// <summary>How far the first m components stand out, <c>1 − λ_{m+1} / λ_m</c>: near 0 the choice among them is chance. 1 where m ≥ n.</summary>
    public double Gap => Hidden < Components.Features ? 1 - (Components.Variances[Hidden] / Components.Variances[Hidden - 1]) : 1;
}
