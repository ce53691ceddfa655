using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Export.Onnx;

/// <summary>What a spelling finds in a graph.</summary>
/// <param name="Kind">Architecture.</param>
/// <param name="Instances">Number of instances.</param>
/// <param name="Features">n.</param>
/// <param name="Hidden">m.</param>
/// <param name="W">Encoder directions, [instances, features, hidden].</param>
/// <param name="W2">Decoder directions of the absolute-value model, [instances, features, hidden]; else null.</param>
/// <param name="B">Output bias, [instances, features].</param>
internal sealed record RecoveredModel(ModelKind Kind, int Instances, int Features, int Hidden, float[] W, float[]? W2, float[] B);
