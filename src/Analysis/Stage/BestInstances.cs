using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Stage;

/// <summary>Writes the best instance of each cell to <c>analysis/best-NNNNN.safetensors</c>: files of one model shape each, and of bounded size.</summary>
/// <remarks>
/// Tensors: <c>G [cells, features, features]</c>, <c>W [cells, features, hidden]</c> (W1 and W2 of the absolute-value model) and
/// <c>b [cells, features]</c>. Metadata: <c>format</c>, <c>kind</c>, <c>instances</c>. What was written goes away again unless <see cref="Finish"/> is reached.
/// </remarks>
internal sealed class BestInstances(string root) : IDisposable
{
    /// <summary>Cells of a file: those of a pack.</summary>
    private const int MaxCells = Grid.DefaultPackSize;

    /// <summary>Values of G in a file: 64 MB.</summary>
    private const int MaxValues = 1 << 24;

    private readonly List<string> _files = [];
    private readonly List<Instance> _instances = [];
    private readonly List<float> _g = [];
    private readonly List<float> _w = [];
    private readonly List<float> _w2 = [];
    private readonly List<float> _b = [];
    private ModelSpec? _model;
    private bool _finished;

    public void Add(InstanceAnalysis best)
    {
        if (_instances.Count > 0 && (best.Spec.Model != _model || _instances.Count == MaxCells || _g.Count + best.Weights.G.Count > MaxValues))
            Save(_model!);
        _model = best.Spec.Model;
        _instances.Add(best.Instance);
        _g.AddRange(best.Weights.G.Select(value => (float)value));
        _w.AddRange(best.Pack.WOf(best.Place));
        if (best.Pack.W2 is not null)
            _w2.AddRange(best.Pack.DecoderOf(best.Place));
        _b.AddRange(best.Pack.BOf(best.Place));
    }

    /// <summary>Writes what is left, and returns the paths of all files relative to the root.</summary>
    public IReadOnlyList<string> Finish()
    {
        if (_instances.Count > 0)
            Save(_model!);
        _finished = true;
        return _files;
    }

    public void Dispose()
    {
        foreach (string file in _finished ? [] : _files)
            File.Delete(Path.Combine(root, file));
    }

    private void Save(ModelSpec model)
    {
        string file = $"analysis/best-{_files.Count:D5}.safetensors";
        int cells = _instances.Count;
        var tensors = new Dictionary<string, Tensor> { ["G"] = new([cells, model.Features, model.Features], [.. _g]) };
        int[] sizes = [cells, model.Features, model.Hidden];
        bool tied = model.Kind != ModelKind.AbsoluteValue;
        tensors[tied ? "W" : "W1"] = new(sizes, [.. _w]);
        if (!tied)
            tensors["W2"] = new(sizes, [.. _w2]);
        tensors["b"] = new([cells, model.Features], [.. _b]);
        var metadata = new Dictionary<string, string>
        {
            ["format"] = "toypipeline-best-1",
            ["kind"] = System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(model.Kind.ToString()),
            ["instances"] = InstancesJson.Write(_instances),
        };
        new Safetensors { Tensors = tensors, Metadata = metadata }.Save(Path.Combine(root, file));
        _files.Add(file);
        _instances.Clear();
        foreach (var values in (List<float>[])[_g, _w, _w2, _b])
            values.Clear();
    }
}
