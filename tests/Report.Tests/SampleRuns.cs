namespace ToyPipeline.Report.Tests;

/// <summary>Runs of other shapes than the introduction's.</summary>
internal static class SampleRuns
{
    /// <summary>A tetrahedron and an octahedron in three dimensions.</summary>
    public static SyntheticRun Solids() => new(
        """
        name: solids
        title: Solids
        model: { kind: relu-output, features: 6, hidden: 3 }
        replicas: 4
        axes:
          - { path: data.sparsity, values: [0.8, 0.95] }
        """,
        (cell, _) => cell.Index == 0
            ? [[0.57, 0.57, 0.57], [0.57, -0.57, -0.57], [-0.57, 0.57, -0.57], [-0.57, -0.57, 0.57], [0.01, 0, 0], [0, 0.02, 0]]
            : [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]);

    /// <summary>Two features in one dimension.</summary>
    public static SyntheticRun Line() => new(
        """
        name: line
        title: Two features in one dimension
        model: { kind: relu-output, features: 2, hidden: 1 }
        importance: { values: [1, 2] }
        replicas: 2
        axes:
          - { path: data.density, values: [1, 0.1] }
        """,
        (cell, _) => cell.Index == 0 ? [[0.0], [1.0]] : [[-0.95], [1.0]]);

    /// <summary>Ten features of norm 1 or 0, and one of norm 6.</summary>
    public static SyntheticRun Outlier() => new(
        """
        name: outlier
        title: One feature outgrows the others
        model: { kind: relu-output, features: 11, hidden: 4 }
        """,
        (_, _) => [.. Enumerable.Range(0, 11).Select(i => Enumerable.Range(0, 4).Select(k => i != k ? 0 : i == 3 ? 6.0 : 1).ToArray())]);

    /// <summary>Many features, more hidden dimensions than can be drawn, seven sparsities.</summary>
    public static SyntheticRun Larger(int features = 80, int hidden = 20, bool history = true) => new(
        $$"""
        name: larger
        title: Larger
        model: { kind: relu-output, features: {{features}}, hidden: {{hidden}} }
        importance: { decay: 0.9 }
        replicas: 2
        axes:
          - { path: data.density, values: [1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001] }
        """,
        (cell, _) => [.. Enumerable.Range(0, features).Select(i => Enumerable.Range(0, hidden)
            .Select(k => i % hidden == k ? (i < hidden * (1 + (cell.Index / 2)) ? (i / hidden % 2 == 0 ? 1 : -1) * (1 - (0.1 * (i / hidden))) : 0.0) : 0.05 * Math.Sin(i + (3 * k))).ToArray())],
        history);

    /// <summary>Uniform importance over many densities: features pass from dimensions of their own to digons, triangles and tetrahedra.</summary>
    public static SyntheticRun Geometry() => new(
        """
        name: geometry
        title: The geometry of uniform superposition
        model: { kind: relu-output, features: 60, hidden: 12 }
        replicas: 1
        axes:
          - { path: data.density, log: [0.01, 1, 24] }
        """,
        (cell, _) => Arranged(60, 12, cell.Index), history: false);

    /// <summary>The same over further axes: a row of densities for each model and importance.</summary>
    public static SyntheticRun Geometries(int hidden, int kinds = 1) => new(
        $$"""
        name: geometries
        title: Arrangements in some numbers of dimensions
        model: { kind: relu-output, features: 12, hidden: 4 }
        axes:
          - { path: model.kind, values: [{{(kinds == 1 ? "relu-output" : "linear, relu-output")}}] }
          - { path: model.hidden, values: [{{string.Join(", ", Enumerable.Range(3, hidden))}}] }
          - { path: data.density, log: [0.01, 1, 6] }
        """,
        (cell, spec) => Arranged(12, spec.Model.Hidden, 23 - (3 * (cell.Index % 6))), history: false);

    /// <summary>Two features in one dimension over importance and density, once solved and once trained, with a phase diagram.</summary>
    public static SyntheticRun PhasesTwice(int side) => Phases(side, "  - { path: training.objective, values: [exact, fused] }\n", "exact", "fused");

    /// <summary>Two features in one dimension over importance and density, with a phase diagram.</summary>
    public static SyntheticRun Phases(int side) => Phases(side, "");

