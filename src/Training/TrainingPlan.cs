using System.Collections.Concurrent;
using System.Globalization;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;
using ToyPipeline.Core.Runs;
using ToyPipeline.Training.Exact;

namespace ToyPipeline.Training;

/// <summary>What there is to train in a run folder: the packs of the grid, which of them stand, and how each is made. Threads may share it.</summary>
public sealed class TrainingPlan
{
    private readonly RunFolder _run;
    private readonly string _experiment;
    private readonly InstanceDigests _digests;
    private readonly ConcurrentDictionary<string, Lazy<TrainingDataset>> _datasets = [];
    private readonly EarlierPacks _earlier;
    private readonly ConcurrentDictionary<int, bool> _standing = [];

    private TrainingPlan(RunFolder run, IReadOnlyList<Pack> packs, bool begin)
    {
        _run = run;
        Packs = packs;
        _experiment = run.Experiment.Resolved();
        var digests = new ConcurrentDictionary<string, string>();
        _digests = new InstanceDigests(spec => digests.GetOrAdd(DatasetFolder(run.Experiment, spec), folder => string.Join(' ', DatasetFiles(run, folder).Select(file => FileRecord.Of(run.Root, file).Sha256))));
        if (begin && run.Force)
            Discard();
        foreach (var pack in packs)
        {
            if (Load(pack.Index) is not { } found)
                continue;
            if (IsMade(found, pack))
                _standing[pack.Index] = true;
            else if (begin)
                EarlierPacks.SetAside(run, pack.Index, found.Weights.MadeFrom);
            else if (!InstanceDigests.AreOfThisCode(found.Weights.MadeFrom))
                OfOtherCode++;
        }

        if (begin)
            SetOthersAside();
        _earlier = EarlierPacks.Open(run);
        OfOtherCode += _earlier.OfOtherCode;
    }

    /// <summary>The run folder.</summary>
    public string Root => _run.Root;

    /// <summary>The resolved experiment: plans with the same text make the same files.</summary>
    public string Experiment => _experiment;

    /// <summary>Digest of the code that trains the packs.</summary>
    public static string Code => InstanceDigests.Code;

    /// <summary>Number of packs in the folder that other code made. Nothing of them is taken over.</summary>
    public int OfOtherCode { get; }

    /// <summary>The packs that the plan is for, in order: all of the grid, or some.</summary>
    public IReadOnlyList<Pack> Packs { get; }

    /// <summary>The packs that do not stand, in order.</summary>
    public IEnumerable<Pack> Missing => Packs.Where(pack => !Stands(pack));

    /// <summary>The plan for some packs of a run folder as it stands; nothing in it changes.</summary>
    /// <exception cref="InvalidInputException">A training dataset is missing.</exception>
    public static TrainingPlan Open(RunFolder run, IReadOnlyList<Pack> packs) => new(run, packs, begin: false);

    /// <summary>The plan for a run folder that is held for training: packs of other settings are moved aside, to be taken over as far as they go.</summary>
    /// <exception cref="InvalidInputException">A training dataset is missing.</exception>
    /// <exception cref="EnvironmentFaultException">Files cannot be moved.</exception>
    internal static TrainingPlan Begin(RunFolder run) => new(run, new Grid(run.Experiment).Packs(), begin: true);

    /// <summary>Whether a pack's files are there, and made from just what this plan would make them from.</summary>
    public bool Stands(Pack pack) => _standing.ContainsKey(pack.Index);

    /// <summary>Looks again at the files of packs that did not stand: others may have trained them.</summary>
    public void Refresh()
    {
        foreach (var pack in Missing)
            Look(pack);
    }

    /// <summary>Looks at the files of a pack that may not have stood, and says whether it stands now.</summary>
    public bool Look(Pack pack) =>
        Stands(pack) || (Load(pack.Index) is { } found && IsMade(found, pack) && (_standing[pack.Index] = true));

    /// <summary>Trains what is missing of a pack and writes its files, unless it stands.</summary>
    /// <param name="pack">One of <see cref="Packs"/>.</param>
    /// <param name="report">Told how many more units of <see cref="Work"/> are done.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <exception cref="InvalidInputException">Training diverged, or a training dataset is damaged.</exception>
    /// <exception cref="EnvironmentFaultException">A file cannot be written.</exception>
    public void Train(Pack pack, Action<double> report, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (Stands(pack))
        {
            report(Work(pack));
            return;
        }

        string madeFrom = _digests.Of(pack);
        var whole = new PackAssembly(pack);
        var missing = _earlier.Take(pack, madeFrom, whole);
        report(Work(pack) / pack.Instances.Count * (pack.Instances.Count - missing.Count));
        if (missing.Count > 0)
        {
            var rest = missing.Count == pack.Instances.Count ? pack : new Pack(pack.Index, [.. missing.Select(place => pack.Instances[place])], [.. missing.Select(place => pack.Specs[place])]);
            var (weights, history) = Make(rest, report, cancellation);
            whole.Take(weights, history, [.. missing.Select((place, i) => new Move(place, i))]);
        }

        var made = whole.Finish();
        // The weights say that the pack is made: they come last.
        if (made.History is { } kept)
            (kept with { MadeFrom = madeFrom }).Save(_run.Path(RunFolder.History(pack.Index)));
        (made.Weights with { MadeFrom = madeFrom, Experiment = _experiment }).Save(_run.Path(RunFolder.Weights(pack.Index)));
        _standing[pack.Index] = true;
    }

