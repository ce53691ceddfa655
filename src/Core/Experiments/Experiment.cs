using System.Security.Cryptography;
using System.Text;

namespace ToyPipeline.Core.Experiments;

/// <summary>An experiment: a grid of instances, how they are trained, and the claims that they are meant to show.</summary>
public sealed class Experiment
{
    // Cells that are checked at load, times features: more cells than any figure has, few enough to take no time.
    private const int MaxCheckedFeatures = 1 << 22;

    private readonly YamlMap _root;

    private Experiment(string file, YamlMap root, ExperimentHead head)
    {
        File = file;
        _root = root;
        Head = head;
    }

    /// <summary>The file as errors name it.</summary>
    public string File { get; }

    /// <summary>Name of the run folder: letters, digits, <c>-</c>, <c>_</c> and <c>.</c>.</summary>
    public string Name => Head.Name;

    /// <summary>One line for people.</summary>
    public string Title => Head.Title;

    /// <summary>What is varied, what to look for, what it means.</summary>
    public string Description => Head.Description;

    /// <summary>Seed from which the seed of every instance and dataset follows.</summary>
    public ulong Seed => Head.Seed;

    /// <summary>Number of independently started instances of each cell.</summary>
    public int Replicas => Head.Replicas;

    /// <summary>The grid's axes; the last one varies fastest.</summary>
    public IReadOnlyList<Axis> Axes => Head.Axes;

    /// <summary>The evaluation dataset.</summary>
    public EvaluationSpec Evaluation => Head.Evaluation;

    /// <summary>The phase diagram that the grid is to be read as; null where it is none.</summary>
    public PhaseSpec? Phase => Head.Phase;

    /// <summary>Branches of solutions to follow; null where there are none.</summary>
    public BranchesSpec? Branches => Head.Branches;

    /// <summary>The claims, in the order of the file.</summary>
    public IReadOnlyList<ClaimSpec> Claims => Head.Claims;

    private ExperimentHead Head { get; }

    /// <summary>Reads and checks an experiment file and the cells of its grid (of a grid over 4,096 cells, as many of them).</summary>
    /// <exception cref="InvalidInputException">The file is missing or says something impossible; the message names line and key.</exception>
    public static Experiment Load(string path)
    {
        try
        {
            return Parse(System.IO.File.ReadAllText(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Reads and checks an experiment's text; <paramref name="file"/> is what errors call it.</summary>
    /// <inheritdoc cref="Load" path="/exception"/>
    public static Experiment Parse(string text, string file)
    {
        var root = YamlTree.Parse(text, file);
        var experiment = new Experiment(file, root, ExperimentBinder.Head(root, file));
        int checks = Math.Clamp(MaxCheckedFeatures / experiment.Spec([]).Model.Features, 64, 4096);
        foreach (var axis in experiment.Axes)
        {
            foreach (string value in Spread(axis.Values.Count, checks).Select(place => axis.Values[place]))
                experiment.Spec([new(axis.Path, value)]);
        }

        // A value that is wrong by itself is named above; here those that are impossible together.
        var grid = new Grid(experiment);
        foreach (int place in Spread(grid.CellCount, checks))
        {
            var cell = grid.CellAt(place);
            try
            {
                grid.Spec(cell);
            }
            catch (InvalidInputException e) when (cell.Coordinates.Count > 1)
            {
                throw new InvalidInputException($"{e.Message.TrimEnd('.')} (in the cell {cell}).", e);
            }
        }

        return experiment;
    }

    // All places of a short list; of a long one the first, the last and places evenly between them.
    private static IEnumerable<int> Spread(int count, int most) =>
        Enumerable.Range(0, Math.Min(count, most)).Select(i => count <= most ? i : (int)((long)i * (count - 1) / (most - 1)));

    /// <summary>The specification of the cell at <paramref name="coordinates"/>.</summary>
    /// <exception cref="InvalidInputException">The values there are impossible together.</exception>
    public CellSpec Spec(IReadOnlyList<Coordinate> coordinates) =>
        ExperimentBinder.Cell(AxisSetter.SetAll(_root, coordinates, File), File);

    /// <summary>The file with every default filled in; reads back as the same experiment.</summary>
    public string Resolved() => ExperimentBinder.Resolve(_root, Head, File).Write();

    /// <summary>The named sections of the resolved file (<c>data</c>) or keys of them (<c>evaluation.samples</c>), as text: what a stage that reads only these depends on.</summary>
    public string Resolved(params ReadOnlySpan<string> sections)
    {
        var resolved = ExperimentBinder.Resolve(_root, Head, File);
        var part = YamlMap.Empty;
        foreach (string section in sections)
        {
            string[] path = section.Split('.', 2);
            if (resolved[path[0]] is { } value)
                part = part.With(path[0], path.Length == 1 ? value : YamlMap.Empty.With(path[1], ((YamlMap)value)[path[1]]!));
        }

        return part.Write();
    }

    /// <summary>The same experiment under another name.</summary>
    /// <inheritdoc cref="Load" path="/exception"/>
    public Experiment Renamed(string name, string title, string description) =>
        Parse(_root.With("name", name).With("title", title).With("description", description).Write(), File);

    /// <summary>The seed of replica <paramref name="replica"/> of the cell at <paramref name="coordinates"/>: it does not depend on the rest of the grid.</summary>
    public ulong InstanceSeed(IReadOnlyList<Coordinate> coordinates, int replica)
    {
        string text = $"{Seed}/{string.Join('&', coordinates.Select(c => $"{c.Path}={c.Value}"))}/{replica}";
        return BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }
}

/// <summary>The value of one axis.</summary>
/// <param name="Path">The axis.</param>
/// <param name="Value">Its value as text.</param>
public readonly record struct Coordinate(string Path, string Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Path} = {Value}";
}

/// <summary>The part of an experiment that is the same for every cell.</summary>
internal sealed record ExperimentHead(
    string Name,
    string Title,
    string Description,
    ulong Seed,
    int Replicas,
    IReadOnlyList<Axis> Axes,
    EvaluationSpec Evaluation,
    PhaseSpec? Phase,
    BranchesSpec? Branches,
    IReadOnlyList<ClaimSpec> Claims);
