namespace ToyPipeline.Core.Runs;

/// <summary>How far a stage is.</summary>
/// <param name="Stage">Name of the stage.</param>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in all.</param>
/// <param name="Unit">What is counted, for example <c>samples</c> or <c>steps</c>.</param>
public readonly record struct StageProgress(string Stage, double Done, double Total, string Unit);
