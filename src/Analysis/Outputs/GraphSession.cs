using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using ToyPipeline.Core;

namespace ToyPipeline.Analysis.Outputs;

/// <summary>Somebody else's graph in ONNX Runtime: one float input [batch, features] or [features] of any precision, batch free or fixed.</summary>
internal sealed class GraphSession : IDisposable
{
    // Values of the largest tensor that a batch may make: half a gigabyte.
    private const long MaxValues = 1 << 27;
    private const int MaxBatch = 1024;

    private readonly InferenceSession _session;
    private readonly RunOptions _options = new();
    private readonly TensorElementType _type;
    private readonly string _input;
    private readonly string _output;
    private readonly string _name;
    private readonly int _rank;
    private readonly int _features;

    private GraphSession(InferenceSession session, string name, int features)
    {
        var metadata = session.ModelMetadata.CustomMetadataMap;
        if (!metadata.TryGetValue("reconstruction", out string? output) || !metadata.TryGetValue("sample_values", out string? values)
            || !long.TryParse(values, NumberStyles.None, CultureInfo.InvariantCulture, out long largest) || session.InputMetadata.Count != 1)
        {
            throw new InvalidInputException($"{name} does not say which output is its reconstruction: import it again with `toy import`.");
        }

        (_session, _name, _output, _features) = (session, name, output, features);
        (_input, var input) = session.InputMetadata.Single();
        _type = input.ElementDataType;
        _rank = input.Dimensions.Length;
        int fixedBatch = _rank > 1 && input.Dimensions[0] > 0 ? input.Dimensions[0] : 0;
        Batch = _rank == 1 ? 1 : fixedBatch > 0 ? fixedBatch : (int)Math.Clamp(MaxValues / Math.Max(1, largest), 1, MaxBatch);
    }

    /// <summary>Samples that a run takes.</summary>
    public int Batch { get; }

    /// <summary>Opens a graph that was imported: it holds all its values, and its metadata says which output is its reconstruction.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="features">n.</param>
    /// <exception cref="InvalidInputException">ONNX Runtime does not run it.</exception>
    public static GraphSession Open(string path, int features)
    {
        try
        {
            using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
            return new GraphSession(new InferenceSession(path, options), path, features);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidInputException($"{path} is no model that ONNX Runtime can run: {e.Message.TrimEnd('.')}.", e);
        }
    }

    /// <summary>Evaluates a batch.</summary>
    /// <param name="x">Samples, [batch, features]; a short last batch is filled with zeros.</param>
    /// <returns>Outputs, [batch, features].</returns>
    /// <exception cref="InvalidInputException">The graph fails on it, or gives another shape.</exception>
    public float[] Run(float[] x)
    {
        long[] shape = _rank switch { 1 => [_features], 2 => [Batch, _features], _ => [Batch, 1, _features] };
        try
        {
            using var input = Value(x, shape);
            using var outputs = _session.Run(_options, [_input], [input], [_output]);
            float[] y = Floats(outputs[0]);
            return y.Length == x.Length
                ? y
                : throw new InvalidInputException($"{_name} gives {y.Length} values for {Batch} samples of {_features} features: {_output} is no reconstruction.");
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidInputException($"{_name} cannot be evaluated: {e.Message.TrimEnd('.')}.", e);
        }
    }

    public void Dispose()
    {
        _options.Dispose();
        _session.Dispose();
    }

    private OrtValue Value(float[] x, long[] shape) => _type switch
    {
        TensorElementType.Float => OrtValue.CreateTensorValueFromMemory(x, shape),
        TensorElementType.Double => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(x, value => (double)value), shape),
        TensorElementType.Float16 => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(x, value => (Float16)value), shape),
        _ => throw new InvalidInputException($"{_name} takes {_type}, which is not evaluated here; export it in float32."),
    };

    private float[] Floats(OrtValue value) => value.GetTensorTypeAndShape().ElementDataType switch
    {
        TensorElementType.Float => value.GetTensorDataAsSpan<float>().ToArray(),
        TensorElementType.Double => Array.ConvertAll(value.GetTensorDataAsSpan<double>().ToArray(), number => (float)number),
        TensorElementType.Float16 => Array.ConvertAll(value.GetTensorDataAsSpan<Float16>().ToArray(), number => (float)number),
        var type => throw new InvalidInputException($"{_name} gives {type}, which is not read here; export it in float32."),
    };
}
