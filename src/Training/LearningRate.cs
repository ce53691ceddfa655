using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Training;

/// <summary>The learning rate of each step.</summary>
internal static class LearningRate
{
    /// <summary>
    /// With t = step / steps: constant lr; cosine lr·(1 + cos πt)/2; linear lr·(1 − t).
    /// The first step has the full rate; after the last one it would be 0.
    /// </summary>
    public static double At(TrainingSpec training, long step)
    {
        double t = step / (double)training.Steps;
        return training.Optimizer.LearningRate * training.Schedule switch
        {
            Schedule.Cosine => 0.5 * (1 + Math.Cos(Math.PI * t)),
            Schedule.Linear => 1 - t,
            _ => 1,
        };
    }
}
