using System.Text.RegularExpressions;
using ToyPipeline.Cli.Tests;

namespace ToyPipeline.Interop;

/// <summary>The snippets and commands of docs/python.md, run as they stand.</summary>
[Category("Interop")]
public partial class DocumentedSnippetsTests
{
    private const string Intro = """
        name: intro
        model: { kind: relu-output, features: 5, hidden: 2 }
        data: { train: { samples: 1000 } }
        importance: { decay: 0.9 }
        training: { steps: 100, batch: 128 }
        replicas: 2
        axes:
          - { path: data.sparsity, values: [0.0, 0.9] }
        evaluation: { samples: 5000 }

        """;

    [Test]
    public void Every_snippet_and_every_command_works_in_the_order_of_the_page()
    {
        Python.Require("numpy", "scipy.sparse", "onnx", "torch");
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.Path("experiments"));
        // A small intro in place of the real one, which takes a minute.
        File.WriteAllText(folder.Path("experiments/intro.yaml"), Intro);
        var session = new List<string>();
        int commands = 0;
        foreach (Match fence in Fence().Matches(File.ReadAllText(Repository.Path("docs/python.md"))))
        {
            string block = fence.Groups[2].Value;
            if (fence.Groups[1].Value == "python")
            {
                session.Add(block);
                File.WriteAllText(folder.Path("session.py"), string.Join('\n', session));
                continue;
            }

            // What the snippets so far write is there before the commands that read it.
            if (session.Count > 0)
                Python.RunIn(folder.Path(""), folder.Path("session.py"));
            foreach (string line in block.Split('\n').Select(line => line.Split('#')[0].Trim()).Where(line => line.StartsWith("toy ", StringComparison.Ordinal)))
            {
                var (code, _, error) = Toy.Run(folder.Path(""), line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..]);
                Assert.That((code, error), Is.EqualTo((0, "")), line);
                commands++;
            }
        }

        Assert.That((session.Count, commands), Is.EqualTo((7, 9)));
        foreach (string run in new[] { "further", "mine-graph", "mine-script", "mine-weights", "mine-on-samples", "mine-on-folder" })
            Assert.That(File.Exists(folder.Path($"artifacts/{run}/report.html")), Is.True, run);
    }

    [GeneratedRegex(@"^```(python|sh)\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
