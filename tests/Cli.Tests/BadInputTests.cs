namespace ToyPipeline.Cli.Tests;

/// <summary>Whatever is wrong: one sentence on standard error, the right exit code, no stack trace.</summary>
public sealed class BadInputTests
{
    [TestCase("training:", "trainig:", "tiny.yaml:6: unknown key trainig; did you mean training?")]
    [TestCase("[0.0, 0.9]", "[0.0, 1.2]", "tiny.yaml:9: data.sparsity is 1.2; allowed: 0 <= sparsity < 1")]
    [TestCase("hidden: 2", "hidden: 0", "tiny.yaml:3: model.hidden is 0; allowed: a whole number")]
    [TestCase("path: data.sparsity", "path: data.sparsty", "tiny.yaml:9: axes[0].path is data.sparsty, which is not a setting; did you mean data.sparsity?")]
    [TestCase("measure: loss", "measure: lost", "did you mean loss?")]
    public void An_experiment_file_that_is_wrong_is_named_with_line_and_key(string right, string wrong, string expected)
    {
        using var workspace = new Workspace();
        workspace.Write("tiny.yaml", Workspace.TinyExperiment.Replace(right, wrong, StringComparison.Ordinal));
        Refused(workspace.Toy("run", "tiny.yaml"), 2, expected);
        Assert.That(Directory.Exists(Path.Combine(workspace.Folder, "artifacts")), Is.False, "nothing was begun");
    }

    [Test]
    public void A_file_that_is_not_there_is_named()
    {
        using var workspace = new Workspace();
        Refused(workspace.Toy("run", "none.yaml"), 2, "There is no file none.yaml.");
        Refused(workspace.Toy("run", "."), 2, ". is a folder, not an experiment file.");
        workspace.Write("experiments/tiny.yaml", Workspace.TinyExperiment);
        Refused(workspace.Toy("run", "tiny"), 2, $"There is no file tiny; did you mean {Path.Combine("experiments", "tiny.yaml")}?");
    }

    [TestCase("There is no command frobnicate", "frobnicate")]
    [TestCase("There is no command trai (did you mean train?)", "trai")]
    [TestCase("There is no option --forse (did you mean --force?)", "run", "tiny.yaml", "--forse")]
    [TestCase("There is no option --fast", "run", "--fast", "tiny.yaml")]
    [TestCase("There is no option --csv", "list", "--csv")]
    [TestCase("toy run needs an argument, the experiment file", "run")]
    [TestCase("toy run does not take other.yaml", "run", "tiny.yaml", "other.yaml")]
    [TestCase("Required argument missing for option: '--artifacts'", "list", "--artifacts")]
    [TestCase("--artifacts is empty: give a folder, . for this one", "run", "tiny.yaml", "--artifacts", "")]
    [TestCase("--executor is foo; allowed: local, slurm", "sweep", "tiny.yaml", "--executor", "foo")]
    [TestCase("--executor needs a value", "sweep", "tiny.yaml", "--executor")]
    [TestCase("--compare needs 2 values", "report", "--compare", "one")]
    public void A_command_line_that_is_wrong_is_told(string expected, params string[] args)
    {
        using var workspace = new Workspace();
        Refused(workspace.Toy(args), 2, expected);
        Assert.That(Directory.Exists(Path.Combine(workspace.Folder, "artifacts")), Is.False, "nothing was begun");
    }

    [Test]
    public void A_folder_that_cannot_be_written_is_the_environments_fault()
    {
        using var workspace = new Workspace();
        workspace.Write("file", "");
        Refused(workspace.Toy("run", "tiny.yaml", "--artifacts", "file"), 3, "The run folder " + Path.Combine("file", "tiny") + " cannot be written");
        if (Directory.Exists("/proc"))
            Refused(workspace.Toy("run", "tiny.yaml", "--artifacts", "/proc/runs"), 3, "The run folder /proc/runs/tiny cannot be written");
    }

    [Test]
    public void An_unknown_kernel_is_the_environments_fault()
    {
        using var workspace = new Workspace();
        Refused(Toy.Run(workspace.Folder, [("TOY_SIMD", "nonsense")], ["run", "tiny.yaml"]), 3, "TOY_SIMD is nonsense");
        var doctor = Toy.Run(workspace.Folder, [("TOY_SIMD", "nonsense")], ["doctor"]);
        Assert.Multiple(() =>
        {
            Assert.That(doctor.Code, Is.EqualTo(3));
            Assert.That(doctor.Out, Does.Match(@"\nkernels +FAILS +TOY_SIMD is nonsense"));
        });
    }

    [Test]
    public void Verbose_adds_the_stack_trace()
    {
        using var workspace = new Workspace();
        var (code, _, error) = workspace.Toy("run", "none.yaml", "--verbose");
        Assert.Multiple(() =>
        {
            Assert.That(code, Is.EqualTo(2));
            Assert.That(error, Does.StartWith("error: There is no file none.yaml.\n"));
            Assert.That(error, Does.Contain("   at ToyPipeline."));
        });
    }

    private static void Refused(ToyResult result, int code, string expected) => Assert.Multiple(() =>
    {
        Assert.That(result.Code, Is.EqualTo(code));
        Assert.That(result.Error, Does.StartWith("error: ").And.Contains(expected));
        Assert.That(result.Error.TrimEnd('\r', '\n'), Does.Not.Contain("\n").And.Not.Contain("   at "), "one line, no stack trace");
        Assert.That(result.Error.TrimEnd(), Does.EndWith(".").Or.EndsWith("?"));
    });
}
