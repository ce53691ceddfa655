using System.Text.RegularExpressions;

namespace ToyPipeline.Sweeps.Nights;

/// <summary>Names of the nights' folders: a date, from the second of a date on with its turn.</summary>
internal static partial class NightFolder
{
    /// <summary>Whether a name is that of a night's folder.</summary>
    public static bool IsName(string name) => Pattern().IsMatch(name);

    [GeneratedRegex(@"^\d{4}-\d\d-\d\d(-\d+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