    /// <summary>How much there is to do for a pack: a start on the exact loss counts as one step of an instance, it takes about as long or less.</summary>
    public static double Work(Pack pack) => (pack.IsExact ? pack.Training.Starts : (double)pack.Training.Steps) * pack.Instances.Count;

    /// <summary>
    /// What is trained again because settings or code changed, and what stands, in a sentence or two; null where nothing of before is there.
    /// For example: <c>12 of 300 cells are trained again: data.sparsity = 0.95, …; 288 stand.</c>
    /// </summary>
    public string? Standing()
    {
        string?[] sentences = [StandingCells(), Missing.Any() ? StandingAside() : null];
        return sentences.Any(sentence => sentence is not null) ? string.Join(' ', sentences.Where(sentence => sentence is not null)) : null;
    }

    private string? StandingCells()
    {
        if (_earlier.IsEmpty && _standing.IsEmpty)
            return null;
        var cells = new SortedDictionary<int, Cell>();
        foreach (var pack in Missing)
        {
            string madeFrom = _digests.Of(pack);
            foreach (var (place, instance) in pack.Instances.Index())
            {
                if (_earlier.IsEmpty || !_earlier.Has(madeFrom, place))
                    cells.TryAdd(instance.Cell.Index, instance.Cell);
            }
        }

        int all = new Grid(_run.Experiment).CellCount;
        if (cells.Count == 0)
            return null;
        if (_earlier.IsEmpty)
            return $"{all - cells.Count} of {all} cells stand from before; {cells.Count} are trained.";
        string which = string.Join("; ", cells.Values.Take(3)) + (cells.Count > 3 ? "; ..." : "");
        return $"{cells.Count} of {all} cells are trained again: {which}; {all - cells.Count} stand.";
    }

    // A sweep is of one code: what another build began is not gone on with, and not thrown away before there is something in its place.
    private string? StandingAside() => OfOtherCode == 0 ? null
        : $"Packs that are not taken over, because other code made them: {OfOtherCode}. Until the stage is through they lie in {_run.Path(EarlierPacks.Folder)}; a build of that code would go on with them there.";

    /// <summary>Deletes what was moved aside.</summary>
    internal void Finish() => _earlier.Delete();

    private TrainedPack? Load(int pack) => EarlierPacks.Load(_run.Path(RunFolder.Weights(pack)), _run.Path(RunFolder.History(pack)));

    private bool IsMade(TrainedPack found, Pack pack) => found.Weights.Experiment == _experiment && found.Weights.MadeFrom == _digests.Of(pack);

    private TrainedPack Make(Pack pack, Action<double> report, CancellationToken cancellation)
    {
        if (pack.IsExact)
            return new TrainedPack(ExactTraining.Run(pack, _experiment, count => report(count), cancellation), null);
        TrainStage.RequireTorch();
        using var ensemble = Ensemble.Create(pack, spec => Dataset(DatasetFolder(_run.Experiment, spec)));
        using var objective = Objectives.Create(ensemble);
        var history = Trainer.Run(ensemble, objective, steps => report((double)steps * pack.Instances.Count), cancellation);
        var weights = ensemble.Weights(_experiment);
        RefuseDivergence(weights);
        return new TrainedPack(weights, history);
    }

    private TrainingDataset Dataset(string folder) => _datasets.GetOrAdd(folder, name => new Lazy<TrainingDataset>(() => TrainingDataset.Load(_run.Path(name)))).Value;

    // Packs beyond those of the grid as it is now: it was larger, or cut otherwise.
    private void SetOthersAside()
    {
        if (!Directory.Exists(_run.Path("weights")))
            return;
        foreach (string path in Directory.EnumerateFiles(_run.Path("weights"), "pack-*.safetensors").ToList())
        {
            // pack-00012.safetensors; a history has another point in its name.
            if (int.TryParse(Path.GetFileNameWithoutExtension(path)["pack-".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int index)
                && index >= Packs.Count && Load(index) is { } found)
            {
                EarlierPacks.SetAside(_run, index, found.Weights.MadeFrom);
            }
        }
    }

    // To redo everything is to begin with nothing.
    private void Discard()
    {
        EarlierPacks.Open(_run).Delete();
        foreach (string path in Packs.Select(pack => _run.Path(RunFolder.Weights(pack.Index))).Where(File.Exists))
            File.Delete(path);
    }

    internal static string DatasetFolder(Experiment experiment, CellSpec spec) =>
        RunFolder.Dataset(DatasetManifest.FolderName(spec.Data, RandomStream.Training, experiment.Seed, spec.Data.TrainSamples!.Value));

    internal static IEnumerable<string> DatasetFiles(RunFolder run, string folder) =>
        DatasetManifest.Load(run.Path(folder)).Shards.Select(shard => $"{folder}/{shard.File}").Append($"{folder}/{DatasetManifest.FileName}");

    private static void RefuseDivergence(EnsembleWeights weights)
    {
        for (int i = 0; i < weights.Instances.Count; i++)
        {
            if (!Finite(weights.WOf(i)) || !Finite(weights.DecoderOf(i)) || !Finite(weights.BOf(i)))
                throw new InvalidInputException($"Training diverged at instance {weights.Instances[i].Index} ({weights.Instances[i].Cell}): its parameters are not finite; lower training.optimizer.lr.");
        }
    }

    private static bool Finite(ReadOnlySpan<float> values) => !values.ContainsAnyExceptInRange(float.MinValue, float.MaxValue);
}
