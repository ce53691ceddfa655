using System.Globalization;
using System.Text;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Report.Tests;

/// <summary>A run folder as the analysis would leave it, of arrangements known exactly; temporary, deleted when disposed.</summary>
internal sealed class SyntheticRun : IDisposable
{
    private const int Records = 100;
    private readonly string _artifacts = Directory.CreateTempSubdirectory("report-test-").FullName;

    public SyntheticRun(string yaml, Func<Cell, CellSpec, double[][]> directions, bool history = true, bool matrices = true)
    {
        var experiment = Experiment.Parse(yaml, "test.yaml");
        Run = RunFolder.Open(_artifacts, experiment);
        Directory.CreateDirectory(Run.Path("analysis"));
        var grid = new Grid(experiment);
        Cells = [.. grid.Cells.Select(cell => new Best(cell, grid.Spec(cell), (cell.Index * experiment.Replicas) + (experiment.Replicas / 2), directions(cell, grid.Spec(cell))))];
        WriteCells();
        WriteFeatures();
        WriteClaims();
        if (matrices)
            WriteMatrices();
        if (history)
            WriteHistory(grid);
    }

    public RunFolder Run { get; private set; }

    public IReadOnlyList<Best> Cells { get; }

    /// <summary>Five features in two dimensions at three sparsities: two dedicated, two digons, a pentagon.</summary>
    public static SyntheticRun Intro(string title = "Five features in two dimensions", bool history = true, bool matrices = true) =>
        new(
            $$"""
            name: intro
            title: {{title}}
            description: Five features of falling importance must pass through two hidden dimensions. Only sparsity is varied.
            model: { kind: relu-output, features: 5, hidden: 2 }
            importance: { decay: 0.9 }
            replicas: 16
            axes:
              - { path: data.sparsity, values: [0.0, 0.8, 0.9] }
            claims:
              - { at: { data.sparsity: 0.9 }, measure: geometry, equals: pentagon }
            """,
            (cell, _) => cell.Index switch
            {
                0 => [[0.8f, 0.6f], [-0.6f, 0.8f], [0.004, -0.003], [0.001, 0], [0, 0]],
                1 => [[0.96, 0.28], [-0.28, 0.96], [-0.93, -0.27], [0.27, -0.93], [0.01, 0.02]],
                _ => Polygon(5, 0.97, 0.3),
            },
            history,
            matrices);

    public static double[][] Polygon(int corners, double norm, double turn) =>
        [.. Enumerable.Range(0, corners).Select(i => new[] { norm * Math.Cos(turn + (i * Math.Tau * 2 / corners)), norm * Math.Sin(turn + (i * Math.Tau * 2 / corners)) })];

    /// <summary>Opens the folder again, as another process would.</summary>
    public void Reopen(string yaml)
    {
        Run.Dispose();
        Run = RunFolder.Open(_artifacts, Experiment.Parse(yaml, "test.yaml"));
    }

    /// <summary>Writes a table as the analysis would.</summary>
    public SyntheticRun With(string path, string header, IEnumerable<FormattableString> rows)
    {
        File.WriteAllText(Run.Path(path), string.Concat(rows.Select(row => row.ToString(CultureInfo.InvariantCulture) + "\n").Prepend(header + "\n")));
        return this;
    }

    /// <summary>Replaces the history by one with snapshots of the weights, which grow from a start with a turn of their own.</summary>
    public SyntheticRun WithSnapshots(int snapshots, Func<double, double> grown)
    {
        foreach (var pack in new Grid(Run.Experiment).Packs())
        {
            string path = Run.Path(RunFolder.History(pack.Index));
            var history = TrainingHistory.Load(path);
            float[] steps = [.. Enumerable.Range(0, snapshots).Select(s => (float)Math.Round(Math.Pow(Records * 100, s / (snapshots - 1.0))))];
            int n = Cells[0].Features, m = Cells[0].Hidden;
            var w = steps.SelectMany(step => pack.Instances.SelectMany(instance =>
            {
                double share = grown(Math.Log(step) / Math.Log(Records * 100));
                return Cells[instance.Cell.Index].W.SelectMany((row, i) => row.Select((x, k) => (float)((share * x) + ((1 - share) * 0.5 * Math.Sin(1 + i + (2.3 * k))))));
            }));
            (history with
            {
                SnapshotSteps = steps,
                Snapshots = new Dictionary<string, Tensor> { ["W"] = new([snapshots, pack.Instances.Count, n, m], [.. w]) },
            }).Save(path);
        }

        return this;
    }

