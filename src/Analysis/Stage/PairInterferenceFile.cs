using System.Text.Json;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Analysis.Stage;

/// <summary>
/// <c>analysis/interference-NNNNN.safetensors</c>: what each input contributes to each output's preactivation, of the best instance of every
/// cell with models of one shape. Written cell by cell: one cell's matrices are in memory.
/// </summary>
/// <remarks>
/// Tensors: <c>mean</c>, <c>rms</c> and <c>worst</c>, each <c>[cells, features, features]</c>, row i the output, 0 on the diagonal.
/// Metadata: <c>format</c>, <c>kind</c>, <c>cells</c> (JSON: index of each cell, in the order of the leading axis).
/// </remarks>
internal sealed class PairInterferenceFile(string path, ModelSpec model, int[] cells)
{
    private readonly Dictionary<int, int> _placeOf = cells.Select((cell, place) => (cell, place)).ToDictionary(pair => pair.cell, pair => pair.place);
    private SafetensorsWriter? _writer;

    /// <summary>Path relative to the run folder.</summary>
    public string Path { get; } = path;

    public ModelSpec Model { get; } = model;

    public void Open(Stream stream)
    {
        int[] shape = [cells.Length, Model.Features, Model.Features];
        var metadata = new Dictionary<string, string>
        {
            ["format"] = "toypipeline-interference-1",
            ["kind"] = JsonNamingPolicy.KebabCaseLower.ConvertName(Model.Kind.ToString()),
            ["cells"] = JsonSerializer.Serialize(cells),
        };
        _writer = new SafetensorsWriter(stream, [("mean", shape), ("rms", shape), ("worst", shape)], metadata);
    }

    public void Add(int cell, (float[] Mean, float[] RootMeanSquare, float[] Worst) pairs)
    {
        int place = _placeOf[cell];
        _writer!.Write("mean", place, pairs.Mean);
        _writer.Write("rms", place, pairs.RootMeanSquare);
        _writer.Write("worst", place, pairs.Worst);
    }

    public void Complete() => _writer!.Complete();
}
