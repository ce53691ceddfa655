using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Training.Tests;

/// <summary>The second stage on the exact objective.</summary>
public sealed class ExactTrainStageTests
{
    private const string Text = """
        name: tiny
        model: { features: 4, hidden: 2 }
        training: { objective: exact }
        replicas: 600
        axes:
          - { path: data.density, values: [0.1, 0.5] }

        """;

    private string _artifacts = "";

    [SetUp]
    public void MakeFolder() => _artifacts = Directory.CreateTempSubdirectory("toy-exact-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_artifacts, recursive: true);

    private string Pack(int index) => Path.Combine(_artifacts, "tiny", RunFolder.Weights(index));

    private StageOutcome Train(string text, bool force = false)
    {
        using var run = RunFolder.Open(_artifacts, Experiment.Parse(text, "tiny.yaml"), force);
        return TrainStage.Run(run, _ => { }, default);
    }

    [Test]
    public void Weights_carry_loss_and_gradient_norm()
    {
        Train(Text);
        var weights = EnsembleWeights.Load(Pack(1));
        Assert.Multiple(() =>
        {
            Assert.That(weights.Exact!.Loss, Has.Length.EqualTo(176).And.All.GreaterThan(0));
            Assert.That(weights.Exact.GradientNorm, Has.Length.EqualTo(176).And.All.LessThanOrEqualTo(ExactResult.Tolerance));
            // Rounding to float32 moves the loss by the square of what it moves the weights by.
            double[] x = [.. ((float[])[.. weights.WOf(7), .. weights.BOf(7)]).Select(value => (double)value)];
            var cell = Experiment.Parse(Text, "tiny.yaml").Spec(weights.Instances[7].Cell.Coordinates);
            Assert.That(Exactly.Evaluate(cell, x).Loss, Is.EqualTo(weights.Exact.Loss[7]).Within(1e-6).Percent.Or.EqualTo(weights.Exact.Loss[7]).Within(1e-7));
            Assert.That(File.Exists(Path.Combine(_artifacts, "tiny", RunFolder.History(0))), Is.False);
        });
    }

    [Test]
    public void A_pack_that_was_finished_before_an_interruption_is_left_as_it_is()
    {
        Train(Text);
        byte[] first = File.ReadAllBytes(Pack(0)), second = File.ReadAllBytes(Pack(1));
        // As a kill in the second pack leaves it: the first is there, and no manifest says so.
        File.Delete(Path.Combine(_artifacts, "tiny", "manifest.json"));
        File.Delete(Pack(1));
        var marked = EnsembleWeights.Load(Pack(0));
        marked = marked with { B = [.. marked.B.Select(_ => 9f)] };
        marked.Save(Pack(0));
        Train(Text);
        Assert.Multiple(() =>
        {
            Assert.That(EnsembleWeights.Load(Pack(0)).B, Has.All.EqualTo(9f), "not made again");
            Assert.That(File.ReadAllBytes(Pack(1)), Is.EqualTo(second));
        });
        Train(Text, force: true);
        Assert.That(File.ReadAllBytes(Pack(0)), Is.EqualTo(first), "--force makes all again");
    }

    [Test]
    public void A_pack_of_other_settings_or_a_damaged_one_is_made_again()
    {
        Train(Text.Replace("0.5", "0.6", StringComparison.Ordinal));
        File.Delete(Path.Combine(_artifacts, "tiny", "manifest.json"));
        File.WriteAllText(Pack(1), "damaged");
        Train(Text);
        Assert.That(EnsembleWeights.Load(Pack(0)).Instances[^1].Cell.Coordinates[0].Value, Is.EqualTo("0.5"));
        Assert.That(EnsembleWeights.Load(Pack(1)).Exact, Is.Not.Null);
    }

    [Test]
    public void Of_several_starts_the_lowest_is_kept()
    {
        Train(Text);
        float[] one = EnsembleWeights.Load(Pack(0)).Exact!.Loss;
        Train(Text.Replace("exact }", "exact, starts: 3 }", StringComparison.Ordinal));
        float[] three = EnsembleWeights.Load(Pack(0)).Exact!.Loss;
        Assert.That(three.Zip(one, (a, b) => a <= b), Has.All.True);
        Assert.That(three.Sum(), Is.LessThan(one.Sum()));
    }
}
