using System.Runtime.InteropServices;
using System.Text;
using Google.Protobuf;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Core.Runs;
using ToyPipeline.Export.Onnx;

namespace ToyPipeline.Export;

/// <summary>Writes trained models as ONNX: float32, opset 17, IR version 8, any batch size. The same weights give the same bytes.</summary>
/// <remarks>
/// Input <c>x</c>; outputs <c>reconstruction</c>, <c>hidden</c> and <c>preactivation</c>; initializers named as in the weights file.
/// Metadata properties: <c>kind</c>, <c>instances</c> (JSON), <c>experiment</c> (YAML).
/// </remarks>
public static class ModelWriter
{
    /// <summary>Version of the ONNX operators.</summary>
    public const int Opset = 17;

    /// <summary>Version of the ONNX file format.</summary>
    public const int IrVersion = 8;

    /// <summary>Name of the producer in the file.</summary>
    public const string Producer = "ToyPipeline";

    /// <summary>Name of the free first dimension of the input and the outputs.</summary>
    public const string BatchDimension = "batch";

    // Lengths in protobuf are 32-bit; a mebibyte is left for names, shapes and nodes.
    private const long MaxBytes = int.MaxValue - (1 << 20);

    /// <summary>
    /// Writes one instance as a model of its own: <c>x [batch, features]</c>, <c>reconstruction [batch, features]</c>,
    /// <c>hidden [batch, hidden]</c>, <c>preactivation [batch, features]</c>.
    /// </summary>
    /// <param name="weights">The pack.</param>
    /// <param name="place">Place of the instance in the pack, 0 to instances − 1.</param>
    /// <param name="stream">Where the file's bytes go.</param>
    /// <exception cref="InvalidInputException">The model is too large for one ONNX file.</exception>
    /// <exception cref="ArgumentException">The weights do not have the shape that they state.</exception>
    public static void WriteInstance(EnsembleWeights weights, int place, Stream stream)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(place);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(place, weights.Instances.Count);
        RequireShape(weights);
        int n = weights.Features, m = weights.Hidden;
        var model = Model(weights, ModelLayout.Instance, [weights.Instances[place]], $"instance-{weights.Instances[place].Index:D5}");
        model.Graph.Initializer.Add(Initializer(ModelGraph.Encoder(weights.Kind), [n, m], weights.WOf(place)));
        if (weights.W2 is not null)
            model.Graph.Initializer.Add(Initializer(ModelGraph.Decoder(weights.Kind), [n, m], weights.DecoderOf(place)));
        model.Graph.Initializer.Add(Initializer(ModelGraph.Bias, [n], weights.BOf(place)));
        model.WriteTo(stream);
    }

    /// <summary>
    /// Writes a pack as one model: <c>x [batch, instances, features]</c>, <c>reconstruction [batch, instances, features]</c>,
    /// <c>hidden [batch, instances, hidden]</c>, <c>preactivation [batch, instances, features]</c>.
    /// </summary>
    /// <param name="weights">The pack.</param>
    /// <param name="stream">Where the file's bytes go.</param>
    /// <inheritdoc cref="WriteInstance" path="/exception"/>
    public static void WriteEnsemble(EnsembleWeights weights, Stream stream)
    {
        RequireShape(weights);
        int i = weights.Instances.Count, n = weights.Features, m = weights.Hidden;
        var model = Model(weights, ModelLayout.Ensemble, weights.Instances, "ensemble");
        model.Graph.Initializer.Add(Initializer(ModelGraph.Encoder(weights.Kind), [i, n, m], weights.W));
        if (weights.W2 is not null)
            model.Graph.Initializer.Add(Initializer(ModelGraph.Decoder(weights.Kind), [i, n, m], weights.W2));
        model.Graph.Initializer.Add(Initializer(ModelGraph.Bias, [i, n], weights.B));
        model.WriteTo(stream);
    }

    /// <summary>Writes one instance's file whole or not at all.</summary>
    /// <inheritdoc cref="WriteInstance" path="/exception"/>
    /// <exception cref="EnvironmentFaultException">The file cannot be written.</exception>
    public static void SaveInstance(EnsembleWeights weights, int place, string path) =>
        AtomicFile.Write(path, stream => WriteInstance(weights, place, stream));

    /// <summary>Writes a pack's file whole or not at all.</summary>
    /// <inheritdoc cref="SaveInstance" path="/exception"/>
    public static void SaveEnsemble(EnsembleWeights weights, string path) =>
        AtomicFile.Write(path, stream => WriteEnsemble(weights, stream));

    /// <summary>Refuses a model that protobuf cannot hold.</summary>
    internal static void RequireFits(long values, long metadataBytes, string what)
    {
        Int128 bytes = ((Int128)values * sizeof(float)) + metadataBytes;
        if (bytes > MaxBytes)
        {
            throw new InvalidInputException(
                $"The ONNX model of {what} would have {bytes / 1_000_000} MB, and a file holds at most 2,147 MB: cut the grid into smaller packs, or make the model smaller.");
        }
    }

    private static ModelProto Model(EnsembleWeights weights, ModelLayout layout, IReadOnlyList<Instance> instances, string name)
    {
        long n = weights.Features, m = weights.Hidden;
        string json = InstancesJson.Write(instances);
        RequireFits(
            instances.Count * ((n * m * (weights.W2 is null ? 1 : 2)) + n),
            Encoding.UTF8.GetByteCount(json) + Encoding.UTF8.GetByteCount(weights.Experiment),
            $"{Nouns.Count(instances.Count, "instance")} with {n} features and {m} hidden dimensions");

        long? leading = layout == ModelLayout.Ensemble ? instances.Count : null;
        string kind = ModelGraph.Name(weights.Kind);
        return new ModelProto
        {
            IrVersion = IrVersion,
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = Opset } },
            ProducerName = Producer,
            ProducerVersion = RunFolder.Version,
            DocString = $"Toy model of superposition, kind {kind}: {ModelGraph.Formula(weights.Kind)}. W holds one row per feature.",
            MetadataProps = { Property("kind", kind), Property("instances", json), Property("experiment", weights.Experiment) },
            Graph = new GraphProto
            {
                Name = name,
                Node = { ModelGraph.Nodes(weights.Kind, layout) },
                Input = { Value(ModelGraph.Input, leading, n, "Feature values.") },
                Output =
                {
                    Value(ModelGraph.Reconstruction, leading, n, "The model's output x'."),
                    Value(ModelGraph.Hidden, leading, m, "The hidden vector h."),
                    Value(ModelGraph.Preactivation, leading, n, "W h + b, before the output's nonlinearity."),
                },
            },
        };
    }

    private static StringStringEntryProto Property(string key, string value) => new() { Key = key, Value = value };

    private static ValueInfoProto Value(string name, long? instances, long size, string doc)
    {
        var shape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dimension { DimParam = BatchDimension } } };
        if (instances is { } count)
            shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = count });
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = size });
        var tensor = new TypeProto.Types.Tensor { ElemType = (int)TensorProto.Types.DataType.Float, Shape = shape };
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = tensor }, DocString = doc };
    }

    private static TensorProto Initializer(string name, long[] shape, ReadOnlySpan<float> values) => new()
    {
        Name = name,
        DataType = (int)TensorProto.Types.DataType.Float,
        Dims = { shape },
        RawData = ByteString.CopyFrom(LittleEndian(values)),
    };

    private static ReadOnlySpan<byte> LittleEndian(ReadOnlySpan<float> values)
    {
        if (BitConverter.IsLittleEndian)
            return MemoryMarshal.AsBytes(values);
        int[] words = MemoryMarshal.Cast<float, int>(values).ToArray();
        System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(words, words);
        return MemoryMarshal.AsBytes(words.AsSpan());
    }

    private static void RequireShape(EnsembleWeights weights)
    {
        long i = weights.Instances.Count, n = weights.Features, m = weights.Hidden;
        bool shaped = i > 0 && n > 0 && m > 0 && weights.W.LongLength == i * n * m && weights.B.LongLength == i * n
            && (weights.W2 is not null) == (weights.Kind == ModelKind.AbsoluteValue) && (weights.W2 is null || weights.W2.LongLength == i * n * m);
        if (!shaped)
        {
            throw new ArgumentException(
                $"W has {weights.W.LongLength} values, W2 {weights.W2?.LongLength.ToString() ?? "none"} and b {weights.B.LongLength}; kind {ModelGraph.Name(weights.Kind)} "
                + $"with [instances, features, hidden] = [{i}, {n}, {m}] wants {i * n * m} each{(weights.Kind == ModelKind.AbsoluteValue ? "" : ", no W2")} and {i * n}.",
                nameof(weights));
        }
    }
}
