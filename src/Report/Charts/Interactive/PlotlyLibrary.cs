using System.Resources;
using System.Text.RegularExpressions;

namespace ToyPipeline.Report.Charts.Interactive;

/// <summary>plotly.js as the Plotly.NET package carries it: an embedded resource of its assembly.</summary>
internal static partial class PlotlyLibrary
{
    private static readonly Lazy<(string Version, string Script)> s_library = new(Read);

    /// <summary>Version of plotly.js.</summary>
    public static string Version => s_library.Value.Version;

    /// <summary>The minified script, safe inside a <c>script</c> element.</summary>
    public static string Script => s_library.Value.Script;

    private static (string Version, string Script) Read()
    {
        var assembly = typeof(Plotly.NET.Chart).Assembly;
        var (name, match) = assembly.GetManifestResourceNames().Select(name => (name, match: ResourceName().Match(name))).FirstOrDefault(pair => pair.match.Success);
        if (name is null)
            throw new MissingManifestResourceException($"{assembly.GetName().Name} carries no plotly-*.min.js.");
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        // The end of a script element may stand in a string of the script, where \/ means / too.
        return (match.Groups["version"].Value, reader.ReadToEnd().Replace("</script", "<\\/script", StringComparison.OrdinalIgnoreCase));
    }

    [GeneratedRegex(@"plotly-(?<version>[\d.]+)\.min\.js$", RegexOptions.CultureInvariant)]
    private static partial Regex ResourceName();
}
