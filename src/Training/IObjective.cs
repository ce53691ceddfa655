namespace ToyPipeline.Training;

/// <summary>Gives loss and gradient of an ensemble, and trains it with them. The parameters are the model's TorchSharp tensors.</summary>
internal interface IObjective : IDisposable
{
    /// <summary>Trains the model's parameters in place from step <paramref name="from"/> to before step <paramref name="to"/>.</summary>
    /// <param name="from">First step.</param>
    /// <param name="to">The step after the last one.</param>
    /// <param name="loss">Receives the mean over these steps of each instance's loss, [instances].</param>
    /// <param name="cancellation">Stops between steps.</param>
    void Train(long from, long to, Span<double> loss, CancellationToken cancellation);

    /// <summary>Loss and gradient at the present parameters, on the samples of <paramref name="step"/>; nothing changes.</summary>
    LossAndGradient Evaluate(long step);
}

/// <summary>Loss of each instance and its gradient.</summary>
/// <param name="Loss">[instances].</param>
/// <param name="W">Gradient of W (or W1), [instances, features, hidden].</param>
/// <param name="W2">Gradient of W2 of the absolute-value model.</param>
/// <param name="B">Gradient of b, [instances, features].</param>
internal sealed record LossAndGradient(float[] Loss, float[] W, float[]? W2, float[] B);
