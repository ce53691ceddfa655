namespace ToyPipeline.Core.Runs;

/// <summary>How far a stage is.</summary>
/// <param name="Stage">Name of the stage.</param>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in all.</param>
/// <param name="Unit">What is counted, for example <c>samples</c> or <c>steps</c>.</param>
public readonly record struct StageProgress(string Stage, double Done, double Total, string Unit)
{
    /// <summary>Units that an earlier command did: they say nothing of how fast this one is.</summary>
    public double Before { get; init; }

    /// <summary>What else there is to say, for example <c>12 of 300 cells</c>; empty for nothing.</summary>
    public string Note { get; init; } = "";
}
