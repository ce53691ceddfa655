using System.Globalization;
using ToyPipeline.Sweeps.Nights;

namespace ToyPipeline.Sweeps.Tests.Nights;

/// <summary>A temporary folder with two experiments and a plan, a clock that is set by hand, and runs whose tables are given.</summary>
internal sealed class NightWorkspace : IDisposable
{
    public const string Plan = """
        experiments:
          - file: ../one.yaml
            metrics:
              - { name: loss_best, at: { data.sparsity: 0.9 }, worse: higher, absolute: 0.5 }
          - file: ../two.yaml
        metrics:
          - { name: loss_best, worse: higher, relative: 0.1 }
          - { name: share_represented, worse: lower, absolute: 0.05 }
          - { name: geometry }
        retention: { last: 2, daily: 0, weekly: 0, monthly: 0 }

        """;

    public NightWorkspace()
    {
        Write("experiments/one.yaml", Experiment("one"));
        Write("experiments/two.yaml", Experiment("two"));
        Write("experiments/nightly/plan.yaml", Plan);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("toy-nights-").FullName;

    public string Nights => Path.Combine(Folder, "artifacts", "nightly");

    public string PlanFile => Path.Combine(Folder, "experiments", "nightly", "plan.yaml");

    public SetClock Clock { get; } = new();

    public Machine Machine { get; set; } = new("here", "Linux", "x64", 2);

    public Dictionary<string, string> Versions { get; } = new() { ["toy"] = "1", ["libtorch"] = "2.10" };

    /// <summary>Loss of both cells, share, geometry and the claim of each experiment, by its name.</summary>
    public Dictionary<string, (double Dense, double Sparse, double Share, string Geometry, double Claim, bool Holds)> Measured { get; } = new()
    {
        ["one"] = (1, 2, 0.5, "digon", 0.3, true),
        ["two"] = (1, 2, 0.5, "digon", 0.3, true),
    };

    public List<string> Told { get; } = [];

    /// <summary>Runs a night; the next begins a day later.</summary>
    public NightResult Night(Func<PlannedExperiment, RunOutcome?>? instead = null, IfRunning ifRunning = IfRunning.Leave, CancellationToken cancellation = default)
    {
        var result = Nightly.Run(NightPlanFile.Load(PlanFile), Options(ifRunning), (planned, runs) => instead?.Invoke(planned) ?? Run(planned, runs), Told.Add, cancellation);
        Clock.Now += TimeSpan.FromDays(1);
        return result;
    }

    public NightOptions Options(IfRunning ifRunning = IfRunning.Leave) => new(Nights, ifRunning, Machine, Versions, Clock);

    public void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(Folder, path))!);
        File.WriteAllText(Path.Combine(Folder, path), text);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private RunOutcome Run(PlannedExperiment planned, string runs)
    {
        var measured = Measured[planned.Experiment.Name];
        string analysis = Path.Combine(runs, planned.Experiment.Name, "analysis");
        Directory.CreateDirectory(analysis);
        File.WriteAllText(Path.Combine(analysis, "cells.csv"), string.Create(CultureInfo.InvariantCulture,
            $"cell,data.sparsity,loss_best,share_represented,geometry\n0,0.0,{measured.Dense},{measured.Share},{measured.Geometry}\n1,0.9,{measured.Sparse},{measured.Share},{measured.Geometry}\n"));
        File.WriteAllText(Path.Combine(analysis, "claims.csv"), string.Create(CultureInfo.InvariantCulture,
            $"claim,at,measure,comparison,expected,measured,measured_sd,tolerance,holds\n0,data.sparsity = 0.9,loss,at_most,1,{measured.Claim},,0,{(measured.Holds ? "true" : "false")}\n"));
        return new RunOutcome(measured.Holds ? 0 : 1, null);
    }

    private static string Experiment(string name) => $"""
        name: {name}
        model: {"{ features: 5, hidden: 2 }"}
        axes: {"[{ path: data.sparsity, values: [0.0, 0.9] }]"}
        claims: {"[{ at: { data.sparsity: 0.9 }, measure: loss, at_most: 1 }]"}

        """;
}

/// <summary>A clock that stands until it is set.</summary>
internal sealed class SetClock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = new(2026, 3, 30, 2, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => Now;
}
