using System.Runtime.CompilerServices;

namespace ToyPipeline.Core.Experiments;

/// <summary>One cell of the grid.</summary>
/// <param name="Index">Place in the grid; the last axis varies fastest.</param>
/// <param name="Coordinates">Value of each axis.</param>
public sealed record Cell(int Index, IReadOnlyList<Coordinate> Coordinates)
{
    /// <inheritdoc/>
    public override string ToString() => Coordinates.Count == 0 ? "the only cell" : string.Join(", ", Coordinates);
}

/// <summary>One model: a replica of a cell.</summary>
/// <param name="Index">Place among all instances: cell · replicas + replica.</param>
/// <param name="Cell">Its cell.</param>
/// <param name="Replica">Which start, 0 to replicas − 1.</param>
/// <param name="Seed">Seed of its initial parameters and training samples.</param>
public sealed record Instance(int Index, Cell Cell, int Replica, ulong Seed);

/// <summary>Instances of one shape and training setting that train side by side: the unit of work, of checkpoints and of weight files.</summary>
/// <param name="Index">Place among the packs.</param>
/// <param name="Instances">Members; all have one <see cref="ModelSpec"/> and one <see cref="TrainingSpec"/>.</param>
/// <param name="Specs">Specification of each member's cell.</param>
public sealed record Pack(int Index, IReadOnlyList<Instance> Instances, IReadOnlyList<CellSpec> Specs)
{
    /// <summary>Shape that all members share.</summary>
    public ModelSpec Model => Specs[0].Model;

    /// <summary>Training setting that all members share.</summary>
    public TrainingSpec Training => Specs[0].Training;

    /// <summary>Whether its members train on the exact expected loss, which is then their loss in the analysis too.</summary>
    public bool IsExact => Training.Objective == ObjectiveKind.Exact;
}

/// <summary>The grid of an experiment: cells, instances, packs.</summary>
public sealed class Grid
{
    /// <summary>Largest number of instances in a pack; tiny models on the exact loss come in packs 16 times as large.</summary>
    public const int DefaultPackSize = 1024;

    // Thousands of models this small are solved in the time that a file takes to reach the disk.
    private const int MaxTinyFeatures = 3;
    private const int TinyPackSize = 16 * DefaultPackSize;

    // Up to so many the packs of an experiment are made once and kept; each takes some hundred bytes.
    private const int MaxKeptInstances = 1 << 21;

    // Cells that are bound side by side.
    private const int CellsAtOnce = 4096;

    private static readonly ConditionalWeakTable<Experiment, IReadOnlyList<Pack>> s_packs = [];

    private readonly Experiment _experiment;

    /// <summary>The grid of <paramref name="experiment"/>.</summary>
    public Grid(Experiment experiment)
    {
        _experiment = experiment;
        CellCount = experiment.Axes.Aggregate(1, (count, axis) => checked(count * axis.Values.Count));
    }

    /// <summary>Number of cells.</summary>
    public int CellCount { get; }

    /// <summary>Number of instances: cells times replicas.</summary>
    public int InstanceCount => checked(CellCount * _experiment.Replicas);

    /// <summary>All cells in order.</summary>
    public IEnumerable<Cell> Cells => Enumerable.Range(0, CellCount).Select(CellAt);

    /// <summary>The cell at a place in the grid.</summary>
    public Cell CellAt(int index)
    {
        var coordinates = new Coordinate[_experiment.Axes.Count];
        int rest = index;
        for (int a = coordinates.Length - 1; a >= 0; a--)
        {
            var axis = _experiment.Axes[a];
            (rest, int place) = Math.DivRem(rest, axis.Values.Count);
            coordinates[a] = new Coordinate(axis.Path, axis.Values[place]);
        }

        return new Cell(index, coordinates);
    }

    /// <summary>The specification of a cell.</summary>
    /// <inheritdoc cref="Experiment.Spec" path="/exception"/>
    public CellSpec Spec(Cell cell) => _experiment.Spec(cell.Coordinates);

    /// <summary>The instance at a place among all instances.</summary>
    public Instance InstanceAt(int index)
    {
        var (cellIndex, replica) = Math.DivRem(index, _experiment.Replicas);
        return InstanceOf(CellAt(cellIndex), replica);
    }

    /// <summary>Number of packs.</summary>
    /// <inheritdoc cref="Packs" path="/param"/>
    public int PackCount(int size = 0)
    {
        int packs = 0;
        int cells = Offsets(axis => !IsShape(axis)).Count();
        foreach (int ensemble in Offsets(IsShape))
        {
            var spec = Spec(CellAt(ensemble));
            int each = size > 0 ? size : PackSize(spec.Model, spec.Training);
            packs += ((cells * _experiment.Replicas) + each - 1) / each;
        }

        return packs;
    }

