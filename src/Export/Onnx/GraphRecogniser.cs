using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Export.Onnx;

/// <summary>Finds W and b of a toy model in a graph by what it computes, however it is spelled.</summary>
/// <remarks>
/// <para>
/// The graph is cut at its nonlinearities: the output's ReLU <c>y = ReLU(z)</c>, and the hidden values h. Between cuts a toy model is
/// affine, so its response to the unit vectors is its matrix: <c>h(e_i) = W_i</c>, <c>z(h = e_k) − z(h = 0)</c> is column k of the
/// decoder, <c>z(h = 0) = b</c>. Gemm or MatMul, transposed or not, constants or initializers: the responses are the same.
/// </para>
/// <para>What was found is then compared with the graph on random inputs: only a graph that computes a kind's formula is taken for it.</para>
/// </remarks>
internal sealed class GraphRecogniser
{
    private const double Tolerance = 1e-6;
    private const int Checks = 3;

    // Values of an input that need no weights to be believed, and that an input may have at all.
    private const int MaxFree = 1 << 16;
    private const int MaxInput = 1 << 24;

    private readonly GraphInterpreter _graph;
    private readonly GraphFace _face;
    private readonly Value _zero;
    private readonly Dictionary<string, Value>[] _observed;
    private string _why = "no linear layer on its way maps features to hidden values and back";

    private GraphRecogniser(GraphInterpreter graph, GraphFace face)
    {
        (_graph, _face) = (graph, face);
        _zero = face.Repeat(new double[face.Instances * face.Features]);
        var random = new Random(1);
        _observed = [graph.Run(_zero), .. Enumerable.Range(0, Checks).Select(_ => graph.Run(face.Repeat(RandomSample(random))))];
    }

    /// <summary>What the graph takes.</summary>
    public GraphFace Face => _face;

    /// <summary>Values of the largest tensor of a sample on the graph's way.</summary>
    public long Largest => _observed[0].Values.Max(value => value.Data.LongLength) / _face.Batch;

    /// <summary>Follows a graph on a few inputs.</summary>
    /// <exception cref="NotFollowedException">It does something that is not followed.</exception>
    /// <exception cref="Core.InvalidInputException">An initializer is damaged.</exception>
    public static GraphRecogniser Follow(ModelProto model, OnnxGraph graph)
    {
        if (graph.Opset is not { } opset)
            throw new NotFollowedException("it does not state the version of its operators");
        var constants = graph.Constants();
        var face = GraphFace.Of(graph);
        long held = constants.Values.Sum(value => value.Data.LongLength), values = (long)face.Instances * face.Features;
        // A toy model has a bias for each; whatever a file claims, inputs are no larger than what it holds.
        if (values > Math.Max(held, MaxFree) || values * face.Batch > MaxInput)
            throw new NotFollowedException($"its input has the shape [{string.Join(", ", face.Shape)}], far larger than its weights");
        var budget = new WorkBudget(Math.Min(Array.MaxLength / 8, (1 << 20) + (4 * held) + (4 * face.Batch * values)));
        return new GraphRecogniser(new GraphInterpreter(model, constants, face.Input, opset, budget), face);
    }

    /// <summary>The output that is taken for the reconstruction: the one of that name, else the first with as many values a sample as the input.</summary>
    /// <exception cref="NotFollowedException">There is none.</exception>
    public string Reconstruction(IReadOnlyList<ValueInfoProto> outputs) =>
        outputs.OrderBy(output => output.Name != ModelGraph.Reconstruction).Select(output => output.Name)
            .FirstOrDefault(name => Layout(name)?.Size == _face.Features)
        ?? throw new NotFollowedException($"it has no output of {_face.Features} values a sample, as many as its input has");

    /// <summary>The model whose reconstruction is the output <paramref name="y"/>.</summary>
    /// <exception cref="NotFollowedException">It is none of the four kinds.</exception>
    public RecoveredModel Recognise(string y)
    {
        var last = Rectifiers(y).FirstOrDefault(pair => Same(pair.Out, y));
        string z = last.In ?? y;
        return Hidden(z, y, rectified: last.In is not null) ?? Folded(z, y, last.In is not null)
            ?? throw new NotFollowedException($"it computes none of the four kinds of toy model: {_why}");
    }

