using System.Collections.Concurrent;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace ToyPipeline.Core.Runs;

/// <summary>
/// Digests of the code of stages: what a stage's project and the projects of ours that it rests on were compiled to. Other stages and the command
/// line are not in it, comments neither.
/// </summary>
/// <remarks>
/// The compiler gives each module an id (MVID) that is a digest of all that it wrote, packages' versions included: build/CodeDigest.targets. It is
/// the same in every checkout and on every node.
/// </remarks>
public static class StageCode
{
    /// <summary>Characters of a digest: hexadecimal.</summary>
    public const int Length = 16;

    private const string Own = "ToyPipeline.";

    private static readonly ConcurrentDictionary<Assembly, string> s_digests = new();

    /// <summary>The digest of the code of a stage.</summary>
    /// <param name="stage">A type of its project.</param>
    public static string Of(Type stage)
    {
        ArgumentNullException.ThrowIfNull(stage);
        return s_digests.GetOrAdd(stage.Assembly, assembly => Digest(Assemblies(assembly).Select(own => own.ManifestModule)));
    }

    /// <summary>An assembly and those of ours that it references, and these in turn, by name.</summary>
    internal static IReadOnlyList<Assembly> Assemblies(Assembly assembly)
    {
        var found = new SortedDictionary<string, Assembly>(StringComparer.Ordinal);
        Add(assembly);
        return [.. found.Values];

        void Add(Assembly own)
        {
            if (!found.TryAdd(own.GetName().Name!, own))
                return;
            foreach (var reference in own.GetReferencedAssemblies().Where(reference => reference.Name!.StartsWith(Own, StringComparison.Ordinal)))
                Add(Assembly.Load(reference));
        }
    }

    private static string Digest(IEnumerable<Module> modules) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', modules.Select(module => $"{module.Name} {module.ModuleVersionId}")))))[..Length];
}
