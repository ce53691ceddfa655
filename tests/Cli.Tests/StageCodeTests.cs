using System.Diagnostics;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Cli.Tests;

/// <summary>The digest of a stage's code: of whose code it is, and that it is of nothing else.</summary>
public sealed class StageCodeTests
{
    private static readonly Dictionary<Type, string[]> s_stages = new()
    {
        [typeof(DataGen.GenerateStage)] = ["Core", "DataGen"],
        [typeof(Training.TrainStage)] = ["Core", "DataGen", "Training"],
        [typeof(Export.ExportStage)] = ["Core", "Export"],
        [typeof(Export.Import.ImportStage)] = ["Core", "Export"],
        [typeof(Analysis.AnalyzeStage)] = ["Analysis", "Core"],
        [typeof(Analysis.Outputs.OutputsStage)] = ["Analysis", "Core"],
        [typeof(Report.ReportStage)] = ["Core", "Report"],
    };

    private static IEnumerable<Type> Stages => s_stages.Keys;

    private static IEnumerable<string> Assemblies => s_stages.Keys.Select(stage => stage.Assembly.Location).Append(typeof(RunFolder).Assembly.Location).Distinct();

    [TestCaseSource(nameof(Stages))]
    public void A_stage_is_its_project_and_those_that_it_rests_on(Type stage) =>
        Assert.That(StageCode.Assemblies(stage.Assembly).Select(assembly => assembly.GetName().Name), Is.EqualTo(s_stages[stage].Select(project => $"ToyPipeline.{project}")));

    [Test]
    public void Stages_of_one_project_have_one_digest_and_others_another()
    {
        Assert.That(Stages.Select(StageCode.Of), Has.All.Matches("^[0-9a-f]{16}$"));
        Assert.That(Stages.Select(StageCode.Of).Distinct().Count(), Is.EqualTo(5));
        Assert.That(StageCode.Of(typeof(Export.ExportStage)), Is.EqualTo(StageCode.Of(typeof(Export.Import.ImportStage))));
    }

    [Test]
    public void An_assembly_says_which_packages_it_runs_with()
    {
        string packages = Packages(typeof(Training.TrainStage));
        Assert.That(packages, Does.Match(@"(^| )TorchSharp/\d[^ ]*( |$)").And.Match(@"(^| )libtorch-cpu-[^ ]+/\d[^ ]*( |$)"));
        Assert.That(Packages(typeof(Analysis.AnalyzeStage)), Does.Match(@"(^| )Microsoft\.ML\.OnnxRuntime/\d"));
        Assert.That(Packages(typeof(RunFolder)), Does.Not.Contain("TorchSharp"));

        static string Packages(Type type) => System.Reflection.CustomAttributeExtensions.GetCustomAttributes<System.Reflection.AssemblyMetadataAttribute>(type.Assembly)
            .Single(attribute => attribute.Key == "Packages").Value!;
    }

    // The compiler's digest of an assembly covers all that is in it.
    [TestCaseSource(nameof(Assemblies))]
    public void An_assembly_knows_nothing_of_the_folder_that_it_was_built_in(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        foreach (var encoding in new[] { Encoding.UTF8, Encoding.Unicode })
            Assert.That(bytes.AsSpan().IndexOf(encoding.GetBytes(Repository.Root)), Is.Negative);
        using var image = new PEReader(File.OpenRead(path));
        var symbols = image.ReadDebugDirectory().Where(entry => entry.Type == DebugDirectoryEntryType.EmbeddedPortablePdb).ToList();
#if !DEBUG
        Assert.That(symbols, Is.Empty, "a changed comment is no change of code");
#endif
        foreach (var entry in symbols)
        {
            using var provider = image.ReadEmbeddedPortablePdbDebugDirectoryData(entry);
            var reader = provider.GetMetadataReader();
            Assert.That(reader.Documents.Select(document => reader.GetString(reader.GetDocument(document).Name)), Has.None.StartsWith(Repository.Root));
        }
    }

    [Test, Category("Slow")]
    public void Two_checkouts_build_the_same_assembly_until_a_line_changes()
    {
        using var one = new Checkout();
        using var other = new Checkout();
        byte[] built = one.Build();
        Assert.That(other.Build(), Is.EqualTo(built));

        string source = Path.Combine(other.Folder, "src", "Core", "Runs", "StageProgress.cs");
        File.WriteAllText(source, "// One more comment.\n\n" + File.ReadAllText(source));
        Assert.That(other.Build(), Is.EqualTo(built), "a comment is no code");
        File.WriteAllText(source, File.ReadAllText(source) + "\ninternal static class Added;\n");
        Assert.That(other.Build(), Is.Not.EqualTo(built));
    }

    // What src/Core is built from, in a folder of its own.
    private sealed class Checkout : IDisposable
    {
        public Checkout()
        {
            foreach (string file in Directory.GetFiles(Repository.Root, "Directory.*").Concat(new[] { "global.json", ".editorconfig" }.Select(name => Path.Combine(Repository.Root, name))))
                Copy(file);
            foreach (string folder in new[] { "build", Path.Combine("src", "Core") })
            {
                foreach (string file in Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*", SearchOption.AllDirectories))
                    Copy(file);
            }
        }

        public string Folder { get; } = Directory.CreateTempSubdirectory("toy-checkout-").FullName;

        public byte[] Build()
        {
            string[] arguments = ["build", Path.Combine(Folder, "src", "Core"), "--configuration", "Release", "--nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false"];
            using var process = Process.Start(new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = Folder, RedirectStandardOutput = true })!;
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.Zero, output);
            return File.ReadAllBytes(Path.Combine(Folder, ".build", "bin", "Core", "release", "ToyPipeline.Core.dll"));
        }

        public void Dispose() => Directory.Delete(Folder, recursive: true);

        private void Copy(string file)
        {
            string target = Path.Combine(Folder, Path.GetRelativePath(Repository.Root, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
