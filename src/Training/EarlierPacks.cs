using System.Security.Cryptography;
using System.Text;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Training;

/// <summary>
/// Packs that an earlier command trained for other settings, another cut of the grid, or with other code: <c>weights/.earlier/</c>. Their instances
/// are taken over where nothing that decides them changed. The folder goes away when the stage is through.
/// </summary>
internal sealed class EarlierPacks
{
    /// <summary>Where they lie, relative to the run folder.</summary>
    public const string Folder = "weights/.earlier";
    private const string HistorySuffix = ".history.safetensors";

    private readonly string _root;
    private readonly List<string> _files = [];
    private readonly Dictionary<string, (int File, int Place)> _places = [];

    private EarlierPacks(string root) => _root = root;

    /// <summary>Whether there are none that this code made.</summary>
    public bool IsEmpty => _places.Count == 0;

    /// <summary>Number of those that other code made: nothing of them is taken over.</summary>
    public int OfOtherCode { get; private set; }

    /// <summary>Moves a pack's files aside, so that its instances outlive the new file of its name.</summary>
    /// <exception cref="EnvironmentFaultException">They cannot be moved.</exception>
    public static void SetAside(RunFolder run, int pack, string madeFrom)
    {
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(madeFrom)))[..16];
        try
        {
            Directory.CreateDirectory(run.Path(Folder));
            // Weights are what a pack is known by: they go last.
            if (File.Exists(run.Path(RunFolder.History(pack))))
                File.Move(run.Path(RunFolder.History(pack)), run.Path($"{Folder}/{name}{HistorySuffix}"), overwrite: true);
            File.Move(run.Path(RunFolder.Weights(pack)), run.Path($"{Folder}/{name}.safetensors"), overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EnvironmentFaultException($"{run.Path(RunFolder.Weights(pack))} cannot be moved aside: {e.Message}", e);
        }
    }

    /// <summary>What lies aside in a run folder. Nothing is kept in memory but where each instance is.</summary>
    public static EarlierPacks Open(RunFolder run)
    {
        var earlier = new EarlierPacks(run.Root);
        if (!Directory.Exists(run.Path(Folder)))
            return earlier;
        foreach (string path in Directory.EnumerateFiles(run.Path(Folder), "*.safetensors").Where(path => !path.EndsWith(HistorySuffix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            if (Load(path) is not { } pack)
                continue;
            if (!InstanceDigests.AreOfThisCode(pack.Weights.MadeFrom))
            {
                earlier.OfOtherCode++;
                continue;
            }

            for (int place = 0; place < pack.Weights.Instances.Count; place++)
                earlier._places[InstanceDigests.At(pack.Weights.MadeFrom, place)] = (earlier._files.Count, place);
            earlier._files.Add(path);
        }

        return earlier;
    }

    /// <summary>Whether an instance lies aside.</summary>
    /// <param name="madeFrom">Digests of its pack.</param>
    /// <param name="place">Its place there.</param>
    public bool Has(string madeFrom, int place) => _places.ContainsKey(InstanceDigests.At(madeFrom, place));

    /// <summary>Copies the instances of a pack that lie aside, and returns the places of the others.</summary>
    public IReadOnlyList<int> Take(Pack pack, string madeFrom, PackAssembly into)
    {
        if (IsEmpty)
            return [.. Enumerable.Range(0, pack.Instances.Count)];
        var missing = new List<int>();
        var moves = new SortedDictionary<int, List<Move>>();
        for (int place = 0; place < pack.Instances.Count; place++)
        {
            if (!_places.TryGetValue(InstanceDigests.At(madeFrom, place), out var found))
                missing.Add(place);
            else if (moves.TryGetValue(found.File, out var others))
                others.Add(new Move(place, found.Place));
            else
                moves.Add(found.File, [new Move(place, found.Place)]);
        }

        foreach (var (file, own) in moves)
        {
            // It was read a moment ago; whoever meddles meanwhile makes it be trained again.
            if (Load(_files[file]) is { } earlier)
                into.Take(earlier.Weights, earlier.History, own);
            else
                missing.AddRange(own.Select(move => move.To));
        }

        missing.Sort();
        return missing;
    }

    /// <summary>Deletes what lies aside.</summary>
    /// <exception cref="EnvironmentFaultException">It cannot be deleted.</exception>
    public void Delete()
    {
        try
        {
            if (Directory.Exists(Path.Combine(_root, Folder)))
                Directory.Delete(Path.Combine(_root, Folder), recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EnvironmentFaultException($"{Path.Combine(_root, Folder)} cannot be deleted: {e.Message} Delete it, then run the same command again.", e);
        }
    }

    /// <summary>The pack at a path, or null where it is damaged, changed, or lacks its history.</summary>
    /// <param name="path">Its weights.</param>
    /// <param name="history">Its history; null looks beside the weights.</param>
    public static TrainedPack? Load(string path, string? history = null)
    {
        try
        {
            if (!File.Exists(path))
                return null;
            var weights = EnsembleWeights.Load(path);
            if (!InstanceDigests.AreOf(weights.MadeFrom, weights.Instances.Count))
                return null;
            if (weights.Exact is not null)
                return new TrainedPack(weights, null);
            var own = TrainingHistory.Load(history ?? Path.ChangeExtension(path, null) + HistorySuffix);
            return own.MadeFrom == weights.MadeFrom ? new TrainedPack(weights, own) : null;
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }
}
