using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;

namespace ToyPipeline.Export.Onnx;

/// <summary>Recognises the graphs that <see cref="ModelWriter"/> writes: their nodes are compared one by one with those it would write.</summary>
internal static class OwnSpelling
{
    /// <summary>The model of a graph that we wrote; null for any other graph.</summary>
    /// <exception cref="Core.InvalidInputException">The graph is ours, and what it holds is damaged.</exception>
    public static RecoveredModel? Recognise(OnnxGraph graph)
    {
        if (graph.Opset != ModelWriter.Opset)
            return null;
        foreach (var kind in Enum.GetValues<ModelKind>())
        {
            foreach (var layout in Enum.GetValues<ModelLayout>())
            {
                if (graph.Nodes.SequenceEqual(ModelGraph.Nodes(kind, layout)))
                    return Read(graph, kind, layout);
            }
        }

        return null;
    }

    private static RecoveredModel Read(OnnxGraph graph, ModelKind kind, ModelLayout layout)
    {
        string encoder = ModelGraph.Encoder(kind), decoder = ModelGraph.Decoder(kind);
        graph.RequireOnly(encoder == decoder ? [encoder, ModelGraph.Bias] : [encoder, decoder, ModelGraph.Bias]);
        bool ensemble = layout == ModelLayout.Ensemble;
        var w = graph.Tensor(encoder, rank: ensemble ? 3 : 2);
        var (instances, n, m) = ensemble ? (w.Shape[0], w.Shape[1], w.Shape[2]) : (1, w.Shape[0], w.Shape[1]);
        var b = graph.Tensor(ModelGraph.Bias, ensemble ? [instances, n] : [n]);
        Tensor? w2 = kind == ModelKind.AbsoluteValue ? graph.Tensor(decoder, [.. w.Shape]) : null;

        string[] axes = ensemble ? [$"{instances}"] : [];
        graph.RequireValues("input", graph.Inputs, (ModelGraph.Input, [.. axes, $"{n}"]));
        graph.RequireValues(
            "output",
            graph.Outputs,
            (ModelGraph.Reconstruction, [.. axes, $"{n}"]),
            (ModelGraph.Hidden, [.. axes, $"{m}"]),
            (ModelGraph.Preactivation, [.. axes, $"{n}"]));
        return new RecoveredModel(kind, instances, n, m, w.Values, w2?.Values, b.Values);
    }
}
