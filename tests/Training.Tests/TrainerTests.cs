using System.Diagnostics;
using System.Globalization;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Random;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Tests;

/// <summary>Whole training runs of small packs.</summary>
public sealed class TrainerTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("toy-train-").FullName;

    [TearDown]
    public void RemoveFolder()
    {
        TorchSharp.torch.set_num_threads(1);
        Directory.Delete(_folder, recursive: true);
    }

    // libtorch's batched products and reductions split their work by the size of the whole tensor: an instance's last bit may depend
    // on its neighbours (1e-7 is the most that was seen).
    [Test]
    public void An_instance_ends_the_same_whatever_the_pack_but_for_rounding([Values] ModelKind kind, [Values(1, 2)] int threads)
    {
        var experiment = Small.Experiment(kind, 9, 2 + (int)kind, """
            data: { density: 0.3 }
            training: { batch: 200, steps: 20, objective: autograd }
            replicas: 7
            """);
        TorchSharp.torch.set_num_threads(threads);
        var together = Small.Train(experiment, 7);
        double worst = 0;
        foreach (int size in new[] { 1, 3 })
        {
            foreach (var (instance, parameters) in Small.Train(experiment, size))
                worst = Math.Max(worst, parameters.Zip(together[instance], (a, b) => Math.Abs((double)a - b)).Max());
        }

        TestContext.Out.WriteLine($"Largest difference over packings: {worst:g3}");
        Assert.That(worst, Is.LessThanOrEqualTo(1e-6));
    }

    [Test]
    public void The_same_run_gives_the_same_bits()
    {
        var experiment = Small.Experiment(ModelKind.ReluOutput, 9, 3, "data: { density: 0.3 }\ntraining: { batch: 300, steps: 50, objective: autograd }\nreplicas: 5");
        var first = Small.Train(experiment, 5);
        Assert.That(Small.Train(experiment, 5).Values, Is.EqualTo(first.Values));
    }

    [Test]
    public void Training_lowers_the_loss_and_the_history_has_its_shape()
    {
        var experiment = Small.Experiment(ModelKind.AbsoluteValue, 3, 6, """
            training: { batch: 64, steps: 450, optimizer: { lr: 0.01 }, history: { loss_every: 100, snapshots: 4, spacing: linear } }
            replicas: 2
            """);
        using var ensemble = Small.Ensemble(experiment);
        using var objective = new AutogradObjective(ensemble);
        var first = ensemble.Weights("");
        long steps = 0;
        var history = Trainer.Run(ensemble, objective, done => steps += done, default);
        var last = ensemble.Weights("");
        Assert.Multiple(() =>
        {
            Assert.That(steps, Is.EqualTo(450));
            Assert.That(history.LossSteps, Is.EqualTo(new float[] { 100, 200, 300, 400, 450 }));
            Assert.That(history.Loss, Has.Length.EqualTo(10));
            Assert.That(history.Loss[4], Is.LessThan(0.5f * history.Loss[0]));
            Assert.That(history.Loss[9], Is.LessThan(0.5f * history.Loss[5]));
            Assert.That(history.SnapshotSteps, Is.EqualTo(new float[] { 0, 150, 300, 450 }));
            Assert.That(history.Snapshots.Keys, Is.EquivalentTo(new[] { "W1", "W2", "b" }));
            Assert.That(history.Snapshots["W1"].Shape, Is.EqualTo(new[] { 4, 2, 3, 6 }));
            Assert.That(history.Snapshots["b"].Shape, Is.EqualTo(new[] { 4, 2, 3 }));
            Assert.That(history.Snapshots["W1"].Values[..36], Is.EqualTo(first.W), "the first snapshot is the initialization");
            Assert.That(history.Snapshots["W2"].Values[^36..], Is.EqualTo(last.W2), "the last one is the result");
        });
    }

    [Test]
    public void A_recorded_loss_is_the_mean_of_its_span()
    {
        const string Setting = "data: { density: 0.5 }\ntraining: { batch: 64, steps: 10, history: { loss_every: EVERY, snapshots: 3 } }";
        float[] each = Losses("1"), spans = Losses("4");
        Assert.That(each, Has.Length.EqualTo(10));
        Assert.That(spans, Is.EqualTo(new[] { each[..4].Average(), each[4..8].Average(), each[8..].Average() }).Within(1e-6));
        Assert.That(Losses("0"), Is.Empty);

        static float[] Losses(string every)
        {
            using var ensemble = Small.Ensemble(Small.Experiment(ModelKind.ReluOutput, 5, 2, Setting.Replace("EVERY", every, StringComparison.Ordinal)));
            using var objective = new AutogradObjective(ensemble);
            return Trainer.Run(ensemble, objective, _ => { }, default).Loss;
        }
    }

    [TestCase(100, 64)]
    [TestCase(100, 150)]
    [TestCase(10, 64)]
    [TestCase(70_000, 1000)]
    public void A_dataset_is_gone_through_in_order_again_and_again(int samples, int batch)
    {
        var data = new DataSpec([0.5, 0.2, 1], ValueRange.Unit, [], samples);
        DatasetGenerator.Generate(_folder, data, 3, RandomStream.Training, samples);
        float[] rows = new float[3 * samples];
        new FeatureSampler(data).FillRows(3, RandomStream.Training, 0, rows);
        var source = new DatasetSource(TrainingDataset.Load(_folder), batch);
        float[] tile = new float[3 * SampleSource.TileSamples];
        long last = samples * 3L / batch;
        foreach (long step in new[] { 0, 1, last / 2, last })
        {
            for (int j = 0; j < batch; j++)
            {
                if (j % SampleSource.TileSamples == 0)
                    Tiles.Fill(source, step, j / SampleSource.TileSamples, tile, new DrawBuffer(3, 0));
                int row = (int)(((step * batch) + j) % samples);
                for (int f = 0; f < 3; f++)
                {
                    if (tile[(f * SampleSource.TileSamples) + (j % SampleSource.TileSamples)] != rows[(row * 3) + f])
                        Assert.Fail($"Step {step}, sample {j}, feature {f} is not that of row {row}.");
                }
            }
        }
    }

    [Test]
    public void Training_on_a_dataset_is_training_on_the_same_samples_drawn_fresh()
    {
        var stream = Small.Experiment(ModelKind.ReluOutput, 5, 2, "data: { density: 0.4 }\ntraining: { batch: 128, steps: 20 }");
        ulong seed = new Grid(stream).InstanceAt(0).Seed;
        DatasetGenerator.Generate(_folder, stream.Spec([]).Data, seed, RandomStream.Training, 128 * 20);
        var disk = Small.Experiment(ModelKind.ReluOutput, 5, 2, "data: { density: 0.4, train: { samples: 2560 } }\ntraining: { batch: 128, steps: 20 }");
        Assert.That(Small.Train(disk, 1, _ => TrainingDataset.Load(_folder))[0], Is.EqualTo(Small.Train(stream, 1)[0]));
    }

    [Test]
    public void A_damaged_training_dataset_is_refused()
    {
        var data = new DataSpec([0.5], ValueRange.Unit, [], 100);
        DatasetGenerator.Generate(_folder, data, 3, RandomStream.Training, 100);
        string shard = Path.Combine(_folder, "shard-00000.npz");
        File.WriteAllBytes(shard, File.ReadAllBytes(shard)[..^30]);
        Assert.That(() => TrainingDataset.Load(_folder), Throws.TypeOf<Core.InvalidInputException>().With.Message.Contains("shard-00000.npz"));
    }

    [Test]
    [Platform("Linux")]
    public void The_memory_of_the_process_stays_flat()
    {
        var experiment = Small.Experiment(ModelKind.ReluOutput, 5, 2, "data: { density: 0.4 }\ntraining: { batch: 64, steps: 2100, history: { loss_every: 20, snapshots: 20, spacing: linear } }\nreplicas: 4");
        using var ensemble = Small.Ensemble(experiment);
        using var objective = new AutogradObjective(ensemble);
        long steps = 0, early = 0, late = 0;
        var clock = Stopwatch.StartNew();
        Trainer.Run(ensemble, objective, done =>
        {
            steps += done;
            if (early == 0 && steps >= 500)
                early = Resident();
            if (steps <= 2000)
                late = Resident();
        }, default);
        TestContext.Out.WriteLine($"{early >> 20} MB at step 500, {late >> 20} MB at step 2000, {clock.Elapsed.TotalSeconds:f1} s");
        Assert.That(late - early, Is.LessThan(20L << 20));
    }

    private static long Resident()
    {
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(6, line.Length - 9), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture) << 10;
    }
}
