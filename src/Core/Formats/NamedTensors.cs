namespace ToyPipeline.Core.Formats;

/// <summary>The parameters of a model that was trained elsewhere, under the names that they have there.</summary>
/// <param name="Tensors">Tensors by name.</param>
/// <param name="Metadata">Text that the file carries beside them.</param>
/// <param name="Forward">What the model computes, where the file is a program: takes x [batch, ...], gives the output; else null.</param>
public sealed record NamedTensors(IReadOnlyDictionary<string, Tensor> Tensors, IReadOnlyDictionary<string, string> Metadata, Func<Tensor, Tensor>? Forward);
