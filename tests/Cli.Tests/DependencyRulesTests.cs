using System.Xml.Linq;

namespace ToyPipeline.Cli.Tests;

/// <summary>Arrows point one way: Core knows nothing, Cli knows all, stages meet in files. Read from the project files.</summary>
public sealed class DependencyRulesTests
{
    private static readonly string[] TorchSharp = ["TorchSharp", "libtorch"];
    private static readonly string[] MlNet = ["Microsoft.ML"]; // ONNX Runtime's packages too: Microsoft.ML.OnnxRuntime

    /// <summary>For each project under src/: the projects it may reference, and beginnings of package names that it must not.</summary>
    private static readonly Dictionary<string, (string[] Projects, string[][] Forbidden)> Rules = new()
    {
        ["Core"] = ([], [TorchSharp, MlNet]),
        ["DataGen"] = (["Core"], [TorchSharp]),
        ["Training"] = (["Core", "DataGen"], []),
        ["Export"] = (["Core"], [TorchSharp, MlNet]),
        ["Analysis"] = (["Core"], [TorchSharp]),
        ["Report"] = (["Core"], [TorchSharp]),
        ["Sweeps"] = (["Core"], [TorchSharp]),
        ["Cli"] = (["Core", "DataGen", "Training", "Export", "Analysis", "Report", "Sweeps"], [TorchSharp]),
    };

    private static readonly string Root = Repository.Root;

    private static IEnumerable<string> Projects => Directory.EnumerateDirectories(Path.Combine(Root, "src")).Select(folder => Path.GetFileName(folder)).Order();

    [Test]
    public void Every_folder_of_src_has_its_rule_and_one_project_of_its_name()
    {
        Assert.That(Projects, Is.SubsetOf(Rules.Keys));
        foreach (string project in Projects)
            Assert.That(Directory.GetFiles(Path.Combine(Root, "src", project), "*.csproj").Select(Path.GetFileName), Is.EqualTo(new[] { project + ".csproj" }));
    }

    [TestCaseSource(nameof(Projects))]
    public void A_project_references_only_what_its_rule_allows(string project)
    {
        (string[] allowed, string[][] forbidden) = Rules[project];
        Assert.Multiple(() =>
        {
            Assert.That(ProjectReferences(project), Is.SubsetOf(allowed));
            foreach (string package in PackageReferences(project))
                Assert.That(forbidden.SelectMany(names => names).Where(name => package.StartsWith(name, StringComparison.OrdinalIgnoreCase)), Is.Empty, package);
        });
    }

    [TestCaseSource(nameof(Projects))]
    public void Everything_rests_on_Core(string project)
    {
        if (project != "Core")
            Assert.That(ProjectReferences(project), Does.Contain("Core"));
    }

    [Test]
    public void Cli_sees_all() => Assert.That(ProjectReferences("Cli"), Is.EquivalentTo(Projects.Except(["Cli"])));

    [Test]
    public void Only_Training_references_TorchSharp() =>
        Assert.That(Projects.Where(p => PackageReferences(p).Any(package => package.StartsWith("TorchSharp", StringComparison.Ordinal))), Is.EqualTo(new[] { "Training" }));

    [Test]
    public void Every_project_is_in_the_solution()
    {
        string solution = File.ReadAllText(Path.Combine(Root, "ToyPipeline.sln")).Replace('\\', '/');
        foreach (string folder in new[] { "src", "tests", "bench" }.Select(name => Path.Combine(Root, name)).Where(Directory.Exists))
            foreach (string file in Directory.EnumerateFiles(folder, "*.csproj", SearchOption.AllDirectories))
                Assert.That(solution, Does.Contain(Path.GetRelativePath(Root, file).Replace('\\', '/')));
    }

    private static string[] ProjectReferences(string project) =>
        [.. References(project, "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/')))];

    private static string[] PackageReferences(string project) => [.. References(project, "PackageReference")];

    private static IEnumerable<string> References(string project, string kind) =>
        XDocument.Load(Path.Combine(Root, "src", project, project + ".csproj")).Descendants(kind).Select(e => e.Attribute("Include")!.Value);
}
