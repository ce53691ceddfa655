using System.Diagnostics;
using System.Text;
using CsCheck;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Core.Tests;

/// <summary>Whatever is wrong with an experiment file, one sentence names file, line and key and says what is allowed.</summary>
public sealed class BadExperimentTests
{
    private const string Head = "name: bad\nmodel: { features: 5, hidden: 2 }\n"; // lines 1 and 2

    private static InvalidInputException Refused(string text) =>
        Assert.Throws<InvalidInputException>(() => Experiment.Parse(text, "bad.yaml"))!;

    // What stands after the first two lines; the line of the error; what the message must hold.
    [TestCase("trainning: { steps: 5 }", 3, "unknown key trainning; did you mean training? Allowed here: name, title")]
    [TestCase("training:\n  stepps: 5", 4, "unknown key training.stepps; did you mean steps?")]
    [TestCase("data: { sparsity: 1.2 }", 3, "data.sparsity is 1.2; allowed: 0 <= sparsity < 1")]
    [TestCase("data: { sparsity: [0, 0, 0, 0, -0.5] }", 3, "data.sparsity[4] is -0.5; allowed: 0 <= sparsity < 1")]
    [TestCase("data: { sparsity: 1 }", 3, "data.sparsity is 1; allowed")]
    [TestCase("data: { sparsity: NaN }", 3, "data.sparsity is NaN; allowed")]
    [TestCase("data: { density: 0 }", 3, "data.density is 0; allowed: 1e-6 <= density <= 1")]
    [TestCase("data: { sparsity: [0.1, 0.2] }", 3, "data.sparsity has 2 values for 5 features; give one number, or one a feature")]
    [TestCase("data:\n  sparsity: 0.5\n  density: 0.5", 5, "data.density stands beside sparsity")]
    [TestCase("data: { sparsity: lots }", 3, "data.sparsity is lots; allowed")]
    [TestCase("data: { sparsity: { a: 1 } }", 3, "data.sparsity is not a single value")]
    [TestCase("data: 5", 3, "data is not a mapping; its keys are sparsity, density, values, sets, train")]
    [TestCase("data: { values: both }", 3, "data.values is both; allowed: one of unit, signed")]
    [TestCase("data: { train: forever }", 3, "data.train is forever; allowed: stream, or { samples: N }")]
    [TestCase("data: { train: { samples: 0 } }", 3, "data.train.samples is 0; allowed: a whole number from 1")]
    [TestCase("data: { sets: [{ correlated: [0, 1] }, { anticorrelated: [1, 2] }] }", 3, "feature 1 stands in two sets, or twice in one")]
    [TestCase("data: { sets: [{ correlated: [3, 3] }] }", 3, "feature 3 stands in two sets, or twice in one")]
    [TestCase("data: { sets: [{ correlated: [3] }] }", 3, "data.sets[0].correlated has fewer than two features")]
    [TestCase("data: { sets: [{ correlated: [3, 5] }] }", 3, "data.sets[0].correlated[1] is 5; allowed: a feature index from 0 to 4")]
    [TestCase("data: { sets: [{ correlated: [0, 1], anticorrelated: [2, 3] }] }", 3, "either correlated or anticorrelated")]
    [TestCase("data: { sets: { correlated: [0, 1] } }", 3, "data.sets is not a list")]
    [TestCase("data: { density: [1, 0.5, 1, 1, 1], sets: [{ correlated: [0, 1] }] }", 3, "features of different sparsity; give the set a sparsity of its own")]
    [TestCase("importance: { decay: 0.9, values: 1 }", 3, "either decay (I_i = decay^i) or values")]
    [TestCase("importance: { decay: 0 }", 3, "importance.decay is 0; allowed: a number greater than 0")]
    [TestCase("importance: { decay: 1e30 }", 3, "importance.decay is 1E+30, which makes the importance of feature 4 greater than")]
    [TestCase("importance: { values: [1, 2, 3, 4, -1] }", 3, "importance.values[4] is -1; allowed")]
    [TestCase("training: { steps: 0 }", 3, "training.steps is 0; allowed: a whole number from 1 to 2147483647")]
    [TestCase("training: { steps: 1e4 }", 3, "training.steps is 1e4; allowed: a whole number")]
    [TestCase("training: { steps: 99999999999 }", 3, "training.steps is 99999999999; allowed: a whole number from 1 to 2147483647")]
    [TestCase("training: { steps: }", 3, "training.steps is empty; allowed")]
    [TestCase("training: { batch: 10.5 }", 3, "training.batch is 10.5; allowed")]
    [TestCase("training: { objective: magic }", 3, "training.objective is magic; allowed: one of auto, autograd, fused, exact")]
    [TestCase("training: { schedule: step }", 3, "training.schedule is step; allowed: one of constant, cosine, linear")]
    [TestCase("training: { optimizer: adamw }", 3, "training.optimizer is not a mapping; its keys are kind, lr")]
    [TestCase("training: { optimizer: { lr: -1 } }", 3, "training.optimizer.lr is -1; allowed: a number greater than 0")]
    [TestCase("training: { optimizer: { kind: sgd, beta1: 0.5 } }", 3, "training.optimizer.beta1 does not belong to sgd")]
    [TestCase("training: { optimizer: { momentum: 0.5 } }", 3, "training.optimizer.momentum does not belong to adamw")]
    [TestCase("training: { optimizer: { beta2: 1 } }", 3, "training.optimizer.beta2 is 1; allowed: 0 <= value < 1")]
    [TestCase("training: { history: { snapshots: 1 } }", 3, "training.history.snapshots is 1; allowed: 0, or at least 2")]
    [TestCase("replicas: 0", 3, "replicas is 0; allowed: a whole number from 1")]
    [TestCase("seed: -1", 3, "seed is -1; allowed: a whole number from 0 to 2^64 - 1")]
    [TestCase("evaluation: { probes: 5 }", 3, "evaluation.probes is 5; allowed: true, false, or a mapping")]
    [TestCase("evaluation: { adversarial: { steps: 0 } }", 3, "evaluation.adversarial.steps is 0; allowed")]
    [TestCase("claims: [{ measure: vulnerability, at_least: 1 }]", 3, "claims[0].measure is vulnerability, which is measured only with evaluation.adversarial: true")]
    [TestCase("evaluation: { samples: none }", 3, "evaluation.samples is none; allowed")]
    [TestCase("axes: [{ path: data.sparsty, values: [0] }]", 3, "axes[0].path is data.sparsty, which is not a setting; did you mean data.sparsity? Allowed: model.kind")]
    [TestCase("axes: [{ path: data.sets, values: [0] }]", 3, "axes[0].path is data.sets, which is not a setting")]
    [TestCase("axes: [{ path: \"training.steps[0]\", values: [0] }]", 3, "only data.sparsity, data.density and importance.values take an index")]
    [TestCase("axes: [{ path: \"data.density[0]\", values: [0.5] }]", 3, "needs data.density in the file: give it a value first")]
    [TestCase("data: { density: 0.5 }\naxes: [{ path: \"data.density[5]\", values: [0.5] }]", 4, "axis path data.density[5]: the index goes from 0 to 4")]
    [TestCase("axes: [{ path: data.sparsity, values: [0], log: [1, 2, 3] }]", 3, "an axis has one of values, log and linear")]
    [TestCase("axes: [{ path: data.sparsity }]", 3, "an axis has one of values, log and linear")]
    [TestCase("axes: [{ path: data.sparsity, values: [] }]", 3, "axes[0].values is empty")]
    [TestCase("axes: [{ path: data.sparsity, values: [0.5, 0.50] }]", 3, "axes[0].values has a value twice")]
    [TestCase("axes: [{ path: data.density, linear: [0.5, 0.5000000000001, 50] }]", 3, "axes[0].linear has a value twice")]
    [TestCase("axes: [{ path: data.sparsity, values: 0.5 }]", 3, "axes[0].values is not a list; write it as [a, b, ...]")]
    [TestCase("axes:\n  - path: data.sparsity\n    values: [0, 0.5, 1.2]", 5, "data.sparsity is 1.2; allowed")]
    [TestCase("axes: [{ path: data.density, log: [0, 1, 5] }]", 3, "axes[0].log needs both ends greater than 0")]
    [TestCase("axes: [{ path: data.density, linear: [0, 1] }]", 3, "axes[0].linear is [from, to, count]")]
    [TestCase("axes: [{ path: data.density, linear: [0, 1, 2.5] }]", 3, "axes[0].linear is [from, to, count]")]
    [TestCase("axes: [{ path: data.density, values: [1] }, { path: data.density, values: [1] }]", 3, "axes has data.density twice")]
    [TestCase("axes: [{ path: data.density, values: [1] }, { path: data.sparsity, values: [0] }]", 3, "axes has data.density and data.sparsity, which set the same thing")]
    [TestCase("importance: { values: 1 }\naxes: [{ path: \"importance.values[1]\", values: [1] }, { path: importance.decay, values: [0.5] }]", 4, "which set the same thing")]
    [TestCase("replicas: 2000000\naxes: [{ path: data.density, linear: [0.5, 1, 2000] }]", 4, "more than 2147483647 instances")]
    [TestCase("claims: [{ measure: geometri, equals: digon }]", 3, "claims[0].measure is geometri, which is not a measure; did you mean geometry? Allowed: geometry")]
    [TestCase("claims: [{ measure: \"norm[5]\", equals: 1 }]", 3, "claims[0].measure is norm[5], but features are numbered 0 to 4")]
    [TestCase("claims: [{ measure: norm, equals: 1 }]", 3, "claims[0].measure is norm, which is not a measure")]
    [TestCase("claims: [{ measure: loss }]", 3, "a claim has one of equals, between, at_least, at_most, monotone, plateau, correlates")]
    [TestCase("claims: [{ measure: loss, at_least: 1, at_most: 2 }]", 3, "a claim has one of equals, between, at_least, at_most, monotone, plateau, correlates")]
    [TestCase("claims: [{ measure: loss, between: [1] }]", 3, "claims[0].between is [low, high]")]
    [TestCase("claims: [{ measure: loss, at_most: little }]", 3, "claims[0].at_most is little; allowed: a number")]
    [TestCase("claims: [{ measure: loss, equals: little }]", 3, "claims[0].equals is little; allowed: a number")]
    [TestCase("claims: [{ measure: \"angle[0]\", equals: 1 }]", 3, "claims[0].measure is angle[0], but angle takes two indices, from 0 to 4")]
    [TestCase("claims: [{ measure: \"angle[0,5]\", equals: 1 }]", 3, "claims[0].measure is angle[0,5], but features are numbered 0 to 4")]
    [TestCase("claims: [{ measure: \"norm[i]\", equals: 1 }]", 3, "claims[0].measure is norm[i], but norm takes one index, from 0 to 4, or *")]
    [TestCase("claims: [{ measure: \"participation_ratio[2]\", equals: 1 }]", 3, "claims[0].measure is participation_ratio[2], but neurons are numbered 0 to 1")]
    [TestCase("claims: [{ measure: \"count[circle]\", equals: 1 }]", 3, "claims[0].measure is count[circle], but the kinds are square antiprism, pentagon")]
    [TestCase("claims: [{ measure: geometry, at_least: 3 }]", 3, "claims[0].measure is geometry, a name, which at_least cannot compare; use equals")]
    [TestCase("claims: [{ measure: loss, monotone: upwards }]", 3, "claims[0].monotone is upwards; allowed: one of increasing, decreasing")]
    [TestCase("claims: [{ measure: loss, monotone: increasing }]", 3, "along is missing: the claim leaves no axis open")]
    [TestCase("axes: [{ path: data.sparsity, values: [0, 0.5] }, { path: model.hidden, values: [1, 2] }]\nclaims: [{ measure: loss, monotone: increasing }]", 4, "along is missing: the claim leaves data.sparsity, model.hidden open; name the one to follow")]
    [TestCase("axes: [{ path: data.sparsity, values: [0, 0.5] }]\nclaims: [{ measure: loss, monotone: increasing, along: model.hidden }]", 4, "claims[0].along is model.hidden, which is no axis that the claim leaves open; allowed: data.sparsity")]
    [TestCase("axes: [{ path: data.sparsity, values: [0, 0.5] }]\nclaims: [{ at: { data.sparsity: 0 }, measure: loss, monotone: increasing, along: data.sparsity }]", 4, "claims[0].along is data.sparsity, which is no axis that the claim leaves open")]
    [TestCase("axes: [{ path: data.sparsity, values: [0, 0.5] }]\nclaims: [{ measure: \"norm[*]\", monotone: increasing }]", 4, "claims[0].measure is norm[*], which has many values in a cell; monotone compares one")]
    [TestCase("claims: [{ measure: loss, at_most: 1, along: data.sparsity }]", 3, "claims[0].along belongs to monotone, and to a plateau of cells")]
    [TestCase("claims: [{ measure: loss, plateau: 0.5 }]", 3, "claims[0].plateau is not a mapping; its keys are at, tolerance, share, cells")]
    [TestCase("claims: [{ measure: theory_agreement, at_least: 0.9 }]", 3, "claims[0].measure is theory_agreement, which needs the key phase")]
    [TestCase("claims: [{ measure: critical_value, at_least: 0.9 }]", 3, "claims[0].measure is critical_value, which needs the key branches")]
    [TestCase("claims: [{ measure: objective_agreement, at_least: 0.9 }]", 3, "claims[0].measure is objective_agreement, which needs the key phase and an axis training.objective")]
    [TestCase("claims: [{ measure: unconverged, equals: 0 }]", 3, "claims[0].measure is unconverged, which needs cells with training.objective exact")]
    [TestCase("claims: [{ measure: geometry, equals: 2 digon + pentagonn }]", 3, "claims[0].equals names pentagonn; allowed: square antiprism, pentagon, 4/9 cluster, tetrahedron, triangle, digon, dedicated, other, with a number before and + between them, or none")]
    [TestCase("claims: [{ measure: represented, equals: [0, 99] }]", 3, "claims[0].equals[1] is 99; allowed: a feature index from 0 to 4")]
    [TestCase("claims: [{ measure: loss, between: [2, 1] }]", 3, "claims[0].between is [low, high], the smaller number first")]
    [TestCase("evaluation: { samples: 3, probes: true }", 3, "evaluation.samples is 3, and probes need at least 4: raise it, or leave the probes out")]
    [TestCase("claims: [{ at: { data.density: 1 }, measure: loss, at_most: 1 }]", 3, "claims[0].at names data.density, which is no axis; there are none")]
    [TestCase("claims: [{ measure: loss, plateau: { at: 0.5, tolerance: 0.1, share: 0.5, cells: 3 } }]", 3, "a plateau has either share, of all values, or cells, that follow one another")]
    [TestCase("claims: [{ measure: loss, plateau: { at: 0.5, share: 0.5 } }]", 3, "claims[0].plateau.tolerance is missing")]
    [TestCase("claims: [{ measure: loss, plateau: { at: 0.5, tolerance: 0.1, share: 1.5 } }]", 3, "claims[0].plateau.share is 1.5; allowed: a number greater than 0, and at most 1")]
    [TestCase("claims: [{ measure: \"norm[*]\", plateau: { at: 0.5, tolerance: 0.1, cells: 3 } }]", 3, "claims[0].plateau.cells needs a measure with one value in a cell, and norm[*] has many; use share")]
    [TestCase("claims: [{ measure: loss, correlates: { wit: loss } }]", 3, "unknown key claims[0].correlates.wit; did you mean with?")]
    [TestCase("claims: [{ measure: loss, correlates: { with: los } }]", 3, "claims[0].correlates.with is los, which is not a measure; did you mean loss?")]
    [TestCase("claims: [{ measure: loss, correlates: { with: geometry } }]", 3, "claims[0].correlates.with is geometry, which is no number")]
    [TestCase("claims: [{ measure: loss, correlates: { with: \"norm[*]\" } }]", 3, "claims[0].correlates.with is norm[*], and loss does not have as many values in a cell")]
    [TestCase("claims: [{ measure: loss, correlates: { with: represented_count } }]", 3, "correlates needs at_least, or at_most")]
    [TestCase("claims: [{ measure: loss, correlates: { with: represented_count, at_least: 0, rank: yes } }]", 3, "claims[0].correlates.rank is yes; allowed: true or false")]
    [TestCase("replicas: 2\ntraining: { history: { loss_every: 0 } }\nevaluation: { samples: 0 }", 5, "evaluation.samples is 0, so that the training loss picks the best replica")]
    [TestCase("claims: [{ at: { data.sparsity: 0 }, measure: loss, at_most: 1 }]", 3, "names data.sparsity, which is no axis")]
    [TestCase("axes: [{ path: data.sparsity, values: [0, 0.5] }]\nclaims: [{ at: { data.sparsity: 0.6 }, measure: loss, at_most: 1 }]", 4, "names data.sparsity = 0.6, which the axis does not have; it has 0, 0.5")]
    [TestCase("claims: [{ at: 5, measure: loss, at_most: 1 }]", 3, "claims[0].at is a mapping of axis paths to values")]
    [TestCase("replicas: 1\nreplicas: 2", 4, "replicas")]
    [TestCase("title: [unclosed", 4, "this is not YAML")]
    [TestCase("title: 'unclosed", 3, "this is not YAML")]
    [TestCase("title: a\n\treplicas: 1", 3, "this is not YAML")]
    [TestCase("title: *nowhere", 3, "alias *nowhere has no anchor before it")]
    [TestCase("data: &self { sets: [*self] }", 3, "alias *self has no anchor before it")]
    [TestCase("? [a, b]\n: c", 3, "a key must be a single word")]
    [TestCase("title: a\n---\ntitle: b", 1, "an experiment file is one YAML mapping")]
    public void The_mistake_is_named(string text, int line, string expected)
    {
        string message = Refused(Head + text + "\n").Message;
        Assert.Multiple(() =>
        {
            Assert.That(message, Does.Contain(expected));
            Assert.That(message, Does.StartWith($"bad.yaml:{line}: ").And.EndsWith(".").And.Not.Contain("\n"));
        });
    }

