using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Stage;

/// <summary>Collects the best instance of each cell and writes <c>analysis/best-NNNNN.safetensors</c>, one file per model shape.</summary>
/// <remarks>
/// Tensors: <c>G [cells, features, features]</c>, <c>W [cells, features, hidden]</c> (W1 and W2 of the absolute-value model) and
/// <c>b [cells, features]</c>. Metadata: <c>format</c>, <c>kind</c>, <c>instances</c>.
/// </remarks>
internal sealed class BestInstances
{
    private readonly Dictionary<ModelSpec, Shape> _shapes = [];

    public void Add(InstanceAnalysis best)
    {
        if (!_shapes.TryGetValue(best.Spec.Model, out var shape))
            _shapes[best.Spec.Model] = shape = new Shape();
        shape.Instances.Add(best.Instance);
        shape.G.AddRange(best.Weights.G.Select(value => (float)value));
        shape.W.AddRange(best.Pack.WOf(best.Place));
        if (best.Pack.W2 is not null)
            shape.W2.AddRange(best.Pack.DecoderOf(best.Place));
        shape.B.AddRange(best.Pack.BOf(best.Place));
    }

    /// <summary>Writes the files below <paramref name="root"/> and returns their paths relative to it.</summary>
    public IReadOnlyList<string> Save(string root)
    {
        var files = new List<string>();
        foreach (var (model, shape) in _shapes)
        {
            string file = $"analysis/best-{files.Count:D5}.safetensors";
            int cells = shape.Instances.Count;
            var tensors = new Dictionary<string, Tensor> { ["G"] = new([cells, model.Features, model.Features], [.. shape.G]) };
            int[] sizes = [cells, model.Features, model.Hidden];
            bool tied = model.Kind != ModelKind.AbsoluteValue;
            tensors[tied ? "W" : "W1"] = new(sizes, [.. shape.W]);
            if (!tied)
                tensors["W2"] = new(sizes, [.. shape.W2]);
            tensors["b"] = new([cells, model.Features], [.. shape.B]);
            var metadata = new Dictionary<string, string>
            {
                ["format"] = "toypipeline-best-1",
                ["kind"] = System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(model.Kind.ToString()),
                ["instances"] = InstancesJson.Write(shape.Instances),
            };
            new Safetensors { Tensors = tensors, Metadata = metadata }.Save(Path.Combine(root, file));
            files.Add(file);
        }

        return files;
    }

    private sealed class Shape
    {
        public List<Instance> Instances { get; } = [];

        public List<float> G { get; } = [];

        public List<float> W { get; } = [];

        public List<float> W2 { get; } = [];

        public List<float> B { get; } = [];
    }
}
