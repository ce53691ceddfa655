namespace ToyPipeline.Export.Onnx;

/// <summary>Follows a graph from its input, node by node. What does not depend on the input is evaluated once.</summary>
internal sealed class GraphInterpreter
{
    private readonly Dictionary<string, Value> _constants;
    private readonly List<NodeProto> _nodes = [];
    private readonly Dictionary<string, NodeProto> _maker = new(StringComparer.Ordinal);
    private readonly string _input;
    private readonly long _opset;
    private readonly WorkBudget _budget;

    /// <summary>Takes in a graph.</summary>
    /// <param name="model">The parsed file.</param>
    /// <param name="constants">Its initializers.</param>
    /// <param name="input">Name of its input.</param>
    /// <param name="opset">Version of its operators.</param>
    /// <param name="budget">What following it may take.</param>
    /// <exception cref="NotFollowedException">A node uses what comes later or never, or is not followed.</exception>
    public GraphInterpreter(ModelProto model, Dictionary<string, Value> constants, string input, long opset, WorkBudget budget)
    {
        (_constants, _input, _opset, _budget) = (constants, input, opset, budget);
        foreach (var node in FunctionInliner.Inline(model))
        {
            if (node.Output is not [{ Length: > 0 } output, ..] || output == input || _constants.ContainsKey(output) || _maker.ContainsKey(output))
                throw new NotFollowedException($"its {Shown.Name(node.OpType)} node {Shown.Name(node.Name)} has no output of its own");
            // The standard wants nodes in the order of evaluation: a cycle shows as a value that is used too early.
            if (node.Input.FirstOrDefault(name => name.Length > 0 && name != input && !_constants.ContainsKey(name) && !_maker.ContainsKey(name)) is { } missing)
                throw new NotFollowedException($"its {Shown.Name(node.OpType)} node uses {Shown.Name(missing)}, which no node before it computes (a cycle, or a part that is missing)");
            if (node.Input.Any(name => name == input || _maker.ContainsKey(name)))
            {
                _nodes.Add(node);
                _maker.Add(output, node);
            }
            else
            {
                var constant = Evaluate(node, name => _constants[name]);
                _budget.Hold(constant);
                _constants.Add(output, constant);
            }
        }
    }

    /// <summary>The nodes that depend on the input, in order.</summary>
    public IReadOnlyList<NodeProto> Nodes => _nodes;

    /// <summary>Evaluates every node for an input, and keeps what comes out.</summary>
    /// <returns>The input and the first output of each node, by name.</returns>
    public Dictionary<string, Value> Run(Value x)
    {
        var values = new Dictionary<string, Value>(StringComparer.Ordinal) { [_input] = x };
        foreach (var node in _nodes)
        {
            var result = Evaluate(node, name => values.TryGetValue(name, out var value) ? value : _constants[name]);
            _budget.Hold(result);
            values[node.Output[0]] = result;
        }

        return values;
    }

    /// <summary>The nodes that lead from <paramref name="source"/> to <paramref name="target"/> and whatever else target needs; source itself is given.</summary>
    public IReadOnlyList<NodeProto> Path(string target, string source)
    {
        var wanted = new HashSet<string>(StringComparer.Ordinal) { target };
        var path = new List<NodeProto>();
        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            if (_nodes[i].Output[0] == source || !wanted.Contains(_nodes[i].Output[0]))
                continue;
            wanted.UnionWith(_nodes[i].Input);
            path.Add(_nodes[i]);
        }

        path.Reverse();
        return path;
    }

    /// <summary>The value at the end of a <see cref="Path"/>.</summary>
    /// <param name="path">The nodes.</param>
    /// <param name="x">The graph's input.</param>
    /// <param name="source">Name of the value that is given.</param>
    /// <param name="given">That value.</param>
    public Value Run(IReadOnlyList<NodeProto> path, Value x, string source, Value given)
    {
        var values = new Dictionary<string, Value>(StringComparer.Ordinal) { [_input] = x };
        values[source] = given;
        foreach (var node in path)
            values[node.Output[0]] = Evaluate(node, name => values.TryGetValue(name, out var value) ? value : _constants[name]);
        return path.Count > 0 ? values[path[^1].Output[0]] : given;
    }

    private Value Evaluate(NodeProto node, Func<string, Value> value) =>
        Operators.Evaluate(new NodeCall(node, [.. node.Input.Select(name => name.Length == 0 ? null : value(name))], _opset, _budget));
}