    [TestCase("name: a", "bad.yaml:1: model is missing.")]
    [TestCase("model: { features: 5, hidden: 2 }", "bad.yaml:1: name is missing.")]
    [TestCase("name: a\nmodel: { hidden: 2 }", "bad.yaml:2: model.features is missing.")]
    [TestCase("name: a\nmodel: { features: 5, hidden: 0 }", "bad.yaml:2: model.hidden is 0; allowed: a whole number from 1 to 32768.")]
    [TestCase("name: a\nmodel: { features: 100000, hidden: 2 }", "bad.yaml:2: model.features is 100000; allowed: a whole number from 1 to 32768.")]
    [TestCase("name: a\nmodel: { features: 32768, hidden: 32768 }", "bad.yaml:2: model.hidden times features is 1073741824; allowed: up to 268435456 weights a matrix.")]
    [TestCase("name: a\nmodel: { features: 5, hidden: 2 }\ntraining: { batch: 2147483647 }", "bad.yaml:3: training.batch is 2147483647; allowed: a whole number from 1 to 16777216.")]
    [TestCase("name: a\nmodel: { kind: relu, features: 5, hidden: 2 }", "bad.yaml:2: model.kind is relu; allowed: one of linear, relu-output, relu-hidden, absolute-value.")]
    [TestCase("name: ../up\nmodel: { features: 5, hidden: 2 }", "bad.yaml:1: name is ../up; allowed: up to 100 of A to Z, a to z, 0 to 9, - _ and ., starting with a letter or digit, and no two dots in a row.")]
    [TestCase("name: a..b\nmodel: { features: 5, hidden: 2 }", "bad.yaml:1: name is a..b; allowed: up to 100 of A to Z, a to z, 0 to 9, - _ and ., starting with a letter or digit, and no two dots in a row.")]
    [TestCase("", "bad.yaml:1: an experiment file is one YAML mapping; start from experiments/intro.yaml.")]
    [TestCase("# nothing but a comment", "bad.yaml:1: an experiment file is one YAML mapping; start from experiments/intro.yaml.")]
    [TestCase("[1, 2]", "bad.yaml:1: an experiment file is one YAML mapping; start from experiments/intro.yaml.")]
    [TestCase("just words", "bad.yaml:1: an experiment file is one YAML mapping; start from experiments/intro.yaml.")]
    public void A_file_without_the_necessary_is_refused(string text, string message) =>
        Assert.That(Refused(text).Message, Is.EqualTo(message));

