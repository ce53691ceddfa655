namespace ToyPipeline.Report.Tests;

/// <summary>Runs of other shapes than the introduction's.</summary>
internal static class SampleRuns
{
    /// <summary>A tetrahedron and an octahedron in three dimensions.</summary>
    public static SyntheticRun Solids() => new(
        """
        name: solids
        title: Solids
        model: { kind: relu-output, features: 6, hidden: 3 }
        replicas: 4
        axes:
          - { path: data.sparsity, values: [0.8, 0.95] }
        """,
        (cell, _) => cell.Index == 0
            ? [[0.57, 0.57, 0.57], [0.57, -0.57, -0.57], [-0.57, 0.57, -0.57], [-0.57, -0.57, 0.57], [0.01, 0, 0], [0, 0.02, 0]]
            : [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]);

    /// <summary>Two features in one dimension.</summary>
    public static SyntheticRun Line() => new(
        """
        name: line
        title: Two features in one dimension
        model: { kind: relu-output, features: 2, hidden: 1 }
        importance: { values: [1, 2] }
        replicas: 2
        axes:
          - { path: data.density, values: [1, 0.1] }
        """,
        (cell, _) => cell.Index == 0 ? [[0.0], [1.0]] : [[-0.95], [1.0]]);

    /// <summary>Many features, more hidden dimensions than can be drawn, seven sparsities.</summary>
    public static SyntheticRun Larger(int features = 80, int hidden = 20, bool history = true) => new(
        $$"""
        name: larger
        title: Larger
        model: { kind: relu-output, features: {{features}}, hidden: {{hidden}} }
        importance: { decay: 0.9 }
        replicas: 2
        axes:
          - { path: data.density, values: [1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001] }
        """,
        (cell, _) => [.. Enumerable.Range(0, features).Select(i => Enumerable.Range(0, hidden)
            .Select(k => i % hidden == k ? (i < hidden * (1 + (cell.Index / 2)) ? (i / hidden % 2 == 0 ? 1 : -1) * (1 - (0.1 * (i / hidden))) : 0.0) : 0.05 * Math.Sin(i + (3 * k))).ToArray())],
        history);
}
