using System.IO.Compression;
using System.Resources;
using System.Text.RegularExpressions;

namespace ToyPipeline.Report.Charts.Interactive;

/// <summary>plotly.js as the Plotly.NET package carries it: an embedded resource of its assembly.</summary>
internal static partial class PlotlyLibrary
{
    private static readonly Lazy<(string Version, string Packed)> s_library = new(Read);

    /// <summary>Version of plotly.js.</summary>
    public static string Version => s_library.Value.Version;

    /// <summary>The minified script, gzip in Base64: 1.5 MB instead of 3.6. The page unpacks it.</summary>
    public static string Packed => s_library.Value.Packed;

    private static (string Version, string Packed) Read()
    {
        var assembly = typeof(Plotly.NET.Chart).Assembly;
        var (name, match) = assembly.GetManifestResourceNames().Select(name => (name, match: ResourceName().Match(name))).FirstOrDefault(pair => pair.match.Success);
        if (name is null)
            throw new MissingManifestResourceException($"{assembly.GetName().Name} carries no plotly-*.min.js.");
        using var packed = new MemoryStream();
        using (var script = assembly.GetManifestResourceStream(name)!)
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
            script.CopyTo(gzip);
        return (match.Groups["version"].Value, Convert.ToBase64String(packed.GetBuffer(), 0, (int)packed.Length));
    }

    [GeneratedRegex(@"plotly-(?<version>[\d.]+)\.min\.js$", RegexOptions.CultureInvariant)]
    private static partial Regex ResourceName();
}