    [Test]
    public void A_name_with_a_line_end_is_refused() =>
        Assert.That(Refused("name: \"a\\n\"\nmodel: { features: 5, hidden: 2 }\n").Message, Does.Contain("allowed: up to 100 of"));

    // Impossible only together: each value is fine on its own.
    [TestCase("data: { density: 0.5 }\naxes: [{ path: model.features, values: [5, 3] }, { path: \"data.density[3]\", values: [0.5] }]", "model.features = 3")]
    [TestCase("training: { optimizer: { beta1: 0.5 } }\naxes: [{ path: training.optimizer.kind, values: [adam, sgd] }, { path: replicas, values: [1] }]", "replicas")]
    [TestCase("axes: [{ path: training.optimizer.kind, values: [adam, sgd] }, { path: training.optimizer.momentum, values: [0.5] }]", "does not belong to adam")]
    [TestCase("axes: [{ path: importance.decay, values: [1, 1000] }, { path: model.features, values: [3, 50] }]", "(in the cell importance.decay = 1000, model.features = 50).")]
    public void A_cell_that_is_impossible_is_named_at_load(string text, string expected) =>
        Assert.That(Refused(Head + text + "\n").Message, Does.Contain(expected));

    [Test, CancelAfter(10_000)]
    public void An_alias_bomb_is_refused_quickly_and_in_little_memory()
    {
        var text = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int level = 1; level < 12; level++)
            text.Append($"a{level}: &a{level} [{string.Join(", ", Enumerable.Repeat($"*a{level - 1}", 10))}]\n");
        var clock = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(Refused(text.ToString()).Message, Does.Contain("the file has more than 2000000 values"));
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(8)));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(50 << 20));
    }

    [Test, CancelAfter(10_000)]
    public void A_bomb_of_merge_keys_is_refused()
    {
        var text = new StringBuilder("m0: &m0 { k0: x, l0: y }\n");
        for (int level = 1; level < 30; level++)
            text.Append($"m{level}: &m{level} {{ k{level}: x, <<: [{string.Join(", ", Enumerable.Repeat($"*m{level - 1}", 4))}] }}\n");
        Assert.That(Refused(text.ToString()).Message, Does.Contain("the file has more than 2000000 values"));
    }

    [TestCase("[")]
    [TestCase("{a: ")]
    [TestCase("- ")]
    public void Deep_nesting_is_refused(string opening) =>
        Assert.That(Refused("name: deep\ntitle: " + (opening == "- " ? "\n  " : "") + string.Concat(Enumerable.Repeat(opening, 100_000))).Message,
            Does.Contain("nested deeper than 32 levels").Or.Contain("not YAML"));

    [Test]
    public void Whatever_the_text_an_error_is_a_sentence()
    {
        string intro = File.ReadAllText(Path.Combine(Repository.Root, "experiments", "intro.yaml"));
        var cut = Gen.Int[0, intro.Length - 1];
        var noise = Gen.OneOf(
            Gen.OneOf("[", "]", "{", "}", ":", ": ", "- ", "\n", "&a ", "*a", "!!int ", "%", "'", "\"", "|", ">", "<<: ", "? ", ",", "#", "\t", "\0", "\ud800", "1e999", "-0"),
            Gen.String[0, 5]);
        Gen.Select(cut, cut, noise).Sample((from, length, text) =>
        {
            string mutated = string.Concat(intro.AsSpan(0, from), text, intro.AsSpan(Math.Min(intro.Length, from + (length % 12))));
            try
            {
                Experiment.Parse(mutated, "noise.yaml");
            }
            catch (InvalidInputException e)
            {
                return e.Message.StartsWith("noise.yaml:", StringComparison.Ordinal);
            }

            return true;
        }, iter: 1000, threads: 1);
    }
}