    private SampleLayout? Layout(string name) => _observed[1].TryGetValue(name, out var value) ? SampleLayout.Of(value, _face) : null;

    // Pairs of values that are a ReLU's input and output, as far as was observed, in the order of the nodes up to a target.
    private List<(string In, string Out)> Rectifiers(string target)
    {
        var pairs = new List<(string In, string Out)>();
        foreach (var node in _graph.Path(target, "").Where(node => node.OpType is "Relu" or "Clip" or "Max" or "Where"))
        {
            string output = node.Output[0];
            string? input = node.Input.FirstOrDefault(name => _observed[0].ContainsKey(name) && Array.TrueForAll(_observed, values => IsRelu(values[name], values[output])));
            if (input is not null)
                pairs.Add((input, output));
        }

        return pairs;
    }

    private static bool IsRelu(Value x, Value y) =>
        x.Data.Length == y.Data.Length && !x.Integer && x.Data.Zip(y.Data).All(pair => pair.Second == Math.Max(pair.First, 0));

    // Whether two values hold the same numbers for a sample, however they lie in the tensors.
    private bool Same(string a, string b) =>
        Layout(a) is { } first && Layout(b) is { } second && first.Size == second.Size
        && Array.TrueForAll(_observed, values => first.Read(values[a], _face).AsSpan().SequenceEqual(second.Read(values[b], _face)));

    // Tries every value between x and z for h: a rectified one where there is one, else the narrowest that does.
    private RecoveredModel? Hidden(string z, string y, bool rectified)
    {
        var rectifiers = Rectifiers(z);
        var candidates = rectifiers.Count > 0
            ? rectifiers
            : [.. _graph.Path(z, "").Select(node => (In: node.Output[0], Out: node.Output[0])).OrderBy(pair => _observed[0][pair.Out].Data.Length)];
        foreach (var (p, h) in candidates)
        {
            if (Layout(h) is not { } layout || Layout(p)?.Size != layout.Size)
                continue;
            if (Array.Exists(_observed[0][p].Data, value => value != 0))
            {
                _why = rectifiers.Count > 0 ? "its hidden values have a bias" : _why;
                continue;
            }

            if (!Carries(h, z))
                continue;
            if (Between(p, h, z, y, layout, hiddenRelu: rectifiers.Count > 0, rectified) is { } found)
                return found;
        }

        return null;
    }

    // Whether z depends on the input through h alone.
    private bool Carries(string h, string z)
    {
        var path = _graph.Path(z, h);
        return Array.TrueForAll(_observed, values => Close(_graph.Run(path, _zero, h, values[h]).Data, values[z].Data));
    }

    private RecoveredModel? Between(string p, string h, string z, string y, SampleLayout layout, bool hiddenRelu, bool rectified)
    {
        double[] w = Encoder(p, layout.Size);
        var (d, b) = Decoder(h, z, layout);
        bool tied = Close(w, d);
        if (!tied)
            _why = hiddenRelu && rectified ? _why : "its decoder is not its encoder transposed";
        else if (hiddenRelu && !rectified)
            _why = "its hidden values pass a ReLU and its output does not";
        ModelKind? kind = (hiddenRelu, rectified, tied) switch
        {
            (false, false, true) => ModelKind.Linear,
            (false, true, true) => ModelKind.ReluOutput,
            (true, true, true) => ModelKind.ReluHidden,
            (true, true, false) => ModelKind.AbsoluteValue,
            _ => null,
        };
        return kind is { } found ? Checked(new Weights(found, layout.Size, w, tied ? null : d, b), y) : null;
    }

    // W_i = p(x = e_i), [instances, features, hidden].
    private double[] Encoder(string p, int m)
    {
        int n = _face.Features;
        double[] w = new double[_face.Instances * n * m];
        var path = _graph.Path(p, "");
        var layout = Layout(p)!;
        for (int i = 0; i < n; i++)
        {
            var x = _face.Repeat(Unit(i, n));
            double[] response = layout.Read(_graph.Run(path, x, "", x), _face);
            for (int instance = 0; instance < _face.Instances; instance++)
                response.AsSpan(instance * m, m).CopyTo(w.AsSpan(((instance * n) + i) * m));
        }

        return w;
    }

