using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Stage;

/// <summary>One cell of the grid, measured: all its replicas.</summary>
internal sealed class CellAnalysis
{
    public CellAnalysis(IReadOnlyList<InstanceAnalysis> replicas)
    {
        Replicas = replicas;
        // A loss that is not a number is no best; among equals the first replica.
        Best = replicas.MinBy(replica => double.IsNaN(replica.Loss.Mean) ? double.PositiveInfinity : replica.Loss.Mean)!;
    }

    public Cell Cell => Best.Instance.Cell;

    public IReadOnlyList<InstanceAnalysis> Replicas { get; }

    /// <summary>The replica with the lowest loss.</summary>
    public InstanceAnalysis Best { get; }

    /// <summary>Mean of a measure over the replicas, and its standard deviation (divisor replicas − 1; 0 for one replica).</summary>
    public (double Mean, double Deviation) Spread(string measure) => Spread(replica => InstanceMeasures.Of(replica, measure));

    /// <inheritdoc cref="Spread(string)"/>
    public (double Mean, double Deviation) Spread(Func<InstanceAnalysis, double> measure)
    {
        int count = Replicas.Count;
        Span<double> values = count <= 64 ? stackalloc double[count] : new double[count];
        double mean = 0;
        for (int r = 0; r < count; r++)
            mean += values[r] = measure(Replicas[r]);
        mean /= count;
        double squares = 0;
        foreach (double value in values)
            squares += (value - mean) * (value - mean);
        return (mean, count > 1 ? Math.Sqrt(squares / (count - 1)) : 0);
    }
}
