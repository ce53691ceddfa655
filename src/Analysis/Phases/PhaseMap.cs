using ToyPipeline.Analysis.Stage;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Phases;

/// <summary>A cell of a phase diagram: what was measured and what theory says.</summary>
internal sealed record PhaseCell(Cell Cell, double Norm, double Superposition, Region Region, double Loss, Candidate? Theory)
{
    /// <summary>Whether measurement and theory name the same region.</summary>
    public bool Agrees => Region == Theory?.Region;

    /// <summary>Whether the measured solution has a lower loss than every arrangement that theory knows.</summary>
    /// <remarks>Lower by more than float32 weights and losses explain.</remarks>
    public bool BeatsTheory => Theory is { } theory && Loss < theory.Loss * (1 - 1e-6);
}

/// <summary>The regions of one feature over the grid, beside those that theory gives.</summary>
internal sealed class PhaseMap(Experiment experiment)
{
    /// <summary>Cells that a disagreement may lie from a boundary.</summary>
    public const int NearBoundary = 2;

    /// <summary>Boundaries are looked for up to this many cells away.</summary>
    public const int FarthestBoundary = 16;

    private readonly SortedDictionary<int, PhaseCell> _cells = [];
    private int[]? _distances;

    /// <summary>The cells in the order of the grid.</summary>
    public IReadOnlyCollection<PhaseCell> Cells => _cells.Values;

    /// <summary>Whether there is a theory for every cell.</summary>
    public bool HasTheory => _cells.Count > 0 && _cells.Values.All(cell => cell.Theory is not null);

    public void Add(CellAnalysis cell)
    {
        int feature = experiment.Phase!.Feature;
        var best = cell.Best;
        var measured = best.Weights.Features[feature];
        _cells.Add(cell.Cell.Index, new PhaseCell(
            cell.Cell, measured.Norm, measured.Superposition, Regions.Of(measured), best.Loss.Mean,
            PhaseTheory.Covers(best.Spec) ? PhaseTheory.Best(best.Spec, feature) : null));
    }

    /// <summary>Share of the cells where measurement and theory agree.</summary>
    public double Agreement => Share(cell => cell.Agrees);

    /// <summary>Share of the cells where they agree, or that lie within two cells of a boundary of the theory, or where the solution beats the theory's.</summary>
    public double Accounted => Share(cell => cell.Agrees || BoundaryDistance(cell) <= NearBoundary || cell.BeatsTheory);

    /// <summary>Share of the cells whose region is that of the cell with the first objective of the axis <c>training.objective</c>; null without that axis.</summary>
    public double? ObjectiveAgreement
    {
        get
        {
            int axis = Places().FindIndex(place => place.Path == ObjectivePath);
            if (axis < 0)
                return null;
            var (_, stride, count) = Places()[axis];
            var others = _cells.Values.Where(cell => cell.Cell.Index / stride % count > 0).ToList();
            return others.Count(cell => cell.Region == _cells[cell.Cell.Index - (cell.Cell.Index / stride % count * stride)].Region) / (double)others.Count;
        }
    }

    /// <summary>Steps of the grid, diagonal ones too, to the nearest cell that theory puts into another region; one more than the farthest that is looked for where there is none.</summary>
    public int BoundaryDistance(PhaseCell cell) => (_distances ??= Distances())[cell.Cell.Index];

    private const string ObjectivePath = "training.objective";

    private double Share(Func<PhaseCell, bool> condition) => _cells.Values.Count(condition) / (double)_cells.Count;

    // Axes with what a step along them adds to the index of a cell.
    private List<(string Path, int Stride, int Count)> Places()
    {
        var places = new List<(string, int, int)>();
        int stride = 1;
        foreach (var axis in experiment.Axes.Reverse())
        {
            places.Insert(0, (axis.Path, stride, axis.Values.Count));
            stride *= axis.Values.Count;
        }

        return places;
    }

    // From the cells at a boundary outwards, ring by ring.
    private int[] Distances()
    {
        var axes = Places().Where(place => place.Path != ObjectivePath).ToList();
        var steps = Steps(axes);
        int[] distances = new int[_cells.Keys.Max() + 1];
        Array.Fill(distances, FarthestBoundary + 1);
        var ring = _cells.Values.Where(cell => Neighbours(cell.Cell.Index).Any(other => _cells[other].Theory?.Region != cell.Theory?.Region))
            .Select(cell => cell.Cell.Index).ToList();
        for (int distance = 1; ring.Count > 0 && distance <= FarthestBoundary; distance++)
        {
            foreach (int index in ring)
                distances[index] = distance;
            ring = [.. ring.SelectMany(Neighbours).Where(other => distances[other] > FarthestBoundary).Distinct()];
        }

        return distances;

        IEnumerable<int> Neighbours(int index)
        {
            foreach (int[] step in steps)
            {
                int other = index;
                bool inside = true;
                for (int a = 0; a < axes.Count && inside; a++)
                {
                    int at = (index / axes[a].Stride % axes[a].Count) + step[a];
                    inside = at >= 0 && at < axes[a].Count;
                    other += step[a] * axes[a].Stride;
                }

                if (inside)
                    yield return other;
            }
        }
    }

    private static List<int[]> Steps(List<(string Path, int Stride, int Count)> axes)
    {
        List<int[]> steps = [[]];
        foreach (var _ in axes)
            steps = [.. steps.SelectMany(step => (int[][])[[.. step, -1], [.. step, 0], [.. step, 1]])];
        return [.. steps.Where(step => step.Any(s => s != 0))];
    }
}
