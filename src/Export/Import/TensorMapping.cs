using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export.Onnx;

namespace ToyPipeline.Export.Import;

/// <summary>Finds W (or W1 and W2) and b among named tensors: by <c>--map</c>, by the names that people use, by their shapes.</summary>
internal sealed class TensorMapping
{
    private const double Tolerance = 1e-5;
    private static readonly string[] s_biases = ["b", "b_final", "b_dec", "b_out", "bias", "b2"];
    private static readonly string[] s_encoders = ["W1", "W_enc", "W_in", "W_up", "encoder", "enc", "embed", "fc1", "lin1", "linear1", "up", "in", "0"];

    private readonly IReadOnlyDictionary<string, Tensor> _tensors;
    private readonly NamedTensors _content;
    private readonly ImportOptions _options;
    private readonly string _file;

    private TensorMapping(NamedTensors content, ImportOptions options, string file)
    {
        (_content, _options, _file) = (content, options, file);
        // Counters and masks are no parameters; numbers alone have no place in a toy model.
        _tensors = content.Tensors.Where(pair => pair.Value.Shape.Count > 0).ToDictionary();
    }

    /// <summary>The model that the tensors make.</summary>
    /// <exception cref="InvalidInputException">They make none, or more than one; the message says which option decides.</exception>
    public static RecoveredModel Map(NamedTensors content, ImportOptions options, string file) => new TensorMapping(content, options, file).Map();

    private RecoveredModel Map()
    {
        foreach (var (role, name) in _options.Map)
        {
            if (!_tensors.ContainsKey(name))
                throw Refused($"has no tensor {name}, which --map gives for {role}; it has {Listed(_tensors.Keys)}");
        }

        string? b = _options.Map.GetValueOrDefault("b") ?? Bias();
        var (w1, w2) = Matrices(b);
        var candidates = Candidates(w1, w2, b).ToList();
        if (((string?[])[w1, w2, b]).OfType<string>().FirstOrDefault(name => !Array.TrueForAll(_tensors[name].Values, float.IsFinite)) is { } broken)
            throw Refused($"has values in {Shown.Name(broken)} that are not finite; train again, and check the learning rate");
        if (candidates.Count == 0)
            throw Refused($"has {Described(w1)}{(w2 is null ? "" : $", {Described(w2)}")} and {(b is null ? "no bias" : Described(b))}, which do not fit each other; say what is what with --map and --layout");
        if (_content.Forward is { } forward)
        {
            return candidates.FirstOrDefault(candidate => Computes(candidate, forward))
                ?? throw Refused("computes none of the four kinds of toy model with these tensors; export it as ONNX to have it measured on its outputs");
        }

        return candidates.Count == 1
            ? candidates[0]
            : throw Refused($"has {Described(w1)}, which could be [features, hidden] or [hidden, features]; say which with --layout features-hidden, hidden-features or linear (as torch.nn.Linear holds them)");
    }

    // The one tensor that is named like an output bias.
    private string? Bias()
    {
        foreach (string name in s_biases)
        {
            string[] found = [.. _tensors.Keys.Where(key => Last(key) == name && _tensors[key].Shape.Count is 1 or 2 && !IsEncoder(key))];
            if (found.Length == 1)
                return found[0];
            if (found.Length > 1)
                throw Refused($"has several tensors that may be the bias, {Listed(found)}; say which with --map b=NAME");
        }

        return null;
    }

    private (string W1, string? W2) Matrices(string? b)
    {
        if (_options.Map.GetValueOrDefault("W") is { } w)
            return (w, null);
        string? first = _options.Map.GetValueOrDefault("W1"), second = _options.Map.GetValueOrDefault("W2");
        if (first is not null && second is not null)
            return (first, second);
        string[] matrices = [.. _tensors.Keys.Where(key => key != b && _tensors[key].Shape.Count is 2 or 3)];
        string[] others = [.. _tensors.Keys.Where(key => key != b && !matrices.Contains(key) && Array.Exists(_tensors[key].Values, value => value != 0))];
        if (others.Length > 0)
            throw Refused($"has {Listed(others)} beside its weights, which no toy model has; name the weights with --map to leave the rest out");
        switch (matrices)
        {
            case [var single]:
                return (single, null);
            case [var x, var y]:
                if (IsEncoder(x) != IsEncoder(y))
                    return IsEncoder(x) ? (x, y) : (y, x);
                break;
        }

        throw Refused(matrices.Length == 0
            ? $"has no matrix; it has {Listed(_tensors.Keys)}"
            : $"has the matrices {Listed(matrices)}; say which is what with --map W=NAME or --map W1=NAME,W2=NAME");
    }

