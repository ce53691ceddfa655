using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using ToyPipeline.Core;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>One output of a model.</summary>
/// <param name="Name">Its name, for example <c>reconstruction</c>.</param>
/// <param name="Shape">Sizes behind the batch axis: [features] or [instances, features].</param>
internal sealed record ModelOutput(string Name, IReadOnlyList<int> Shape)
{
    /// <summary>Number of values a sample has.</summary>
    public int Size { get; } = Shape.Aggregate(1, (product, size) => checked(product * size));
}

/// <summary>
/// An exported model in ONNX Runtime, with its shapes checked: input <c>x [batch, features]</c>, or <c>x [batch, instances, features]</c>
/// of an ensemble. Safe to use from several threads; buffers belong to <see cref="BatchScorer"/>.
/// </summary>
internal sealed class ToyModelSession : IDisposable
{
    private readonly InferenceSession _session;

    private ToyModelSession(InferenceSession session, string name)
    {
        _session = session;
        var inputs = session.InputMetadata;
        if (inputs.Count != 1)
            throw Wrong(name, $"has {inputs.Count} inputs ({string.Join(", ", inputs.Keys)}) where one, x, is expected");
        (InputName, var input) = inputs.First();
        int[] shape = input.Dimensions;
        if (input.ElementDataType != TensorElementType.Float || shape.Length is not (2 or 3) || shape[0] > 0 || shape.Skip(1).Any(size => size < 1))
            throw Wrong(name, $"takes {InputName} [{string.Join(", ", shape)}] of {input.ElementDataType} where float [batch, features] or [batch, instances, features] is expected");
        Features = shape[^1];
        Instances = shape.Length == 3 ? shape[1] : null;
        var outputs = new List<ModelOutput>();
        foreach (var (output, metadata) in session.OutputMetadata)
        {
            int[] sizes = metadata.Dimensions;
            if (metadata.ElementDataType == TensorElementType.Float && sizes.Length > 1 && sizes[0] < 1 && sizes.Skip(1).All(size => size > 0))
                outputs.Add(new ModelOutput(output, sizes[1..]));
        }

        Outputs = outputs.Count > 0 ? outputs : throw Wrong(name, "has no float output [batch, ...] of known size");
        Name = name;
    }

    /// <summary>What errors call the model.</summary>
    public string Name { get; }

    public string InputName { get; }

    /// <summary>n, the length of a sample.</summary>
    public int Features { get; }

    /// <summary>Number of instances of an ensemble; null of a single model.</summary>
    public int? Instances { get; }

    /// <summary>Values that one sample takes in the input: n, or instances · n.</summary>
    public int InputSize => Features * (Instances ?? 1);

    /// <summary>The float outputs, in the order of the model.</summary>
    public IReadOnlyList<ModelOutput> Outputs { get; }

    /// <summary>Opens a model file.</summary>
    /// <param name="path">The <c>.onnx</c> file.</param>
    /// <param name="threads">Threads within one run; 0 lets ONNX Runtime decide.</param>
    /// <exception cref="InvalidInputException">The file is missing, no ONNX model, or one of other shapes.</exception>
    public static ToyModelSession Open(string path, int threads)
    {
        if (!File.Exists(path))
            throw new InvalidInputException($"{path} does not exist: export the models first.");
        return Open(path, options => new InferenceSession(path, options), threads);
    }

    /// <summary>Opens a model from its bytes; <paramref name="name"/> is what errors call it.</summary>
    /// <inheritdoc cref="Open(string, int)" path="/exception"/>
    public static ToyModelSession Open(byte[] model, string name, int threads) => Open(name, options => new InferenceSession(model, options), threads);

    public ModelOutput Output(string name) =>
        Outputs.FirstOrDefault(output => output.Name == name)
        ?? throw Wrong(Name, $"has no output {name}; it has {string.Join(", ", Outputs.Select(output => output.Name))}");

    public OrtIoBinding CreateBinding() => _session.CreateIoBinding();

    /// <summary>Pinned memory of zeros that begins where a cache line does: vectors that cross lines take longer.</summary>
    public static Memory<float> Allocate(int size)
    {
        const int line = 64;
        float[] array = GC.AllocateArray<float>(checked(size + (line / sizeof(float))), pinned: true);
        nint beyond = Marshal.UnsafeAddrOfPinnedArrayElement(array, 0) % line;
        return array.AsMemory(beyond == 0 ? 0 : (int)(line - beyond) / sizeof(float), size);
    }

    /// <summary>A tensor over the first rows of pinned memory.</summary>
    public static OrtValue Tensor(Memory<float> memory, int rows, IReadOnlyList<int> shape)
    {
        long[] sizes = [rows, .. shape.Select(size => (long)size)];
        int count = checked((int)sizes.Aggregate(1L, (product, size) => product * size));
        return OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, memory[..count], sizes);
    }

    public void Run(RunOptions options, OrtIoBinding binding) => _session.RunWithBinding(options, binding);

    public void Dispose() => _session.Dispose();

    private static ToyModelSession Open(string name, Func<SessionOptions, InferenceSession> open, int threads)
    {
        InferenceSession session;
        try
        {
            // One model among hundreds: with one thread it runs on the caller's and starts none.
            using var options = new SessionOptions
            {
                IntraOpNumThreads = threads,
                InterOpNumThreads = 1,
                LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
            };
            session = open(options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidInputException($"{name} is no model that ONNX Runtime can run: {e.Message.TrimEnd('.')}.", e);
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException)
        {
            throw new EnvironmentFaultException($"ONNX Runtime does not load: {e.Message} Its native library lies beside the program; build again for this platform.", e);
        }

        try
        {
            return new ToyModelSession(session, name);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private static InvalidInputException Wrong(string name, string what) =>
        new($"{name} {what}; models from `toy export` are read here, others with mlContext.Transforms.ApplyOnnxModel.");
}
