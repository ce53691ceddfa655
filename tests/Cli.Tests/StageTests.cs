namespace ToyPipeline.Cli.Tests;

/// <summary>The verbs one by one: in order, out of order, and on files that somebody changed.</summary>
public sealed class StageTests
{
    [Test]
    public void Each_stage_alone_in_order_is_a_run()
    {
        using var whole = Workspace.Finished();
        using var steps = new Workspace();
        foreach (string verb in new[] { "generate", "train", "export", "analyze", "report" })
        {
            var (code, output, error) = steps.Toy(verb, "tiny.yaml");
            Assert.That((code, error), Is.EqualTo((0, "")), verb);
            Assert.That(output, Does.Match($@"\n{verb} +done in"));
        }

        Assert.That(steps.Files().Keys, Is.EquivalentTo(whole.Files().Keys));
        Assert.That(steps.Toy("run", "tiny.yaml").Out, Does.Not.Contain("done in"));
    }

    [TestCase("train", "data", "generate")]
    [TestCase("export", "weights", "train")]
    [TestCase("analyze", "models", "export")]
    [TestCase("report", "analysis", "analyze")]
    public void A_stage_says_which_stage_comes_first(string verb, string missing, string first)
    {
        using var workspace = Workspace.Finished();
        Directory.Delete(Path.Combine(workspace.Run, missing), recursive: true);
        var (code, _, error) = workspace.Toy(verb, "tiny.yaml");
        Assert.Multiple(() =>
        {
            Assert.That(code, Is.EqualTo(2));
            Assert.That(error, Does.Match($@"^error: artifacts.tiny.{missing}.* is missing: run `toy {first}` first, or the whole pipeline with `toy run`\.\n$"));
        });
        Assert.That(workspace.Toy("run", "tiny.yaml").Code, Is.Zero, "a run makes what is missing");
    }

    [Test]
    public void A_truncated_shard_is_told_and_made_again_when_asked()
    {
        using var workspace = Workspace.Finished();
        string shard = Directory.GetFiles(Path.Combine(workspace.Run, "data"), "shard-00000.npz", SearchOption.AllDirectories).First(path => path.Contains("eval-"));
        byte[] whole = File.ReadAllBytes(shard);
        File.WriteAllBytes(shard, whole[..100]);
        foreach (string verb in new[] { "run", "analyze" })
        {
            var (code, _, error) = workspace.Toy(verb, "tiny.yaml");
            Assert.That(code, Is.EqualTo(2), verb);
            Assert.That(error, Does.Match(@"^error: \S*shard-00000\.npz does not match its SHA-256 in manifest\.json.*`toy generate --force`.*\.\n$"), verb);
        }

        Assert.That(File.ReadAllBytes(shard), Has.Length.EqualTo(100), "nothing was overwritten");
        Assert.That(workspace.Toy("generate", "tiny.yaml", "--force").Code, Is.Zero);
        Assert.That(File.ReadAllBytes(shard), Is.EqualTo(whole));
        Assert.That(workspace.Toy("run", "tiny.yaml").Out, Does.Not.Contain("done in"));
    }

    [Test]
    public void Changed_weights_are_refused_kept_and_taken_when_asked()
    {
        using var workspace = Workspace.Finished();
        string weights = Path.Combine(workspace.Run, "weights", "pack-00000.safetensors");
        byte[] changed = File.ReadAllBytes(weights);
        changed[^2] ^= 0x10; // the last bias, slightly
        File.WriteAllBytes(weights, changed);
        foreach (string verb in new[] { "run", "train", "export", "analyze" })
        {
            var (code, _, error) = workspace.Toy(verb, "tiny.yaml");
            Assert.That(code, Is.EqualTo(2), verb);
            Assert.That(error, Does.Match(@"^error: \S*pack-00000\.safetensors does not match its SHA-256 in manifest\.json.*`toy train --force`.*--accept-changes\.\n$"), verb);
        }

        var taken = workspace.Toy("run", "tiny.yaml", "--accept-changes");
        Assert.Multiple(() =>
        {
            Assert.That((taken.Code, taken.Error), Is.EqualTo((0, "")));
            Assert.That(taken.Out, Does.Match(@"\ntrain +unchanged\nexport +done in"));
            Assert.That(File.ReadAllBytes(weights), Is.EqualTo(changed), "the changed weights are kept");
        });
        Assert.That(workspace.Toy("run", "tiny.yaml").Out, Does.Not.Contain("done in"), "and stay taken");
    }
}
