using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Core.Formats;

/// <summary>Trained parameters of a pack: <c>weights/pack-NNNNN.safetensors</c>.</summary>
/// <remarks>
/// Tensors: <c>W [instances, features, hidden]</c> and <c>b [instances, features]</c>; of the absolute-value model
/// <c>W1</c> and <c>W2</c>, both <c>[instances, features, hidden]</c>, and <c>b</c>.
/// Of a pack that was trained on the exact expected loss also <c>exact_loss [instances]</c> and <c>gradient_norm [instances]</c>.
/// Metadata: <c>format</c>, <c>kind</c>, <c>instances</c> (JSON: index, cell, replica, seed, coordinates), <c>experiment</c> (resolved YAML),
/// and of packs that were trained here <c>made_from</c> and <c>content</c>, by which training goes on after an interruption.
/// </remarks>
public sealed record EnsembleWeights
{
    private const string FormatName = "toypipeline-weights-1";
    private const string ExactLossName = "exact_loss";
    private const string GradientNormName = "gradient_norm";

    /// <summary>Architecture.</summary>
    public required ModelKind Kind { get; init; }

    /// <summary>n, the number of features.</summary>
    public required int Features { get; init; }

    /// <summary>m, the number of hidden dimensions.</summary>
    public required int Hidden { get; init; }

    /// <summary>What each instance is, in the order of the leading axis.</summary>
    public required IReadOnlyList<Instance> Instances { get; init; }

    /// <summary>Encoder directions, [instances, features, hidden]: W, or W1 of the absolute-value model.</summary>
    public required float[] W { get; init; }

    /// <summary>Decoder directions W2 of the absolute-value model, [instances, features, hidden]; null where the decoder is W itself.</summary>
    public float[]? W2 { get; init; }

    /// <summary>Output bias, [instances, features].</summary>
    public required float[] B { get; init; }

    /// <summary>What the exact objective found; null of other training.</summary>
    public ExactResult? Exact { get; init; }

    /// <summary>The resolved experiment that they come from.</summary>
    public string Experiment { get; init; } = "";

    /// <summary>
    /// The digest of all that decides each instance, one behind the other, 16 characters each; empty where the file does not say,
    /// or somebody changed its values.
    /// </summary>
    public string MadeFrom { get; init; } = "";

    /// <summary>W of one instance, [features, hidden].</summary>
    public ReadOnlySpan<float> WOf(int place) => W.AsSpan(place * Features * Hidden, Features * Hidden);

    /// <summary>Decoder directions of one instance, [features, hidden].</summary>
    public ReadOnlySpan<float> DecoderOf(int place) => (W2 ?? W).AsSpan(place * Features * Hidden, Features * Hidden);

    /// <summary>Bias of one instance, [features].</summary>
    public ReadOnlySpan<float> BOf(int place) => B.AsSpan(place * Features, Features);

    /// <summary>Writes the file whole or not at all.</summary>
    /// <inheritdoc cref="AtomicFile.Write" path="/exception"/>
    public void Save(string path)
    {
        int[] shape = [Instances.Count, Features, Hidden];
        var tensors = new Dictionary<string, Tensor>();
        if (W2 is null)
        {
            tensors["W"] = new(shape, W);
        }
        else
        {
            tensors["W1"] = new(shape, W);
            tensors["W2"] = new(shape, W2);
        }

        tensors["b"] = new([Instances.Count, Features], B);
        if (Exact is not null)
        {
            tensors[ExactLossName] = new([Instances.Count], Exact.Loss);
            tensors[GradientNormName] = new([Instances.Count], Exact.GradientNorm);
        }

        var metadata = new Dictionary<string, string>
        {
            ["format"] = FormatName,
            ["kind"] = YamlSection.KebabCase(Kind),
            ["instances"] = InstancesJson.Write(Instances),
            ["experiment"] = Experiment,
        };
        Provenance.Add(metadata, MadeFrom, tensors);
        new Safetensors { Tensors = tensors, Metadata = metadata }.Save(path);
    }

    /// <summary>Reads and checks a weights file.</summary>
    /// <exception cref="InvalidInputException">The file is missing, damaged, or no weights file.</exception>
    public static EnsembleWeights Load(string path)
    {
        var file = Safetensors.Load(path);
        if (file.Metadata.GetValueOrDefault("format") != FormatName)
            throw new InvalidInputException($"{path} is no weights file of this version: its metadata has no format {FormatName}.");
        string kindName = file.Metadata.GetValueOrDefault("kind", "");
        var kind = Enum.GetValues<ModelKind>().Cast<ModelKind?>().FirstOrDefault(kind => YamlSection.KebabCase(kind!.Value) == kindName)
            ?? throw new InvalidInputException($"{path} has the kind {kindName}, which is no model kind.");
        var instances = InstancesJson.Read(file.Metadata.GetValueOrDefault("instances", ""), path);
        bool twoMatrices = kind == ModelKind.AbsoluteValue;
        var w = Named(file, twoMatrices ? "W1" : "W", path);
        var b = Named(file, "b", path);
        var w2 = twoMatrices ? Named(file, "W2", path) : null;
        if (w.Shape is not [var count, > 0 and var features, > 0 and var hidden] || count != instances.Count || !b.Shape.SequenceEqual([count, features])
            || (w2 is not null && !w2.Shape.SequenceEqual(w.Shape)))
        {
            throw new InvalidInputException($"{path} has weights of shape [{string.Join(", ", w.Shape)}] and b of shape [{string.Join(", ", b.Shape)}] for {instances.Count} instances.");
        }

        return new EnsembleWeights
        {
            Kind = kind,
            Features = features,
            Hidden = hidden,
            Instances = instances,
            W = w.Values,
            W2 = w2?.Values,
            B = b.Values,
            Exact = file.Tensors.ContainsKey(ExactLossName)
                ? new ExactResult(OnePerInstance(file, ExactLossName, count, path), OnePerInstance(file, GradientNormName, count, path))
                : null,
            Experiment = file.Metadata.GetValueOrDefault("experiment", ""),
            MadeFrom = Provenance.Of(file),
        };
    }

    private static float[] OnePerInstance(Safetensors file, string name, int instances, string path)
    {
        var tensor = Named(file, name, path);
        return tensor.Shape.SequenceEqual([instances])
            ? tensor.Values
            : throw new InvalidInputException($"{path}: tensor {name} has the shape [{string.Join(", ", tensor.Shape)}] for {instances} instances.");
    }

    private static Tensor Named(Safetensors file, string name, string path) =>
        file.Tensors.TryGetValue(name, out var tensor)
            ? Array.TrueForAll(tensor.Values, float.IsFinite) ? tensor : throw new InvalidInputException($"{path}: tensor {name} has values that are not finite.")
            : throw new InvalidInputException($"{path} has no tensor {name}; it has {string.Join(", ", file.Tensors.Keys)}.");
}

/// <summary>What training on the exact expected loss found.</summary>
/// <param name="Loss">Exact expected loss of each instance, [instances].</param>
/// <param name="GradientNorm">Norm of its gradient where training ended, [instances].</param>
public sealed record ExactResult(float[] Loss, float[] GradientNorm)
{
    /// <summary>An instance has converged when its gradient's norm is at most this.</summary>
    public const double Tolerance = 1e-8;
}
