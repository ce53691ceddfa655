using ToyPipeline.Analysis.Data;
using ToyPipeline.Analysis.Dynamics;
using ToyPipeline.Analysis.Measures;
using ToyPipeline.Analysis.Scoring;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Analysis.Stage;

/// <summary>
/// Measures the best instance of each cell on data, cell by cell: benefit and interference terms always, the interference on samples,
/// probes, the attack, the training dynamics and the principal components where the experiment asks for them. Writes their tables and the matrices of pairs as it goes.
/// </summary>
internal sealed class DataMeasurement
{
    private const int AttackBatch = 1024;

    private readonly RunFolder _run;
    private readonly Func<CellSpec, string> _datasetOf;
    private readonly CancellationToken _cancellation;
    private readonly EvaluationSpec _evaluation;
    private readonly List<PairInterferenceFile> _pairs = [];
    private DataTables? _tables;
    private DynamicsTables? _dynamics;
    private (string Path, TrainingHistory History)? _history;

    public DataMeasurement(RunFolder run, Func<CellSpec, string> datasetOf, CancellationToken cancellation)
    {
        (_run, _datasetOf, _cancellation) = (run, datasetOf, cancellation);
        _evaluation = run.Experiment.Evaluation;
        if (!_evaluation.Interference)
            return;
        foreach (var shape in new Grid(run.Experiment).EnumeratePacks().GroupBy(pack => pack.Model))
        {
            int[] cells = [.. shape.SelectMany(pack => pack.Instances).Select(instance => instance.Cell.Index).Distinct()];
            _pairs.Add(new PairInterferenceFile($"analysis/interference-{_pairs.Count:D5}.safetensors", shape.Key, cells));
        }
    }

    /// <summary>The files that <see cref="Write"/> writes, relative to the run folder.</summary>
    public IEnumerable<string> Files => [.. DataTables.Files(_evaluation), .. _evaluation.Dynamics is null ? [] : DynamicsTables.Files, .. _pairs.Select(pairs => pairs.Path)];

    /// <summary>Opens the files for as long as <paramref name="work"/> adds cells; they appear whole or not at all.</summary>
    public void Write(Action work)
    {
        Action body = () =>
        {
            work();
            foreach (var pairs in _pairs)
                pairs.Complete();
        };
        foreach (var pairs in _pairs)
        {
            var inner = body;
            body = () => AtomicFile.Write(_run.Path(pairs.Path), stream =>
            {
                pairs.Open(stream);
                inner();
            });
        }

        if (_evaluation.Dynamics is not null)
        {
            var inner = body;
            body = () => DynamicsTables.Write(_run, dynamics =>
            {
                _dynamics = dynamics;
                inner();
            });
        }

        DataTables.Write(_run, tables =>
        {
            _tables = tables;
            body();
        });
    }

    /// <summary>Measures the best instance of a cell, writes its rows, and leaves the measures in it.</summary>
    /// <exception cref="InvalidInputException">A model or a dataset is missing, damaged, or of another shape.</exception>
    public void Add(CellAnalysis cell)
    {
        var best = cell.Best;
        var spec = best.Spec;
        var response = ResponseMatrix.Of(best.Pack, best.Place);
        var terms = SingleFeatureTerms.Of(spec.Model.Kind, response, best.Pack.BOf(best.Place), spec.Importance, spec.Data.Range);
        var (probes, linearityError) = _evaluation.Probes is { } probe ? Probe(best, probe) : (null, null);
        double? meanR2 = probes is null ? null : best.Weights.Represented.Select(i => probes.R2[i]).DefaultIfEmpty(double.NaN).Average();
        var adversarial = _evaluation.Adversarial is { } attack
            ? AdversarialVulnerability.Of(best.Pack, best.Place, spec, attack, _run.Experiment.Seed, Samples(spec, attack.Samples, "adversarial"), _cancellation)
            : null;
        var dynamics = _evaluation.Dynamics is { } followed ? Follow(best, followed) : null;
        best.Data = new DataMeasures(best.Loss, terms, best.Interference, probes, meanR2, linearityError, adversarial, dynamics, _evaluation.Pca ? Align(best) : null);
        _tables!.Add(cell, best.Data);
        if (dynamics is not null)
            _dynamics!.Add(cell, dynamics);
        if (best.Interference is { } interference)
            _pairs.First(pairs => pairs.Model == spec.Model).Add(cell.Cell.Index, interference.Pairs(response));
    }

    private (LinearProbes Probes, double? LinearityError) Probe(InstanceAnalysis best, ProbeSpec probe)
    {
        using var session = ToyModelSession.Open(_run.Path(best.Model), threads: 1);
        using var samples = SampleBatches.Open(_run.Path(_datasetOf(best.Spec)));
        var scored = HiddenSamples.Score(session, best.Place, samples, probe.Samples, _cancellation);
        if (scored.X.Count < 4)
            throw new InvalidInputException($"evaluation.probes needs a dataset of at least 4 samples, and evaluation.samples is {scored.X.Count}: raise it, or leave the probes out.");
        return (LinearProbes.Train(scored.X, scored.Hidden, scored.X.Count / 2, _cancellation), scored.LinearityError(session, best.Place));
    }

    private TrainingDynamics Follow(InstanceAnalysis best, DynamicsSpec followed)
    {
        string path = _run.Path(best.History);
        // Cells of a pack follow one another.
        if (_history?.Path != path)
            _history = (path, TrainingHistory.Load(path));
        var snapshots = SnapshotWeights.Of(_history.Value.History, path, best.Instance, best.Spec.Model);
        double[] losses = SnapshotLoss.Of(snapshots.Weights, best.Spec.Importance, Samples(best.Spec, followed.Samples, "dynamics"), _cancellation);
        return TrainingDynamics.Of(snapshots.Steps, [.. snapshots.Weights.Select(weights => WeightAnalysis.Of(weights, 0))], losses, followed);
    }

    private PcaAlignment Align(InstanceAnalysis best)
    {
        using var samples = SampleBatches.Open(_run.Path(_datasetOf(best.Spec)));
        var components = PrincipalComponents.Of(samples, best.Spec.Importance, _cancellation);
        return new PcaAlignment(components, components.SharesOf(best.Pack, best.Place), best.Spec.Model.Hidden);
    }

    // The first samples of the cell's dataset, [samples, features].
    private ReadOnlyMemory<float> Samples(CellSpec spec, int count, string measured)
    {
        int n = spec.Model.Features;
        count = Math.Min(count, _evaluation.Samples);
        if ((long)count * n > Array.MaxLength)
            throw new InvalidInputException($"evaluation.{measured}.samples is {count}, which of {n} features makes more values than fit into memory: take fewer samples.");
        using var samples = SampleBatches.Open(_run.Path(_datasetOf(spec)));
        float[] x = new float[count * n];
        int rows = 0;
        while (rows * n < x.Length && samples.Read(x.AsSpan(rows * n, Math.Min(AttackBatch * n, x.Length - (rows * n)))) is > 0 and var read)
            rows += read;
        return x.AsMemory(0, rows * n);
    }
}