    private static SyntheticRun Phases(int side, string first, params string[] objectives)
    {
        var run = new SyntheticRun(
            $$"""
            name: phases
            title: Two features in one dimension
            model: { kind: relu-output, features: 2, hidden: 1 }
            importance: { values: 1 }
            axes:
            {{first}}
              - { path: "importance.values[1]", log: [0.1, 10, {{side}}] }
              - { path: data.density, log: [0.01, 1, {{side}}] }
            """,
            (cell, spec) => Theory(spec.Importance[1], spec.Data.Density[0]) switch { 0 => [[1], [0]], 1 => [[1], [-1]], _ => [[0], [1]] }, history: false);
        string[] regions = ["not represented", "superposition", "own dimension"];
        return run.With(
            "analysis/phase.csv", "cell," + (objectives.Length == 0 ? "" : "training.objective,") + "importance.values[1],data.density,feature,norm,superposition,region,loss,theory_region,theory_loss,agrees,boundary_distance,beats_theory",
            run.Cells.Select(best =>
            {
                int theory = Theory(best.Spec.Importance[1], best.Spec.Data.Density[0]);
                int measured = Theory(best.Spec.Importance[1], best.Spec.Data.Density[0], gain: best.Cell.Index < side * side ? 0.9 : 0.5);
                return (FormattableString)$"{best.Cell.Index},{string.Join(',', best.Cell.Coordinates.Select(coordinate => coordinate.Value))},1,{(measured == 0 ? 0.01 : 1)},{(measured == 1 ? 1 : 0)},{regions[measured]},0.0123,{regions[theory]},0.0124,{(measured == theory ? "true" : "false")},1,true";
            }));

        // PAPER's exact losses of the three ideal arrangements.
        static int Theory(double r, double p, double gain = 1)
        {
            double alone = (p / 3) - (p * p / 4);
            double[] losses = [r * alone, gain * (1 + r) * p * p / 6, alone];
            return Array.IndexOf(losses, losses.Min());
        }
    }

    /// <summary>A privileged basis: neurons of one feature, then of several.</summary>
    public static SyntheticRun Neurons()
    {
        var run = new SyntheticRun(
            """
            name: neurons
            title: Neurons of a privileged basis
            model: { kind: relu-hidden, features: 10, hidden: 5 }
            importance: { decay: 0.75 }
            axes:
              - { path: data.density, values: [1, 0.3, 0.05] }
            """,
            (cell, _) => [.. Enumerable.Range(0, 10).Select(i => Enumerable.Range(0, 5).Select(k => i % 5 == k && i < 5 + (2 * cell.Index) ? (i < 5 ? 1 : -0.7) : 0.02 * Math.Sin(i + k)).ToArray())]);
        return run.With("analysis/neurons.csv", "cell,neuron,kind", Kinds(run, (cell, k) => k < 2 * cell ? "polysemantic" : "monosemantic"));
    }

    /// <summary>Absolute values: a +x and a −x neuron each, one dead, then shared ones.</summary>
    public static SyntheticRun AbsoluteValue()
    {
        var run = new SyntheticRun(
            """
            name: absolute
            title: Absolute values
            model: { kind: absolute-value, features: 3, hidden: 6 }
            axes:
              - { path: data.density, values: [1, 0.1] }
            """,
            (_, _) => [.. Enumerable.Range(0, 3).Select(i => Enumerable.Range(0, 6).Select(k => k / 2 == i ? 0.7 : 0).ToArray())])
            .WithTwoMatrices((best, i, k) => k == 5 ? (0.01, 0.01) : (k / 2 == i ? (k % 2 == 0 ? 1 : -1) : best.Cell.Index * 0.4 * Math.Cos(i + k), k / 2 == i ? 1 : -0.2 * best.Cell.Index));
        return run.With("analysis/neurons.csv", "cell,neuron,kind", Kinds(run, (cell, k) => k == 5 ? "dead" : cell == 0 ? "monosemantic" : "polysemantic"));
    }

    /// <summary>Two correlated sets of three in three dimensions, with weights, dimensionalities and jumps through training.</summary>
    public static SyntheticRun Dynamics()
    {
        var run = new SyntheticRun(
            """
            name: dynamics
            title: Arrangements through training
            model: { kind: relu-output, features: 6, hidden: 3 }
            data: { density: 0.1, sets: [{ correlated: [0, 1, 2] }, { correlated: [3, 4, 5] }] }
            training: { history: { loss_every: 100, snapshots: 40 } }
            """,
            (_, _) => [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [0, -1, 0], [0, 0, -1]]).WithSnapshots(40, time => time < 0.4 ? 0.2 : time < 0.7 ? 0.6 : 1);
        double[] steps = [.. Enumerable.Range(0, 40).Select(s => Math.Round(Math.Pow(10_000, s / 39.0)))];
        run.With("analysis/dynamics.csv", "cell,instance,step,feature,norm,superposition,dimensionality", steps.SelectMany(step => Enumerable.Range(0, 6).Select(i =>
            (FormattableString)$"0,0,{step},{i},1,0.2,{(step < 40 ? 0.1 + (0.02 * i) : step < 700 + (200 * i) ? 0.38 : 0.5)}")));
        run.With("analysis/snapshots.csv", "cell,instance,step,loss", steps.Select(step => (FormattableString)$"0,0,{step},{(step < 40 ? 0.05 : step < 1200 ? 0.03 : 0.02)}"));
        return run.With("analysis/jumps.csv", "cell,instance,of,feature,step,from_step,to_step,before,after,matched", new[] { 40, 700, 900, 1100, 1500 }
            .Select(step => (FormattableString)$"0,0,dimensionality,0,{step},{step - 5},{step + 5},0.1,0.38,true").Append((FormattableString)$"0,0,loss,,40,35,45,0.05,0.03,true"));
    }

