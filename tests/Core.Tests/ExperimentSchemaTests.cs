using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Core.Tests;

/// <summary>The JSON Schema that editors use, and the reference page, say what the binder does.</summary>
public sealed class ExperimentSchemaTests
{
    private static readonly JsonObject s_schema =
        JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "experiments", "experiment.schema.json")))!.AsObject();

    private static IEnumerable<string> Sections => ExperimentKeys.BySection.Keys;

    private static IEnumerable<string> Experiments =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "experiments"), "*.yaml").Select(path => Path.GetRelativePath(Repository.Root, path));

    // The schema of a section: data.sets is the items of a list, data.train one of two forms.
    private static JsonObject Section(string section)
    {
        var schema = s_schema;
        foreach (string key in section.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            schema = schema["properties"]![key]!.AsObject();
            schema = (schema["items"] ?? schema["oneOf"]?.AsArray().FirstOrDefault(form => form!["properties"] is not null) ?? schema).AsObject();
        }

        return schema;
    }

    private static string[] Enum(string section, string key) => [.. Section(section)["properties"]![key]!["enum"]!.AsArray().Select(value => (string)value!)];

    private static string[] Names<T>()
        where T : struct, Enum => [.. System.Enum.GetValues<T>().Select(YamlSection.KebabCase)];

    private static IEnumerable<string> IndexedMeasures =>
    [
        .. ClaimMeasures.OfFeature.SelectMany(measure => (string[])[$"{measure}[3]", $"{measure}[*]", $"{measure}[represented]"]),
        .. ClaimMeasures.OfNeuron.SelectMany(measure => (string[])[$"{measure}[3]", $"{measure}[*]"]),
        .. ClaimMeasures.OfPair.SelectMany(measure => (string[])[$"{measure}[0,3]", $"{measure}[0, 3]"]),
        .. ClaimMeasures.Kinds.Select(kind => $"count[{kind}]"),
    ];

    [TestCaseSource(nameof(Sections))]
    public void A_section_has_the_keys_of_the_binder(string section)
    {
        var schema = Section(section);
        Assert.Multiple(() =>
        {
            Assert.That(schema["properties"]!.AsObject().Select(pair => pair.Key), Is.EqualTo(ExperimentKeys.BySection[section]));
            Assert.That((bool)schema["additionalProperties"]!, Is.False);
            foreach (var (key, value) in schema["properties"]!.AsObject())
                Assert.That((string?)value!["description"], Is.Not.Null.And.Not.Empty, $"description of {section}.{key}");
        });
    }

    [Test]
    public void Choices_are_those_of_the_binder()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Enum("model", "kind"), Is.EqualTo(Names<ModelKind>()));
            Assert.That(Enum("data", "values"), Is.EqualTo(Names<ValueRange>()));
            Assert.That(Enum("training", "objective"), Is.EqualTo(Names<ObjectiveKind>()));
            Assert.That(Enum("training", "schedule"), Is.EqualTo(Names<Schedule>()));
            Assert.That(Enum("training.optimizer", "kind"), Is.EqualTo(Names<OptimizerKind>()));
            Assert.That(Enum("training.history", "spacing"), Is.EqualTo(Names<SnapshotSpacing>()));
            Assert.That(Choices("axes", "path"), Is.EqualTo(ExperimentKeys.AxisPaths));
            Assert.That(Choices("claims", "measure"), Is.EqualTo(ClaimMeasures.OfInstance.Concat(ClaimMeasures.OfBest)));
            string pattern = (string)Section("claims")["properties"]!["measure"]!["anyOf"]![1]!["pattern"]!;
            Assert.That(IndexedMeasures, Is.All.Matches(pattern));
            Assert.That(new[] { "norm", "norm[i]", "angle[3]", "count[circle]", "participation_ratio[represented]", "geometry[0]" }, Is.All.Not.Match(pattern));
            // What a claim correlates with has a value in each cell; the third form is of the whole grid.
            var forms = (JsonArray)Section("claims.correlates")["properties"]!["with"]!["anyOf"]!;
            Assert.That(forms, Has.Count.EqualTo(2));
            for (int form = 0; form < forms.Count; form++)
                Assert.That(JsonNode.DeepEquals(forms[form], Section("claims")["properties"]!["measure"]!["anyOf"]![form]));
            Assert.That(Choices("claims", "measure", 2), Is.EqualTo(ClaimMeasures.OfGrid));
        });

        static string[] Choices(string section, string key, int form = 0) =>
            [.. Section(section)["properties"]![key]!["anyOf"]![form]!["enum"]!.AsArray().Select(value => (string)value!)];
    }

    [Test]
    public void Defaults_are_those_of_the_binder()
    {
        // The resolved text of the smallest experiment has every default in it.
        var resolved = JsonSchema.FromYaml(Experiment.Parse("name: d\nmodel: { features: 2, hidden: 1 }\n", "d.yaml").Resolved())!;
        Assert.Multiple(() =>
        {
            foreach (string section in Sections.Where(section => section is not ("axes" or "claims" or "claims.plateau" or "claims.correlates" or "data.sets" or "data.train" or "importance" or "evaluation.probes" or "evaluation.adversarial" or "evaluation.dynamics")))
            {
                var written = section.Split('.', StringSplitOptions.RemoveEmptyEntries).Aggregate(resolved, (node, key) => node[key]!);
                foreach (var (key, schema) in Section(section)["properties"]!.AsObject().Where(pair => pair.Value!["default"] is not null))
                {
                    if (written[key] is { } value)
                        Assert.That(value.ToJsonString(), Is.EqualTo(JsonSchema.FromYaml(schema!["default"]!.ToJsonString())!.ToJsonString()), $"{section}.{key}");
                }
            }
        });
    }

    [TestCase("probes")]
    [TestCase("adversarial")]
    public void Defaults_of_what_can_be_measured_are_those_of_the_binder(string key)
    {
        var resolved = JsonSchema.FromYaml(Experiment.Parse($"name: d\nmodel: {{ features: 2, hidden: 1 }}\nevaluation: {{ {key}: true }}\n", "d.yaml").Resolved())!;
        var defaults = Section($"evaluation.{key}")["properties"]!.AsObject().Select(pair => KeyValuePair.Create(pair.Key, pair.Value!["default"]!.ToJsonString()));
        Assert.That(resolved["evaluation"]![key]!.AsObject().Select(pair => KeyValuePair.Create(pair.Key, pair.Value!.ToJsonString())), Is.EqualTo(defaults));
    }

    [TestCaseSource(nameof(Experiments))]
    public void An_experiment_of_the_repository_conforms(string path) =>
        Assert.That(JsonSchema.Problems(JsonSchema.FromYaml(File.ReadAllText(Path.Combine(Repository.Root, path))), s_schema), Is.Empty);

    [TestCaseSource(nameof(Experiments))]
    public void The_resolved_text_conforms(string path) =>
        Assert.That(JsonSchema.Problems(JsonSchema.FromYaml(Experiment.Load(Path.Combine(Repository.Root, path)).Resolved()), s_schema), Is.Empty);

    // What the binder refuses without looking at more than one key, the editor marks too.
    [TestCase("trainning: { steps: 5 }")]
    [TestCase("data: { sparsity: 1 }")]
    [TestCase("data: { sparsity: [0, -0.5] }")]
    [TestCase("data: { density: 0 }")]
    [TestCase("data: { density: 1, sparsity: 0 }")]
    [TestCase("data: { train: forever }")]
    [TestCase("data: { train: { samples: 0 } }")]
    [TestCase("data: { sets: [{ correlated: [1] }] }")]
    [TestCase("data: { sets: [{ density: 0.5 }] }")]
    [TestCase("importance: { decay: 0.9, values: 1 }")]
    [TestCase("importance: { decay: 0 }")]
    [TestCase("training: { steps: 0 }")]
    [TestCase("training: { steps: 2.5 }")]
    [TestCase("training: { objective: magic }")]
    [TestCase("training: { optimizer: { beta1: 1 } }")]
    [TestCase("training: { history: { snapshots: 1 } }")]
    [TestCase("replicas: 0")]
    [TestCase("seed: -1")]
    [TestCase("axes: [{ path: data.sparsty, values: [0] }]")]
    [TestCase("axes: [{ path: data.sparsity, values: [0], log: [1, 2, 3] }]")]
    [TestCase("axes: [{ path: data.sparsity, values: [] }]")]
    [TestCase("axes: [{ path: data.density, linear: [0, 1] }]")]
    [TestCase("evaluation: { interference: 1 }")]
    [TestCase("evaluation: { probes: maybe }")]
    [TestCase("evaluation: { probes: { samples: 3 } }")]
    [TestCase("evaluation: { adversarial: { epsilon: 0 } }")]
    [TestCase("evaluation: { adversarial: { radius: 1 } }")]
    [TestCase("evaluation: { adversarial: { restarts: 0 } }")]
    [TestCase("claims: [{ measure: geometri, equals: digon }]")]
    [TestCase("claims: [{ measure: loss }]")]
    [TestCase("claims: [{ measure: loss, at_least: 1, at_most: 2 }]")]
    [TestCase("claims: [{ measure: loss, monotone: upwards }]")]
    [TestCase("claims: [{ measure: loss, plateau: { at: 1, tolerance: 0 } }]")]
    [TestCase("claims: [{ measure: loss, plateau: { at: 1, share: 0.5 } }]")]
    [TestCase("claims: [{ measure: loss, plateau: { at: 1, tolerance: 0, share: 0 } }]")]
    [TestCase("claims: [{ measure: loss, plateau: { at: 1, tolerance: 0, cells: 1 } }]")]
    [TestCase("claims: [{ measure: loss, correlates: { with: bias } }]")]
    [TestCase("claims: [{ measure: loss, correlates: { with: max_superposition } }]")]
    [TestCase("claims: [{ measure: loss, correlates: { with: max_superposition, at_least: 2 } }]")]
    [TestCase("claims: [{ measure: loss, correlates: { with: max_superposition, at_least: 0, rank: yes } }]")]
    [TestCase("evaluation: { samples: -1 }")]
    public void What_the_binder_refuses_does_not_conform(string line)
    {
        string text = $"name: bad\nmodel: {{ features: 5, hidden: 2 }}\n{line}\n";
        Assert.Multiple(() =>
        {
            Assert.That(() => Experiment.Parse(text, "bad.yaml"), Throws.TypeOf<InvalidInputException>());
            Assert.That(JsonSchema.Problems(JsonSchema.FromYaml(text), s_schema), Is.Not.Empty);
        });
    }

    [TestCaseSource(nameof(Sections))]
    public void The_reference_page_has_every_key(string section)
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "experiment-file.md"));
        string heading = section.Length == 0 ? "## Top level" : $"## `{section}`";
        int start = page.IndexOf(heading + "\n", StringComparison.Ordinal);
        Assert.That(start, Is.Not.Negative, heading);
        int end = page.IndexOf("\n## ", start + 3, StringComparison.Ordinal);
        string part = end < 0 ? page[start..] : page[start..end];
        Assert.Multiple(() =>
        {
            foreach (string key in ExperimentKeys.BySection[section])
                Assert.That(part, Does.Contain($"| `{key}` |"), heading);
        });
    }

    [Test]
    public void The_reference_page_names_every_choice_axis_and_measure()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "experiment-file.md"));
        string[] words = [.. Names<ModelKind>(), .. Names<ValueRange>(), .. Names<ObjectiveKind>(), .. Names<Schedule>(), .. Names<OptimizerKind>(), .. Names<SnapshotSpacing>(),
            .. ExperimentKeys.AxisPaths, .. ClaimMeasures.OfInstance, .. ClaimMeasures.OfFeature.Select(measure => measure + "[i]"), .. ClaimMeasures.OfNeuron.Select(measure => measure + "[k]"), .. ClaimMeasures.OfPair.Select(measure => measure + "[i,j]"),
            .. ClaimMeasures.Kinds, .. ClaimMeasures.OfGrid, "count[kind]"];
        Assert.That(words.Where(word => !page.Contains($"`{word}`", StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void The_example_of_the_reference_page_loads_and_conforms()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "experiment-file.md"));
        var blocks = Regex.Matches(page, "```yaml\n(.*?)```", RegexOptions.Singleline);
        Assert.That(blocks, Is.Not.Empty);
        foreach (Match block in blocks)
        {
            Experiment.Parse(block.Groups[1].Value, "experiment-file.md");
            Assert.That(JsonSchema.Problems(JsonSchema.FromYaml(block.Groups[1].Value), s_schema), Is.Empty);
        }
    }
}