    // D_ik = z_i(h = e_k) − z_i(h = 0), [instances, features, hidden], and b_i = z_i(h = 0), [instances, features].
    private (double[] D, double[] B) Decoder(string h, string z, SampleLayout layout)
    {
        int n = _face.Features, m = layout.Size;
        double[] d = new double[_face.Instances * n * m];
        var path = _graph.Path(z, h);
        var output = Layout(z) ?? throw new NotFollowedException("its output has another shape inside the graph");
        double[] b = output.Read(_graph.Run(path, _zero, h, layout.Write(new double[_face.Instances * m])), _face);
        for (int k = 0; k < m; k++)
        {
            double[] response = output.Read(_graph.Run(path, _zero, h, layout.Write(Unit(k, m))), _face);
            for (int i = 0; i < b.Length; i++)
                d[(i * m) + k] = response[i] - b[i];
        }

        return (d, b);
    }

    // G itself in place of W and Wᵀ: any W with W·Wᵀ = G is the same model, and has the same measures.
    private RecoveredModel? Folded(string z, string y, bool rectified)
    {
        if (_face.Features > GramFactor.MaxFeatures || Rectifiers(z).Count > 0 || Layout(z) is not { } layout || layout.Size != _face.Features)
            return null;
        int n = _face.Features;
        double[] b = layout.Read(_observed[0][z], _face);
        double[] g = Encoder(z, n);
        for (int i = 0; i < g.Length; i++)
            g[i] -= b[(i / (n * n) * n) + (i % n)];
        if (GramFactor.Of(g, n) is not { } factor)
            return null;
        return Checked(new Weights(rectified ? ModelKind.ReluOutput : ModelKind.Linear, factor.Rank, factor.W, null, b), y, folded: true);
    }

    private RecoveredModel? Checked(Weights found, string y, bool folded = false)
    {
        var model = new RecoveredModel(
            found.Kind, _face.Instances, _face.Features, found.Hidden, Narrow(found.W), found.D is null ? null : Narrow(found.D), Narrow(found.B))
        { Folded = folded };
        foreach (var values in _observed)
        {
            double[] x = Layout(_face.Input)!.Read(values[_face.Input], _face);
            double[] expected = model.Forward(x);
            double[] actual = Layout(y)!.Read(values[y], _face);
            double scale = 1 + expected.Max(Math.Abs);
            if (expected.Zip(actual).Any(pair => !(Math.Abs(pair.First - pair.Second) <= 10 * Tolerance * scale)))
            {
                _why = "it differs from what its layers alone would compute";
                return null;
            }
        }

        return model;
    }

    private static float[] Narrow(double[] values)
    {
        float[] narrow = Array.ConvertAll(values, value => (float)value);
        return Array.TrueForAll(narrow, float.IsFinite) ? narrow : throw new NotFollowedException("it has weights beyond float32");
    }

    // Relative to the largest value: what is computed in another order differs by rounding.
    private static bool Close(double[] a, double[] b)
    {
        double scale = a.Concat(b).Select(Math.Abs).DefaultIfEmpty().Max();
        return a.Length == b.Length && a.Zip(b).All(pair => Math.Abs(pair.First - pair.Second) <= Tolerance * scale);
    }

    private double[] Unit(int place, int size)
    {
        double[] sample = new double[_face.Instances * size];
        for (int instance = 0; instance < _face.Instances; instance++)
            sample[(instance * size) + place] = 1;
        return sample;
    }

    // Values of both signs, larger than any bias is likely to be.
    private double[] RandomSample(Random random) =>
        [.. Enumerable.Range(0, _face.Instances * _face.Features).Select(_ => 4 * ((2 * random.NextDouble()) - 1))];

    private sealed record Weights(ModelKind Kind, int Hidden, double[] W, double[]? D, double[] B);
}