    /// <summary>Replaces the matrices by those of an absolute-value model.</summary>
    public SyntheticRun WithTwoMatrices(Func<Best, int, int, (double Read, double Write)> weights)
    {
        int n = Cells[0].Features, m = Cells[0].Hidden;
        (double Read, double Write)[] all = [.. Cells.SelectMany(best => Enumerable.Range(0, n * m).Select(at => weights(best, at / m, at % m)))];
        string path = Run.Path("analysis/best-00000.safetensors");
        var file = Safetensors.Load(path);
        var tensors = file.Tensors.Where(pair => pair.Key != "W").ToDictionary();
        tensors["W1"] = new([Cells.Count, n, m], [.. all.Select(pair => (float)pair.Read)]);
        tensors["W2"] = new([Cells.Count, n, m], [.. all.Select(pair => (float)pair.Write)]);
        new Safetensors { Tensors = tensors, Metadata = file.Metadata }.Save(path);
        return this;
    }

    public string Read(string path) => File.ReadAllText(Run.Path(path));

    public StageOutcome Report() => ReportStage.Run(Run, _ => { }, CancellationToken.None);

    public void Dispose()
    {
        Run.Dispose();
        Directory.Delete(_artifacts, recursive: true);
    }

    private void WriteCells()
    {
        var csv = new StringBuilder("cell," + AxisHeader() + "replicas,best_instance,loss_best,loss_mean,loss_sd,loss_max,represented,represented_count,dimensions_per_feature,features_per_dimension,mean_superposition,max_superposition,geometry,geometry_replicas\n");
        foreach (var best in Cells)
        {
            double frobenius = best.W.Sum(w => w.Sum(x => x * x));
            csv.Append(CultureInfo.InvariantCulture, $"{best.Cell.Index},{AxisValues(best.Cell)}{Run.Experiment.Replicas},{best.Instance},0.0123456789,0.015,0.0008,0.02,");
            csv.Append(CultureInfo.InvariantCulture, $"{string.Join(' ', best.Represented)},{best.Represented.Count},{best.Hidden / frobenius:R},{frobenius / best.Hidden:R},0.1,0.4,{best.Geometry},9\n");
        }

        File.WriteAllText(Run.Path("analysis/cells.csv"), csv.ToString());
    }

    private void WriteFeatures()
    {
        var csv = new StringBuilder("instance,cell,replica," + AxisHeader() + "feature,importance,density,norm,represented,superposition,dimensionality,bias,component,component_kind,best\n");
        foreach (var best in Cells)
        {
            for (int i = 0; i < best.Features; i++)
            {
                string row = string.Create(CultureInfo.InvariantCulture, $",{AxisValues(best.Cell)}{i},{best.Spec.Importance[i]:R},{best.Spec.Data.Density[i]:R},{best.Norm(i):R},{(best.Norm(i) >= 0.5 ? "true" : "false")},{best.Superposition(i):R},{best.Dimensionality(i):R},{best.Bias(i):R},0,{best.Geometry},");
                csv.Append(CultureInfo.InvariantCulture, $"{best.Instance},{best.Cell.Index},{best.Instance % Run.Experiment.Replicas}{row}true\n");
                csv.Append(CultureInfo.InvariantCulture, $"{best.Instance + 1},{best.Cell.Index},{(best.Instance + 1) % Run.Experiment.Replicas}{row}false\n");
            }
        }

        File.WriteAllText(Run.Path("analysis/features.csv"), csv.ToString());
    }

