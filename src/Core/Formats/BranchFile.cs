using System.Text.Json;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Core.Formats;

/// <summary>A branch of stationary points over consecutive values of an axis.</summary>
/// <param name="First">Place of its first value among those of the axis.</param>
/// <param name="W">[points, features, hidden].</param>
/// <param name="B">[points, features].</param>
/// <param name="Loss">Exact expected loss, [points].</param>
/// <param name="SmallestEigenvalue">Of the Hessian, the rotations of the hidden space left out, [points].</param>
public sealed record Branch(int First, float[] W, float[] B, float[] Loss, float[] SmallestEigenvalue)
{
    /// <summary>Number of values over which it was followed.</summary>
    public int Points => Loss.Length;
}

/// <summary>Where the losses of two branches cross.</summary>
/// <param name="A">One branch.</param>
/// <param name="B">The other.</param>
/// <param name="Value">The axis value.</param>
/// <param name="Loss">Both losses.</param>
/// <param name="EigenvalueA">Smallest eigenvalue of branch A there.</param>
/// <param name="EigenvalueB">Smallest eigenvalue of branch B there.</param>
public sealed record BranchCrossing(int A, int B, double Value, double Loss, double EigenvalueA, double EigenvalueB);

/// <summary>Branches of solutions along an axis: <c>weights/branches.safetensors</c>.</summary>
/// <remarks>
/// Tensors of branch k: <c>W.k [points, features, hidden]</c>, <c>b.k [points, features]</c>, <c>loss.k [points]</c>,
/// <c>smallest_eigenvalue.k [points]</c>. Metadata: <c>format</c>, <c>kind</c>, <c>axis</c>, <c>values</c> (JSON list of texts),
/// <c>first</c> (JSON list: place of each branch's first value), <c>crossings</c> (JSON).
/// </remarks>
public sealed record BranchFile
{
    private const string FormatName = "toypipeline-branches-1";

    private static readonly JsonSerializerOptions s_options = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Shape of the models.</summary>
    public required ModelSpec Model { get; init; }

    /// <summary>The axis and its values.</summary>
    public required Axis Axis { get; init; }

    /// <summary>The branches.</summary>
    public required IReadOnlyList<Branch> Branches { get; init; }

    /// <summary>The crossings, in the order of their values.</summary>
    public required IReadOnlyList<BranchCrossing> Crossings { get; init; }

    /// <summary>Writes the file whole or not at all.</summary>
    /// <inheritdoc cref="AtomicFile.Write" path="/exception"/>
    public void Save(string path)
    {
        var tensors = new Dictionary<string, Tensor>();
        for (int k = 0; k < Branches.Count; k++)
        {
            var branch = Branches[k];
            tensors[$"W.{k}"] = new([branch.Points, Model.Features, Model.Hidden], branch.W);
            tensors[$"b.{k}"] = new([branch.Points, Model.Features], branch.B);
            tensors[$"loss.{k}"] = new([branch.Points], branch.Loss);
            tensors[$"smallest_eigenvalue.{k}"] = new([branch.Points], branch.SmallestEigenvalue);
        }

        var metadata = new Dictionary<string, string>
        {
            ["format"] = FormatName,
            ["kind"] = YamlSection.KebabCase(Model.Kind),
            ["axis"] = Axis.Path,
            ["values"] = JsonSerializer.Serialize(Axis.Values, s_options),
            ["first"] = JsonSerializer.Serialize(Branches.Select(branch => branch.First), s_options),
            ["crossings"] = JsonSerializer.Serialize(Crossings, s_options),
        };
        new Safetensors { Tensors = tensors, Metadata = metadata }.Save(path);
    }

    /// <summary>Reads and checks a file of branches.</summary>
    /// <exception cref="InvalidInputException">The file is missing, damaged, or no file of branches.</exception>
    public static BranchFile Load(string path)
    {
        var file = Safetensors.Load(path);
        if (file.Metadata.GetValueOrDefault("format") != FormatName)
            throw new InvalidInputException($"{path} is no file of branches of this version: its metadata has no format {FormatName}.");
        try
        {
            var values = JsonSerializer.Deserialize<List<string>>(file.Metadata["values"], s_options)!;
            int[] first = JsonSerializer.Deserialize<int[]>(file.Metadata["first"], s_options)!;
            var crossings = JsonSerializer.Deserialize<List<BranchCrossing>>(file.Metadata["crossings"], s_options)!;
            var kind = Enum.GetValues<ModelKind>().Single(kind => YamlSection.KebabCase(kind) == file.Metadata["kind"]);
            if (crossings.Exists(crossing => crossing is null || crossing.A < 0 || crossing.B < 0 || crossing.A >= first.Length || crossing.B >= first.Length))
                throw new JsonException("A crossing names a branch that is not there.");
            var shape = first.Length == 0 ? [0, 1, 1] : file.Tensors["W.0"].Shape;
            if (shape is not [_, > 0 and var n, > 0 and var m])
                throw new JsonException("W.0 has no shape [points, features, hidden].");
            return new BranchFile
            {
                Model = new ModelSpec(kind, n, m),
                Axis = new Axis(file.Metadata["axis"], values),
                Branches = [.. first.Select((place, k) => BranchOf(file, k, place, n, m, values.Count))],
                Crossings = crossings,
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InvalidInputException($"{path} cannot be read as branches: {e.Message} Train again with `toy train --force`.", e);
        }
    }

    private static Branch BranchOf(Safetensors file, int k, int first, int n, int m, int values)
    {
        Tensor w = file.Tensors[$"W.{k}"], b = file.Tensors[$"b.{k}"], loss = file.Tensors[$"loss.{k}"], eigenvalue = file.Tensors[$"smallest_eigenvalue.{k}"];
        int points = loss.Values.Length;
        return first >= 0 && points > 0 && first <= values - points && w.Shape.SequenceEqual([points, n, m]) && b.Shape.SequenceEqual([points, n])
            && eigenvalue.Shape.SequenceEqual([points])
            ? new Branch(first, w.Values, b.Values, loss.Values, eigenvalue.Values)
            : throw new JsonException($"The tensors of branch {k} do not fit each other.");
    }
}
