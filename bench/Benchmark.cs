namespace ToyPipeline.Bench;

/// <summary>A benchmark that can be run by its name.</summary>
/// <param name="Name"><c>group/case</c>.</param>
/// <param name="Run">Runs it.</param>
internal sealed record Benchmark(string Name, Func<Harness, IReadOnlyList<Result>> Run);