    private void WriteClaims() => File.WriteAllText(Run.Path("analysis/claims.csv"), """
        claim,at,measure,comparison,expected,measured,tolerance,holds
        0,data.sparsity = 0,represented,equals,"[0, 1]","[0, 1]",0.03,true
        1,data.sparsity = 0.8,geometry,equals,2 digon,2 digon,0.03,true
        2,data.sparsity = 0.9,norm[0],equals,1,0.97,0.05,true
        3,all cells,loss,at_most,0.01,0.0123456789,0.001,false

        """);

    private void WriteMatrices()
    {
        int file = 0;
        foreach (var shape in Cells.GroupBy(best => (best.Features, best.Hidden)))
        {
            var (n, m) = shape.Key;
            new Safetensors
            {
                Tensors = new Dictionary<string, Tensor>
                {
                    ["G"] = new([shape.Count(), n, n], [.. shape.SelectMany(best => best.G)]),
                    ["W"] = new([shape.Count(), n, m], [.. shape.SelectMany(best => best.W.SelectMany(w => w)).Select(x => (float)x)]),
                    ["b"] = new([shape.Count(), n], [.. shape.SelectMany(best => Enumerable.Range(0, n).Select(i => (float)best.Bias(i)))]),
                },
                Metadata = new Dictionary<string, string>
                {
                    ["kind"] = "relu-output",
                    ["instances"] = InstancesJson.Write(shape.Select(best => new Instance(best.Instance, best.Cell, best.Instance % Run.Experiment.Replicas, 7))),
                },
            }.Save(Run.Path($"analysis/best-{file++:D5}.safetensors"));
        }
    }

    private void WriteHistory(Grid grid)
    {
        foreach (var pack in grid.Packs())
        {
            float[] steps = [.. Enumerable.Range(1, Records).Select(r => r * 100f)];
            float[] loss = [.. pack.Instances.SelectMany(instance => steps.Select(step => Loss(instance, step)))];
            new TrainingHistory { Instances = pack.Instances, LossSteps = steps, Loss = loss }.Save(Run.Path(RunFolder.History(pack.Index)));
        }
    }

    // Falls from 0.1 to a floor; every third replica is stuck above it; a fixed wobble in place of noise.
    private float Loss(Instance instance, float step)
    {
        double floor = 0.04 / (1 + (2 * instance.Cell.Index)) * (instance.Index == Cells[instance.Cell.Index].Instance ? 1 : 1.05 + (0.5 * (instance.Replica % 3 == 0 ? 1 : 0)));
        double wobble = 1 + (0.03 * Math.Sin((step * 0.037) + instance.Index));
        return (float)((floor + (0.1 * Math.Exp(-step / (400.0 + (60 * instance.Replica))))) * wobble);
    }

    private string AxisHeader() => string.Concat(Run.Experiment.Axes.Select(axis => axis.Path + ","));

    private static string AxisValues(Cell cell) => string.Concat(cell.Coordinates.Select(coordinate => coordinate.Value + ","));

    /// <summary>The best instance of a cell and its measures.</summary>
    internal sealed record Best(Cell Cell, CellSpec Spec, int Instance, double[][] W)
    {
        public int Features => W.Length;

        public int Hidden => W[0].Length;

        public List<int> Represented => [.. Enumerable.Range(0, Features).Where(i => Norm(i) >= 0.5)];

        public string Geometry => $"{Represented.Count} features";

        public float[] G => [.. W.SelectMany(a => W.Select(b => (float)Dot(a, b)))];

        public double Norm(int i) => Math.Sqrt(Dot(W[i], W[i]));

        public double Superposition(int i) => Norm(i) == 0 ? 0 : W.Where((_, j) => j != i).Sum(w => Math.Pow(Dot(W[i], w) / Norm(i), 2));

        public double Dimensionality(int i) => Norm(i) == 0 ? 0 : Math.Pow(Norm(i), 4) / W.Sum(w => Math.Pow(Dot(W[i], w), 2));

        public double Bias(int i) => Norm(i) >= 0.5 ? -0.05 * Cell.Index : 0.4 - (0.03 * i);

        private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
    }
}
