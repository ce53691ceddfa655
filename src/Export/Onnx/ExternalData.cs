using System.Globalization;
using Google.Protobuf;
using ToyPipeline.Core;

namespace ToyPipeline.Export.Onnx;

/// <summary>Brings values that lie beside a model's file into it, as PyTorch's newer exporter leaves them (<c>model.onnx.data</c>).</summary>
/// <remarks>Only files in the model's own folder are opened, by name; links that lead out of it are not followed.</remarks>
internal static class ExternalData
{
    /// <summary>Replaces every reference of the main graph to another file by the values.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">Path of its file.</param>
    /// <exception cref="InvalidInputException">A reference leads out of the folder, or to bytes that are not there.</exception>
    public static void BringIn(ModelProto model, string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        long total = 0;
        foreach (var tensor in model.Graph?.Initializer ?? [])
        {
            if (tensor.DataLocation != TensorProto.Types.DataLocation.External)
                continue;
            BringIn(tensor, folder, path);
            // Many references may name the same bytes.
            if ((total += tensor.RawData.Length) > Array.MaxLength)
                throw new InvalidInputException($"{path} cannot be read as a toy model: the values beside it have more than {Array.MaxLength} bytes; make the model smaller.");
        }
    }

    /// <summary>Whether anything still lies outside the model, at any depth: tensors of attributes, of graphs within the graph, of functions.</summary>
    public static bool Remains(ModelProto model) =>
        (model.Graph is { } graph && Remains(graph)) || model.Functions.Any(function => function.Node.Any(Remains) || function.AttributeProto.Any(Remains));

    private static bool Remains(GraphProto graph) => graph.SparseInitializer.Count > 0 || graph.Initializer.Any(Remains) || graph.Node.Any(Remains);

    private static bool Remains(NodeProto node) => node.Attribute.Any(Remains);

    private static bool Remains(AttributeProto attribute) =>
        (attribute.T is { } tensor && Remains(tensor)) || attribute.Tensors.Any(Remains) || (attribute.G is { } graph && Remains(graph))
        || attribute.Graphs.Any(Remains) || attribute.SparseTensor is not null || attribute.SparseTensors.Count > 0;

    private static bool Remains(TensorProto tensor) => tensor.DataLocation != TensorProto.Types.DataLocation.Default || tensor.ExternalData.Count > 0;

    private static void BringIn(TensorProto tensor, string folder, string path)
    {
        InvalidInputException Error(string what) => new(
            $"{path} cannot be read as a toy model: the values of {Shown.Name(tensor.Name)} {what}; keep the file beside the model, or save it with the weights inside.");
        var entries = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in tensor.ExternalData)
        {
            if (!entries.TryAdd(entry.Key, entry.Value))
                throw Error($"have {Shown.Name(entry.Key)} twice in their reference");
        }

        string location = entries.GetValueOrDefault("location", "");
        if (location.Length == 0 || location is "." or ".." || location.AsSpan().IndexOfAny('/', '\\', ':') >= 0 || location.Any(char.IsControl))
            throw Error($"lie in {Shown.Name(location)}, and only a file of the same folder is opened");
        if (TensorReader.Width((TensorProto.Types.DataType)tensor.DataType) is not { } width)
            throw Error($"have ONNX data type {tensor.DataType}, which is not read");
        var file = new FileInfo(Path.Combine(folder, location));
        if (!file.Exists || file.LinkTarget is not null)
            throw Error(file.Exists ? $"lie behind a link, {Shown.Name(location)}, which is not followed" : $"lie in {Shown.Name(location)}, which is not there");
        Int128 wanted = width;
        foreach (long size in tensor.Dims)
        {
            wanted *= size;
            if (size is < 0 or > int.MaxValue || wanted > Array.MaxLength)
                throw Error($"claim the shape [{Shown.Sizes(tensor.Dims)}]");
        }

        long offset = Number("offset", 0), length = Number("length", (long)wanted);
        if (length != wanted || offset > file.Length - length)
            throw Error($"of shape [{Shown.Sizes(tensor.Dims)}] want {wanted} bytes and have {length} from byte {offset} of the {file.Length} of {Shown.Name(location)}");
        byte[] bytes = new byte[length];
        using (var stream = file.OpenRead())
        {
            stream.Position = offset;
            stream.ReadExactly(bytes);
        }

        tensor.RawData = UnsafeByteOperations.UnsafeWrap(bytes);
        tensor.ExternalData.Clear();
        tensor.ClearDataLocation();

        long Number(string key, long otherwise) =>
            !entries.TryGetValue(key, out string? text) ? otherwise
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number
            : throw Error($"have the {key} {Shown.Name(text)}");
    }
}
