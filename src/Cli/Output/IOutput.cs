using ToyPipeline.Analysis.Claims;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Runs;

namespace ToyPipeline.Cli.Output;

/// <summary>Where the command tells what it does: a terminal, plain lines, or JSON for machines.</summary>
internal interface IOutput : IDisposable
{
    /// <summary>A run begins.</summary>
    void Start(Experiment experiment, string folder);

    /// <summary>Runs a stage and shows how far it is.</summary>
    void Stage(string name, Func<Action<StageProgress>, StageOutcome> work);

    /// <summary>Something to know, in one sentence; a stage may be on its way.</summary>
    void Note(string sentence);

    /// <summary>The claims with what was measured.</summary>
    void Claims(IReadOnlyList<ClaimResult> claims);

    /// <summary>Where the report is.</summary>
    void Report(string path);

    /// <summary>A table of texts.</summary>
    void Table(string name, IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows);

    /// <summary>What went wrong, in one sentence.</summary>
    void Error(string sentence, string? details);
}
