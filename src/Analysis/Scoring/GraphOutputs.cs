using Google.Protobuf;
using ToyPipeline.Analysis.Scoring.Onnx;

namespace ToyPipeline.Analysis.Scoring;

/// <summary>
/// Takes outputs out of an ONNX model that nobody asks for: ONNX Runtime computes and stores every output that a graph names, whether it is
/// bound or not. Without <c>preactivation</c>, the decoder's result is rectified where it lies.
/// </summary>
internal static class GraphOutputs
{
    /// <summary>The model with these outputs alone; as it is where it lacks one of them or is no model, which is for ONNX Runtime to say.</summary>
    public static byte[] Keep(byte[] model, IReadOnlyCollection<string> outputs)
    {
        ModelProto parsed;
        try
        {
            parsed = ModelProto.Parser.ParseFrom(model);
        }
        catch (InvalidProtocolBufferException)
        {
            return model;
        }

        var kept = parsed.Graph?.Output.Where(output => outputs.Contains(output.Name)).ToList() ?? [];
        if (kept.Count != outputs.Count || kept.Count == parsed.Graph!.Output.Count)
            return model;
        parsed.Graph.Output.Clear();
        parsed.Graph.Output.AddRange(kept);
        return parsed.ToByteArray();
    }
}
