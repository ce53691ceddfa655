namespace ToyPipeline.Export.Onnx;

/// <summary>Writes out a model's own functions where they are called, as PyTorch's newer exporter may leave them.</summary>
internal sealed class FunctionInliner
{
    private const int MaxNodes = 4096;
    private const int MaxDepth = 16;

    private readonly Dictionary<(string Domain, string Name), FunctionProto> _functions = [];
    private readonly List<NodeProto> _nodes = [];
    private int _calls;

    private FunctionInliner(ModelProto model)
    {
        foreach (var function in model.Functions)
        {
            if (!_functions.TryAdd((function.Domain, function.Name), function))
                throw new NotFollowedException($"it has two functions named {Shown.Name(function.Name)}");
        }
    }

    /// <summary>The nodes of the graph, without calls of functions.</summary>
    /// <exception cref="NotFollowedException">There are too many, or functions call each other without end.</exception>
    public static IReadOnlyList<NodeProto> Inline(ModelProto model)
    {
        var inliner = new FunctionInliner(model);
        inliner.Add(model.Graph.Node, name => name, _ => null, 0);
        return inliner._nodes;
    }

    private void Add(IEnumerable<NodeProto> nodes, Func<string, string> rename, Func<string, AttributeProto?> attribute, int depth)
    {
        if (depth > MaxDepth)
            throw new NotFollowedException("its functions call each other too deeply");
        foreach (var node in nodes)
        {
            // Calls count too: functions without nodes could call each other a great many times.
            if (_nodes.Count >= MaxNodes || _calls >= MaxNodes)
                throw new NotFollowedException($"it has more than {MaxNodes} nodes");
            var renamed = new NodeProto { OpType = node.OpType, Domain = node.Domain, Name = node.Name };
            renamed.Input.Add(node.Input.Select(name => name.Length == 0 ? "" : rename(name)));
            renamed.Output.Add(node.Output.Select(name => name.Length == 0 ? "" : rename(name)));
            renamed.Attribute.Add(node.Attribute.Select(held => Bound(held, attribute)).OfType<AttributeProto>());
            if (_functions.TryGetValue((node.Domain, node.OpType), out var function))
                Call(function, renamed, depth);
            else
                _nodes.Add(renamed);
        }
    }

    private void Call(FunctionProto function, NodeProto call, int depth)
    {
        string prefix = $"{call.OpType}.{_calls++}/";
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < function.Input.Count; i++)
            names[function.Input[i]] = i < call.Input.Count ? call.Input[i] : "";
        for (int i = 0; i < Math.Min(function.Output.Count, call.Output.Count); i++)
        {
            // An output that is an input handed through stays under the input's name.
            if (names.TryGetValue(function.Output[i], out string? input))
                _nodes.Add(new NodeProto { OpType = "Identity", Input = { input }, Output = { call.Output[i] } });
            else
                names[function.Output[i]] = call.Output[i];
        }

        var given = call.Attribute.Concat(function.AttributeProto).DistinctBy(held => held.Name).ToDictionary(held => held.Name);
        Add(function.Node, name => names.TryGetValue(name, out string? outer) ? outer : prefix + name, given.GetValueOrDefault, depth + 1);
    }

    // An attribute may stand for one of the call; left out there, it is left out here.
    private static AttributeProto? Bound(AttributeProto held, Func<string, AttributeProto?> attribute)
    {
        if (held.G is not null || held.Graphs.Count > 0)
            throw new NotFollowedException("it has a graph within its graph (a branch or a loop)");
        if (held.RefAttrName.Length == 0)
            return held;
        if (attribute(held.RefAttrName) is not { } given)
            return null;
        var bound = given.Clone();
        bound.Name = held.Name;
        return bound;
    }
}
