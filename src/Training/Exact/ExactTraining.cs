using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Training.Exact;

/// <summary>Trains a pack on its exact expected loss: no samples, no steps, no TorchSharp.</summary>
internal static class ExactTraining
{
    /// <summary>Takes every instance of a pack from its initialization to a local minimum.</summary>
    /// <param name="pack">The pack.</param>
    /// <param name="experiment">The resolved experiment, for the file.</param>
    /// <param name="solved">Told how many more starts are done.</param>
    /// <param name="cancellation">Stops between evaluations.</param>
    public static EnsembleWeights Run(Pack pack, string experiment, Action<int> solved, CancellationToken cancellation)
    {
        var model = pack.Model;
        int size = model.Features * model.Hidden;
        int starts = pack.Training.Starts;
        var cells = new CellSpec[pack.Specs.Count * starts];
        for (int i = 0; i < cells.Length; i++)
            cells[i] = pack.Specs[i / starts];
        var ends = ExactSolver.Solve(model, cells, Start, solved, Environment.ProcessorCount, cancellation);
        ExactSolution[] solutions = [.. ends.Chunk(starts).Select(own => own.MinBy(end => end.Loss))];
        return new EnsembleWeights
        {
            Kind = model.Kind,
            Features = model.Features,
            Hidden = model.Hidden,
            Instances = pack.Instances,
            W = [.. solutions.SelectMany(solution => solution.X[..size]).Select(value => (float)value)],
            B = [.. solutions.SelectMany(solution => solution.X[size..]).Select(value => (float)value)],
            Exact = new ExactResult(
                [.. solutions.Select(solution => (float)solution.Loss)], [.. solutions.Select(solution => (float)solution.GradientNorm)]),
            Experiment = experiment,
        };

        // Start s of an instance takes the s-th matrix of its seed.
        double[] Start(int i) =>
            [.. Initializer.Weights(model, [pack.Instances[i / starts].Seed], (uint)(i % starts)).Select(value => (double)value), .. new double[model.Features]];
    }
}