    /// <summary>Two solutions whose losses cross, one of which ceases to be a minimum.</summary>
    public static SyntheticRun Branches()
    {
        var run = new SyntheticRun(
            """
            name: branches
            title: From two digons to a pentagon
            model: { kind: relu-output, features: 5, hidden: 2 }
            data: { density: 0.2 }
            axes:
              - { path: "data.density[4]", log: [0.05, 0.25, 31] }
            """,
            (cell, _) => SyntheticRun.Polygon(5, 0.97, 0.3), history: false);
        double[] at = [.. run.Run.Experiment.Axes[0].Values.Select(value => double.Parse(value, System.Globalization.CultureInfo.InvariantCulture))];
        run.With("analysis/branches.csv", "branch,data.density[4],loss,smallest_eigenvalue,local_minimum,lowest,geometry", at
            .Select(p => (FormattableString)$"0,{p:R},{0.01 + (0.1 * p)},0.01,{(p < 0.22 ? "true" : "false")},true,2 digon")
            .Concat(at.Skip(5).Select(p => (FormattableString)$"1,{p:R},{0.0185 + (0.05 * p)},0.01,true,true,pentagon"))
            .Concat(at.Skip(5).Select(p => (FormattableString)$"2,{p:R},{0.021 + (0.05 * p)},0.01,true,false,other")));
        return run.With(
            "analysis/crossings.csv", "branch_a,branch_b,geometry_a,geometry_b,data.density[4],loss,smallest_eigenvalue_a,smallest_eigenvalue_b,critical",
            [$"0,1,2 digon,pentagon,0.17,0.027,0.01,0.01,true", $"0,2,2 digon,other,0.22,0.032,0.01,0.01,false"]);
    }

    /// <summary>Vulnerability over features per dimension, and principal components.</summary>
    public static SyntheticRun Attacked()
    {
        var run = new SyntheticRun(
            """
            name: attacked
            title: Vulnerability
            model: { kind: relu-output, features: 8, hidden: 4 }
            axes:
              - { path: data.density, log: [0.01, 1, 6] }
            """,
            (cell, _) => Arranged(8, 4, 23 - (4 * cell.Index)));
        run.With("analysis/adversarial.csv", "cell,data.density,instance,epsilon,vulnerability,attack_amplification", run.Cells.Select(best =>
            (FormattableString)$"{best.Cell.Index},{best.Cell.Coordinates[0].Value},{best.Instance},0.1,{1 + (0.3 * best.W.Sum(w => w.Sum(x => x * x)) / 4) + (0.02 * Math.Sin(best.Cell.Index))},{1 + (0.1 * best.Cell.Index)}"));
        return run.With("analysis/pca.csv", "cell,component,variance,vector", run.Cells.SelectMany(best => Enumerable.Range(0, 8).Select(c =>
            (FormattableString)$"{best.Cell.Index},{c},1,{string.Join(' ', Enumerable.Range(0, 8).Select(i => i == c ? 1 : 0))}")));
    }

    // Rare features share dimensions: pairs from the middle on, three and four to a dimension later.
    private static double[][] Arranged(int features, int hidden, int rarity) =>
    [
        .. Enumerable.Range(0, features).Select(i =>
        {
            double[] w = new double[hidden];
            int turn = i / hidden;
            if (rarity > 16 && i / 4 * 3 + 2 < hidden)
            {
                double[][] corners = [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]];
                for (int k = 0; k < 3; k++)
                    w[(i / 4 * 3) + k] = corners[i % 4][k] / Math.Sqrt(3);
            }
            else if (turn == 0 || (turn == 1 && rarity < 18))
            {
                w[i % hidden] = turn == 0 ? 1 : -1 * Math.Min(1, rarity / 12.0);
            }

            return w;
        }),
    ];

    private static IEnumerable<FormattableString> Kinds(SyntheticRun run, Func<int, int, string> kind) =>
        run.Cells.SelectMany(best => Enumerable.Range(0, best.Hidden).Select(k => (FormattableString)$"{best.Cell.Index},{k},{kind(best.Cell.Index, k)}"));
}