    /// <summary>The grid cut into packs of at most <paramref name="size"/> instances of one shape, in the order of the instances.</summary>
    /// <param name="size">Instances in a pack; 0 takes what suits the shape. Packs of that size are made once for an experiment.</param>
    public IReadOnlyList<Pack> Packs(int size = 0) => size == 0 ? s_packs.GetValue(_experiment, _ => [.. Cut(0)]) : [.. Cut(size)];

    /// <summary>The packs one after the other: a grid of many millions is never in memory at once.</summary>
    /// <inheritdoc cref="Packs" path="/param"/>
    public IEnumerable<Pack> EnumeratePacks(int size = 0) => size == 0 && InstanceCount <= MaxKeptInstances ? Packs() : Cut(size);

    /// <summary>Some of <see cref="Packs"/>, in order. The others are only counted: a task with a few packs of a large grid begins at once.</summary>
    /// <param name="places">Places of the packs; there may be some that the grid does not have.</param>
    public IEnumerable<Pack> PacksAt(IReadOnlySet<int> places)
    {
        ArgumentNullException.ThrowIfNull(places);
        int first = 0;
        int[] offsets = [.. Offsets(axis => !IsShape(axis))];
        int members = checked(offsets.Length * _experiment.Replicas);
        foreach (int ensemble in Offsets(IsShape))
        {
            var (model, _, _, training) = Spec(CellAt(ensemble));
            int each = PackSize(model, training);
            int packs = (members + each - 1) / each;
            for (int place = 0; place < packs; place++)
            {
                if (!places.Contains(first + place))
                    continue;
                // A cell's replicas share its specification, and may be in two packs.
                var pack = Enumerable.Range(place * each, Math.Min(each, members - (place * each)))
                    .GroupBy(member => member / _experiment.Replicas, member => member % _experiment.Replicas)
                    .SelectMany(replicas =>
                    {
                        var cell = CellAt(ensemble + offsets[replicas.Key]);
                        var spec = Spec(cell) with { Model = model, Training = training };
                        return replicas.Select(replica => (Instance: InstanceOf(cell, replica), Spec: spec));
                    }).ToList();
                yield return new Pack(first + place, [.. pack.Select(member => member.Instance)], [.. pack.Select(member => member.Spec)]);
            }

            first += packs;
        }
    }

    private IEnumerable<Pack> Cut(int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        int index = 0;
        foreach (int ensemble in Offsets(IsShape))
        {
            // Members share the records that they have in common.
            var (model, _, _, training) = Spec(CellAt(ensemble));
            var members = Offsets(axis => !IsShape(axis)).Chunk(CellsAtOnce).SelectMany(chunk => chunk.AsParallel().AsOrdered().SelectMany(
                offset =>
                {
                    var cell = CellAt(ensemble + offset);
                    var spec = Spec(cell) with { Model = model, Training = training };
                    return Enumerable.Range(0, _experiment.Replicas).Select(replica => (Instance: InstanceOf(cell, replica), Spec: spec));
                }).AsSequential());
            foreach (var pack in members.Chunk(size > 0 ? size : PackSize(model, training)))
                yield return new Pack(index++, [.. pack.Select(member => member.Instance)], [.. pack.Select(member => member.Spec)]);
        }
    }

    // Instances of one ensemble have one ModelSpec and one TrainingSpec; every value of such an axis makes another.
    private static bool IsShape(Axis axis) => axis.Path.StartsWith("model.", StringComparison.Ordinal) || axis.Path.StartsWith("training.", StringComparison.Ordinal);

    // What the wanted axes add to a cell's index, for every combination of their values, in the order of the cells.
    private IEnumerable<int> Offsets(Func<Axis, bool> wanted)
    {
        IEnumerable<int> offsets = [0];
        int stride = CellCount;
        foreach (var axis in _experiment.Axes)
        {
            stride /= axis.Values.Count;
            int step = stride;
            if (wanted(axis))
                offsets = offsets.SelectMany(_ => Enumerable.Range(0, axis.Values.Count), (offset, place) => offset + (place * step));
        }

        return offsets;
    }

    private Instance InstanceOf(Cell cell, int replica) =>
        new((cell.Index * _experiment.Replicas) + replica, cell, replica, _experiment.InstanceSeed(cell.Coordinates, replica));

    private static int PackSize(ModelSpec model, TrainingSpec training) =>
        training.Objective == ObjectiveKind.Exact && model.Features <= MaxTinyFeatures ? TinyPackSize : DefaultPackSize;
}
