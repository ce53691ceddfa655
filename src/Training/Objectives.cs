using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Training;

/// <summary>Chooses the objective of an ensemble.</summary>
internal static class Objectives
{
    /// <summary>The objective that the training setting names; <c>auto</c> takes the fastest that covers the ensemble.</summary>
    /// <exception cref="InvalidInputException">The named objective does not cover the ensemble.</exception>
    public static IObjective Create(Ensemble ensemble) => ensemble.Training.Objective switch
    {
        ObjectiveKind.Auto or ObjectiveKind.Fused => new Fused.FusedObjective(ensemble),
        ObjectiveKind.Autograd => new AutogradObjective(ensemble),
        var kind => throw new InvalidInputException($"training.objective {kind.ToString().ToLowerInvariant()} is not available for this experiment; allowed: auto, fused, autograd."),
    };
}
