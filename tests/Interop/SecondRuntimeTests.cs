using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export;

namespace ToyPipeline.Interop;

/// <summary>Exported models in a runtime that is not ours: onnxruntime-web under Node.</summary>
[Category("Interop")]
public class SecondRuntimeTests
{
    private static readonly string s_modules =
        Environment.GetEnvironmentVariable("TOY_NODE_MODULES") is { Length: > 0 } chosen ? chosen : Repository.Path(".build/node/node_modules");

    [Test]
    public void Models_give_the_formulas_in_the_browsers_runtime()
    {
        if (!Directory.Exists(Path.Combine(s_modules, "onnxruntime-web")))
            Assert.Ignore("onnxruntime-web is not installed: copy tests/Interop/node/package.json to .build/node and run npm install --ignore-scripts there, or name the folder in TOY_NODE_MODULES.");
        using var folder = new TemporaryFolder();
        var random = new Random(5);
        var requests = new List<(EnsembleWeights Weights, bool Ensemble, string Model, float[] X)>();
        foreach (var kind in Enum.GetValues<ModelKind>())
        {
            foreach (bool ensemble in new[] { false, true })
            {
                var weights = ModelInteropTests.Weights(kind);
                string path = folder.Path($"{kind}-{ensemble}.onnx");
                if (ensemble)
                    ModelWriter.SaveEnsemble(weights, path);
                else
                    ModelWriter.SaveInstance(weights, 1, path);
                int size = weights.Features * (ensemble ? weights.Instances.Count : 1);
                requests.Add((weights, ensemble, path, [.. Enumerable.Range(0, 4 * size).Select(_ => (random.NextSingle() * 2) - 1)]));
            }
        }

        File.WriteAllText(folder.Path("requests.json"), JsonSerializer.Serialize(requests.Select(request => new
        {
            model = request.Model,
            x = request.X,
            shape = request.Ensemble ? new[] { 4, request.Weights.Instances.Count, request.Weights.Features } : [4, request.Weights.Features],
        })));
        var results = JsonNode.Parse(Node("evaluate_model.cjs", s_modules, folder.Path("requests.json")))!.AsArray();
        Assert.That(results, Has.Count.EqualTo(requests.Count));
        Assert.Multiple(() =>
        {
            for (int i = 0; i < requests.Count; i++)
            {
                var (weights, ensemble, model, x) = requests[i];
                var (hidden, reconstruction) = Expected(weights, ensemble, x);
                Assert.That(Numbers(results[i]!["hidden"]!), Is.EqualTo(hidden).Within(1e-6), model);
                Assert.That(Numbers(results[i]!["reconstruction"]!), Is.EqualTo(reconstruction).Within(1e-6), model);
            }
        });
    }

    // The formulas of the kinds, sample by sample and instance by instance.
    private static (List<double> Hidden, List<double> Reconstruction) Expected(EnsembleWeights weights, bool ensemble, float[] x)
    {
        var (n, m) = (weights.Features, weights.Hidden);
        List<double> hidden = [], reconstruction = [];
        int[] places = ensemble ? [.. Enumerable.Range(0, weights.Instances.Count)] : [1];
        for (int at = 0, row = 0; at < x.Length; at += n, row++)
        {
            int place = places[row % places.Length];
            double[] h = new double[m];
            for (int k = 0; k < m; k++)
            {
                for (int i = 0; i < n; i++)
                    h[k] += (double)weights.WOf(place)[(i * m) + k] * x[at + i];
                if (weights.Kind is ModelKind.ReluHidden or ModelKind.AbsoluteValue)
                    h[k] = Math.Max(h[k], 0);
            }

            hidden.AddRange(h);
            for (int i = 0; i < n; i++)
            {
                double z = weights.BOf(place)[i];
                for (int k = 0; k < m; k++)
                    z += weights.DecoderOf(place)[(i * m) + k] * h[k];
                reconstruction.Add(weights.Kind == ModelKind.Linear ? z : Math.Max(z, 0));
            }
        }

        return (hidden, reconstruction);
    }

    private static string Node(string script, params string[] args)
    {
        try
        {
            var start = new ProcessStartInfo("node", [Path.Combine(AppContext.BaseDirectory, "node", script), .. args]) { RedirectStandardOutput = true, RedirectStandardError = true };
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.Zero, error.Result);
            return output;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            Assert.Ignore($"node does not start ({e.Message}): install Node.js.");
            return "";
        }
    }

    private static IEnumerable<double> Numbers(JsonNode array) => array.AsArray().Select(value => (double)value!);
}