    private IEnumerable<RecoveredModel> Candidates(string w1, string? w2, string? b)
    {
        foreach (var (first, second) in Layouts(w2 is not null))
        {
            if (Oriented(w1, first) is not { } encoder || (w2 is null ? encoder : Oriented(w2, second)) is not { } decoder || decoder.Shape != encoder.Shape)
                continue;
            var (instances, n, m) = encoder.Shape;
            var bias = b is null ? new Tensor([instances, n], new float[instances * n]) : _tensors[b];
            if (bias.Shape[^1] != n || bias.Values.Length != instances * n)
                continue;
            bool tied = w2 is null || encoder.Values.AsSpan().SequenceEqual(decoder.Values);
            foreach (var kind in Kinds(tied))
                yield return new RecoveredModel(kind, instances, n, m, encoder.Values, kind == ModelKind.AbsoluteValue ? decoder.Values : null, bias.Values);
        }
    }

    private (WeightLayout First, WeightLayout Second)[] Layouts(bool two)
    {
        const WeightLayout Straight = WeightLayout.FeaturesHidden, Turned = WeightLayout.HiddenFeatures;
        // Files in the format of `toy train` say their layout by that.
        bool own = _content.Metadata.GetValueOrDefault("format", "").StartsWith("toypipeline-weights", StringComparison.Ordinal);
        return (_options.Layout ?? (own ? Straight : null)) switch
        {
            WeightLayout.FeaturesHidden => [(Straight, Straight)],
            WeightLayout.HiddenFeatures => [(Turned, Turned)],
            WeightLayout.Linear => [(Turned, Straight)],
            _ => two ? [(Turned, Straight), (Straight, Straight), (Turned, Turned), (Straight, Turned)] : [(Straight, Straight), (Turned, Turned)],
        };
    }

    // What the user says; what the file says; else, of a program, whatever fits what it computes.
    private IEnumerable<ModelKind> Kinds(bool tied)
    {
        var stated = _options.Kind ?? ModelGraph.Kind(_content.Metadata.GetValueOrDefault("kind", ""));
        if (stated is { } kind)
            return kind == ModelKind.AbsoluteValue || tied ? [kind] : [];
        if (_content.Forward is not null)
            return tied ? [ModelKind.ReluOutput, ModelKind.Linear, ModelKind.ReluHidden] : [ModelKind.AbsoluteValue];
        return [tied ? ModelKind.ReluOutput : ModelKind.AbsoluteValue];
    }

    // Values as [instances, features, hidden]; null of tensors that are no matrices.
    private ((int Instances, int Features, int Hidden) Shape, float[] Values)? Oriented(string name, WeightLayout layout)
    {
        var tensor = _tensors[name];
        if (tensor.Shape.Count is not (2 or 3) || tensor.Values.Length == 0)
            return null;
        int instances = tensor.Shape.Count == 3 ? tensor.Shape[0] : 1, rows = tensor.Shape[^2], columns = tensor.Shape[^1];
        if (layout != WeightLayout.HiddenFeatures)
            return ((instances, rows, columns), tensor.Values);
        float[] turned = new float[tensor.Values.Length];
        for (int at = 0; at < turned.Length; at += rows * columns)
        {
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                    turned[at + (column * rows) + row] = tensor.Values[at + (row * columns) + column];
            }
        }

        return ((instances, columns, rows), turned);
    }

    private static bool Computes(RecoveredModel model, Func<Tensor, Tensor> forward)
    {
        const int Batch = 8;
        var random = new Random(1);
        int size = model.Instances * model.Features;
        float[] x = [.. Enumerable.Range(0, Batch * size).Select(_ => 4 * ((2 * random.NextSingle()) - 1))];
        var y = forward(new Tensor(model.Instances == 1 ? [Batch, model.Features] : [Batch, model.Instances, model.Features], x));
        if (y.Values.Length != x.Length)
            return false;
        for (int row = 0; row < Batch; row++)
        {
            double[] expected = model.Forward([.. x.AsSpan(row * size, size).ToArray().Select(value => (double)value)]);
            double scale = 1 + expected.Max(Math.Abs);
            for (int i = 0; i < size; i++)
            {
                if (!(Math.Abs(expected[i] - y.Values[(row * size) + i]) <= Tolerance * scale))
                    return false;
            }
        }

        return true;
    }

    private static bool IsEncoder(string name) =>
        name.Split('.').Any(part => s_encoders.Contains(part, StringComparer.OrdinalIgnoreCase));

    private static string Last(string name) => name.Split('.')[^1];

    private string Described(string name) => $"{Shown.Name(name)} [{string.Join(", ", _tensors[name].Shape)}]";

    private static string Listed(IEnumerable<string> names) => names.Any() ? string.Join(", ", names.Take(12).Select(Shown.Name)) : "no tensor";

    private InvalidInputException Refused(string what) => new($"{_file} {what}.");
}
