using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Training;

/// <summary>Chooses the objective of an ensemble.</summary>
internal static class Objectives
{
    /// <summary>The objective that the training setting names, of those that train in steps; <c>auto</c> takes the fastest that covers the ensemble.</summary>
    public static IObjective Create(Ensemble ensemble) => ensemble.Training.Objective switch
    {
        ObjectiveKind.Auto or ObjectiveKind.Fused => new Fused.FusedObjective(ensemble),
        ObjectiveKind.Autograd => new AutogradObjective(ensemble),
        var kind => throw new ArgumentException($"{kind} has no steps: see ExactTraining."),
    };
}
