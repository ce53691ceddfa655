namespace ToyPipeline.Core.Experiments;

/// <summary>Every key that an experiment file may have, by section. The binder, the axes and the JSON Schema agree on these.</summary>
public static class ExperimentKeys
{
    /// <summary>Keys of each section; <c>""</c> is the top level.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> BySection { get; } = new Dictionary<string, IReadOnlyList<string>>
    {
        [""] = ["name", "title", "description", "seed", "model", "data", "importance", "training", "replicas", "axes", "evaluation", "phase", "branches", "claims"],
        ["model"] = ["kind", "features", "hidden"],
        ["data"] = ["sparsity", "density", "values", "sets", "train"],
        ["data.sets"] = ["correlated", "anticorrelated", "sparsity", "density"],
        ["data.train"] = ["samples"],
        ["importance"] = ["decay", "values"],
        ["training"] = ["objective", "starts", "steps", "batch", "optimizer", "schedule", "history"],
        ["training.optimizer"] = ["kind", "lr", "weight_decay", "beta1", "beta2", "eps", "momentum"],
        ["training.history"] = ["loss_every", "snapshots", "spacing"],
        ["axes"] = ["path", "values", "log", "linear"],
        ["evaluation"] = ["samples", "interference", "probes", "adversarial", "dynamics", "pca"],
        ["evaluation.probes"] = ["samples"],
        ["evaluation.adversarial"] = ["epsilon", "samples", "steps", "restarts", "random"],
        ["evaluation.dynamics"] = ["samples", "jump", "drop"],
        ["phase"] = ["feature"],
        ["branches"] = ["axis", "from"],
        ["claims"] = ["at", "measure", "equals", "between", "at_least", "at_most", "monotone", "plateau", "correlates", "along", "tolerance"],
        ["claims.plateau"] = ["at", "tolerance", "share", "cells"],
        ["claims.correlates"] = ["with", "at_least", "at_most", "rank"],
    };

    private static readonly string[] s_axisSections = ["model", "data", "importance", "training", "training.optimizer"];
    private static readonly string[] s_notOnAxis = ["data.sets", "data.train", "training.optimizer", "training.history", "training.starts"];

    /// <summary>Settings that an axis may vary.</summary>
    public static IReadOnlyList<string> AxisPaths { get; } =
        [.. s_axisSections.SelectMany(section => BySection[section].Select(key => $"{section}.{key}")).Except(s_notOnAxis)];

    /// <summary>The known name closest to a misspelt one, or null where nothing is close.</summary>
    public static string? Closest(string name, IEnumerable<string> known)
    {
        var best = known.Select(candidate => (candidate, distance: EditDistance(name, candidate))).MinBy(pair => pair.distance);
        return best.candidate is not null && best.distance <= Math.Max(1, best.candidate.Length / 3) ? best.candidate : null;
    }

    private static int EditDistance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, 1 + Math.Min(row[j], row[j - 1]));
            }
        }

        return row[^1];
    }
}
