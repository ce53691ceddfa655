using ToyPipeline.Core;
using ToyPipeline.Core.Formats;
using ToyPipeline.Report.Data;
using ToyPipeline.Report.Page;

namespace ToyPipeline.Report;

/// <summary>The page over all nights: <c>artifacts/nightly/index.html</c>.</summary>
public static class NightIndex
{
    /// <summary>Writes the page from the folder's <c>history.json</c> and returns its path.</summary>
    /// <param name="folder">Folder of the nights.</param>
    /// <exception cref="InvalidInputException">The history is missing or damaged.</exception>
    /// <exception cref="EnvironmentFaultException">The page cannot be written.</exception>
    public static string Write(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var nights = NightHistory.Load(folder).Nights;
        string path = Path.Combine(folder, RunIndex.FileName);
        AtomicFile.WriteText(path, NightPage.Write(nights, run => File.Exists(Path.Combine(folder, run))));
        return path;
    }
}
