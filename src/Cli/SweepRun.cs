using ToyPipeline.Analysis;
using ToyPipeline.Analysis.Claims;
using ToyPipeline.Cli.Output;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Runs;
using ToyPipeline.Export;
using ToyPipeline.Sweeps;
using ToyPipeline.Training;

namespace ToyPipeline.Cli;

/// <summary>Trains the packs of a plan that do not stand.</summary>
/// <param name="plan">The plan.</param>
/// <param name="progress">Told of packs that are made.</param>
/// <param name="cancellation">Stops between steps.</param>
internal delegate void PackExecutor(TrainingPlan plan, PackProgress progress, CancellationToken cancellation);

/// <summary>Trains, exports and analyses a grid pack by pack: the models of a pack are written and measured while the next ones train.</summary>
internal static class SweepRun
{
    /// <summary>Trains on the cores of this machine.</summary>
    public static void Locally(TrainingPlan plan, PackProgress progress, CancellationToken cancellation) =>
        LocalExecutor.Run(
            plan.Missing.Select(pack => pack.Index).ToList(), pack => Width(plan.Packs[pack]), Environment.ProcessorCount,
            (index, stop) =>
            {
                var pack = plan.Packs[index];
                plan.Train(pack, work => progress.Add(work / TrainingPlan.Work(pack) * pack.Instances.Count), stop);
                progress.Made(pack);
            }, cancellation);

    /// <summary>Takes the stages from training to analysis to their end, and returns the claims.</summary>
    /// <param name="run">The run folder, with its datasets.</param>
    /// <param name="execute">Trains the packs.</param>
    /// <param name="output">Shown how far it is.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public static IReadOnlyList<ClaimResult> Run(RunFolder run, PackExecutor execute, IOutput output, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var followers = new Followers(run, stop);
        try
        {
            output.Stage(TrainStage.Name, report => TrainStage.RunPlan(run, plan =>
            {
                followers.Start();
                execute(plan, new PackProgress(plan, new Grid(run.Experiment).CellCount, followers.Trained, report), stop.Token);
            }, stop.Token));
            followers.Trained.OpenAll();
            output.Stage(ExportStage.Name, report => ExportStage.Record(run, () => followers.Models(report)));
            followers.Exported.OpenAll();
            IReadOnlyList<ClaimResult> claims = [];
            output.Stage(AnalyzeStage.Name, report =>
            {
                var analysis = AnalyzeStage.Record(run, () => followers.Tables(report));
                claims = analysis.Claims;
                return analysis.Outcome;
            });
            return claims;
        }
        catch
        {
            stop.Cancel();
            // What stopped the others is what went wrong.
            if (!cancellation.IsCancellationRequested && followers.Failure() is { } failure)
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
            throw;
        }
        finally
        {
            followers.Join();
        }
    }

    // Eager mode has threads of its own, which get in each other's way; the others take an instance a thread.
    private static int Width(Pack pack) => pack.Training.Objective == ObjectiveKind.Autograd ? int.MaxValue : pack.Instances.Count;

    // The stages that follow training, on threads of their own where training has something to do.
    private sealed class Followers(RunFolder run, CancellationTokenSource stop)
    {
        private SideWork<IReadOnlyList<string>>? _export;
        private SideWork<IReadOnlyList<string>>? _analysis;
        private Action<StageProgress> _exporting = _ => { };
        private Action<StageProgress> _analysing = _ => { };

        public PackGate Trained { get; } = new(new Grid(run.Experiment).PackCount());

        public PackGate Exported { get; } = new(new Grid(run.Experiment).PackCount());

        public void Start()
        {
            // What they write from here on is not what the manifest says of it.
            run.Begin(ExportStage.Name);
            run.Begin(AnalyzeStage.Name);
            _export = new(ExportStage.Name, token => ExportStage.Write(run, Trained, Exported.Open, progress => Volatile.Read(ref _exporting)(progress), token), stop);
            _analysis = new(AnalyzeStage.Name, token => AnalyzeStage.Write(run, Exported, progress => Volatile.Read(ref _analysing)(progress), token), stop);
        }

        public IReadOnlyList<string> Models(Action<StageProgress> report)
        {
            Volatile.Write(ref _exporting, report);
            return _export?.Result() ?? ExportStage.Write(run, PackGate.Opened, _ => { }, report, stop.Token);
        }

        public IReadOnlyList<string> Tables(Action<StageProgress> report)
        {
            Volatile.Write(ref _analysing, report);
            return _analysis?.Result() ?? AnalyzeStage.Write(run, PackGate.Opened, report, stop.Token);
        }

        public Exception? Failure() => _export?.Failure() ?? _analysis?.Failure();

        public void Join() => _ = (_export?.Failure(), _analysis?.Failure());
    }
}
