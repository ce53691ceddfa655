using Op = System.Func<ToyPipeline.Export.Onnx.NodeCall, ToyPipeline.Export.Onnx.Value>;

namespace ToyPipeline.Export.Onnx;

/// <summary>A node about to be evaluated: its inputs and attributes.</summary>
/// <param name="Node">The node.</param>
/// <param name="Inputs">Values of its inputs; null where an optional one is left out.</param>
/// <param name="Opset">Version of the operators.</param>
/// <param name="Budget">What evaluating may take.</param>
internal sealed record NodeCall(NodeProto Node, IReadOnlyList<Value?> Inputs, long Opset, WorkBudget Budget)
{
    /// <summary>An input that must be there.</summary>
    public Value this[int input] => Optional(input) ?? throw Wrong($"lacks input {input}");

    public Value? Optional(int input) => input < Inputs.Count ? Inputs[input] : null;

    public AttributeProto? Attribute(string name) => Node.Attribute.FirstOrDefault(attribute => attribute.Name == name);

    public long Integer(string name, long otherwise) => Attribute(name) is { HasI: true } attribute ? attribute.I : otherwise;

    public double Number(string name, double otherwise) => Attribute(name) is { HasF: true } attribute ? attribute.F : otherwise;

    /// <summary>Integers of an input, or of the attribute that held them in older versions; null where neither is there.</summary>
    public long[]? Integers(int input, string attribute) =>
        Optional(input) is { } value ? [.. value.Data.Select(number => (long)number)] : Attribute(attribute) is { } held ? [.. held.Ints] : null;

    /// <summary>An axis counted from the front.</summary>
    public int Axis(long axis, int rank) => axis >= -rank && axis < rank ? (int)(axis < 0 ? axis + rank : axis) : throw Wrong($"has the axis {axis} of {rank}");

    public NotFollowedException Wrong(string what) => new($"its {Shown.Name(Node.OpType)} node {Shown.Name(Node.Name)} {what}");
}

/// <summary>The operators that a toy model may be made of, evaluated in float64 as the ONNX operator reference defines them.</summary>
/// <remarks>Only what exporters make of such models: products, sums, ReLU in its spellings, and what moves values about.</remarks>
internal static partial class Operators
{
    // What calling an operator costs, in multiply-adds, however small its tensors.
    private const int NodeWork = 500;

    private static readonly Dictionary<string, Op> s_operators = new(StringComparer.Ordinal)
    {
        ["Identity"] = call => call[0],
        ["Dropout"] = call => call[0],
        ["Cast"] = Cast,
        ["CastLike"] = call => call[0] with { Integer = call[1].Integer },
        ["Constant"] = Constant,
        ["Relu"] = call => Map(call, value => Math.Max(value, 0)),
        ["Neg"] = call => Map(call, value => -value),
        ["Clip"] = Clip,
        ["Add"] = call => Broadcast(call, (a, b) => a + b),
        ["Sub"] = call => Broadcast(call, (a, b) => a - b),
        ["Mul"] = call => Broadcast(call, (a, b) => a * b),
        ["Div"] = call => call[0].Integer && call[1].Integer ? Broadcast(call, Quotient) : Broadcast(call, (a, b) => a / b),
        ["Max"] = call => Fold(call, Math.Max),
        ["Min"] = call => Fold(call, Math.Min),
        ["Sum"] = call => Fold(call, (a, b) => a + b),
        ["Greater"] = call => Broadcast(call, (a, b) => a > b ? 1 : 0) with { Integer = true },
        ["Less"] = call => Broadcast(call, (a, b) => a < b ? 1 : 0) with { Integer = true },
        ["Equal"] = call => Broadcast(call, (a, b) => a == b ? 1 : 0) with { Integer = true },
        ["Where"] = Where,
        ["MatMul"] = call => MatMul(call[0], call[1], call),
        ["Gemm"] = Gemm,
        ["Einsum"] = Einsum,
        ["ReduceSum"] = ReduceSum,
        ["Transpose"] = Transpose,
        ["Reshape"] = Reshape,
        ["Flatten"] = Flatten,
        ["Squeeze"] = Squeeze,
        ["Unsqueeze"] = Unsqueeze,
        ["Expand"] = Expand,
        ["Concat"] = Concat,
        ["Slice"] = Slice,
        ["Gather"] = Gather,
        ["Shape"] = Shape,
        ["ConstantOfShape"] = ConstantOfShape,
    };

    /// <summary>The value of a node's first output.</summary>
    /// <exception cref="NotFollowedException">The operator is none of these, or its inputs do not fit.</exception>
    public static Value Evaluate(NodeCall call)
    {
        if (call.Node.Domain is not ("" or "ai.onnx") || !(s_operators.TryGetValue(call.Node.OpType, out var evaluate) || s_activations.TryGetValue(call.Node.OpType, out evaluate)))
        {
            string domain = call.Node.Domain.Length == 0 ? "" : $" of {Shown.Name(call.Node.Domain)}";
            throw new NotFollowedException($"it has the operator {Shown.Name(call.Node.OpType)}{domain}, which is not known here");
        }

        call.Budget.Spend(NodeWork + call.Inputs.Count);
        return evaluate(call);
    }

    private static Value Map(NodeCall call, Func<double, double> function)
    {
        var x = call[0];
        double[] y = call.Budget.Allocate(x.Shape);
        for (int i = 0; i < y.Length; i++)
            y[i] = function(x.Data[i]);
        return x with { Data = y };
    }

    private static Value Cast(NodeCall call)
    {
        var to = (TensorProto.Types.DataType)call.Integer("to", 0);
        if (TensorReader.Width(to) is null)
            throw call.Wrong($"casts to ONNX data type {(int)to}");
        bool floating = to is TensorProto.Types.DataType.Float or TensorProto.Types.DataType.Double or TensorProto.Types.DataType.Float16 or TensorProto.Types.DataType.Bfloat16;
        if (floating)
            return call[0] with { Integer = false };
        // Activations that are rounded are no affine function of the input any more; the check of the formula finds out.
        return to == TensorProto.Types.DataType.Bool ? Map(call, value => value != 0 ? 1 : 0) with { Integer = true } : Map(call, Math.Truncate) with { Integer = true };
    }

    private static Value Constant(NodeCall call)
    {
        foreach (var attribute in call.Node.Attribute)
        {
            switch (attribute.Name)
            {
                case "value" when attribute.T is { } tensor:
                    return TensorReader.Read(tensor, (what, _) => throw new NotFollowedException($"its constant {what}"));
                case "value_float":
                    return new Value([], [attribute.F]);
                case "value_int":
                    return new Value([], [attribute.I], true);
                case "value_floats":
                    return new Value([attribute.Floats.Count], [.. attribute.Floats.Select(value => (double)value)]);
                case "value_ints":
                    return Value.Integers([.. attribute.Ints]);
                default:
                    break;
            }
        }

        throw call.Wrong("has no value that is read");
    }

    // Bounds are attributes up to opset 10, inputs later.
    private static Value Clip(NodeCall call)
    {
        double low = Bound(call, 1, "min", double.NegativeInfinity), high = Bound(call, 2, "max", double.PositiveInfinity);
        return Map(call, value => Math.Min(Math.Max(value, low), high));
    }

    private static double Bound(NodeCall call, int input, string attribute, double otherwise) =>
        call.Optional(input) is { } bound ? bound.Data is [var single] ? single : throw call.Wrong("has a bound that is no single number") : call.Number(attribute, otherwise);

    private static double Quotient(double a, double b) => b != 0 ? Math.Truncate(a / b) : throw new NotFollowedException("it divides by 0");

    private static Value Fold(NodeCall call, Func<double, double, double> function)
    {
        var result = call[0];
        for (int i = 1; i < call.Inputs.Count; i++)
            result = Broadcast(result, call[i], function, call);
        return result;
    }

    private static Value Broadcast(NodeCall call, Func<double, double, double> function) => Broadcast(call[0], call[1], function, call);

    private static Value Broadcast(Value a, Value b, Func<double, double, double> function, NodeCall call)
    {
        int[] shape = BroadcastShape(a.Shape, b.Shape, call);
        double[] y = call.Budget.Allocate(shape);
        var (ia, ib) = (new Strides(a.Shape, shape), new Strides(b.Shape, shape));
        for (int i = 0; i < y.Length; i++)
            y[i] = function(a.Data[ia.Offset(i)], b.Data[ib.Offset(i)]);
        return new Value(shape, y, a.Integer && b.Integer);
    }

    private static Value Where(NodeCall call)
    {
        var (condition, a, b) = (call[0], call[1], call[2]);
        int[] shape = BroadcastShape(condition.Shape, BroadcastShape(a.Shape, b.Shape, call), call);
        double[] y = call.Budget.Allocate(shape);
        var (ic, ia, ib) = (new Strides(condition.Shape, shape), new Strides(a.Shape, shape), new Strides(b.Shape, shape));
        for (int i = 0; i < y.Length; i++)
            y[i] = condition.Data[ic.Offset(i)] != 0 ? a.Data[ia.Offset(i)] : b.Data[ib.Offset(i)];
        return new Value(shape, y, a.Integer && b.Integer);
    }

    // numpy's rule: sizes are aligned at the end, and a size of 1 is repeated.
    private static int[] BroadcastShape(int[] a, int[] b, NodeCall call)
    {
        int[] shape = new int[Math.Max(a.Length, b.Length)];
        for (int axis = 1; axis <= shape.Length; axis++)
        {
            int x = axis <= a.Length ? a[^axis] : 1, y = axis <= b.Length ? b[^axis] : 1;
            shape[^axis] = x == y || y == 1 ? x : x == 1 ? y : throw call.Wrong($"joins the shapes [{string.Join(", ", a)}] and [{string.Join(", ", b)}]");
        }

        return shape;
    }

    /// <summary>Where an operand's values lie as the result of a broadcast is filled in order.</summary>
    private readonly struct Strides
    {
        private readonly int[]? _shape;
        private readonly int[] _strides;
        private readonly bool _single;

        public Strides(int[] operand, int[] result)
        {
            _strides = new int[result.Length];
            int stride = 1;
            for (int axis = 1; axis <= operand.Length; axis++)
            {
                _strides[^axis] = operand[^axis] == 1 ? 0 : stride;
                stride *= operand[^axis];
            }

            _single = stride == 1;
            bool same = operand.AsSpan().SequenceEqual(result);
            _shape = same ? null : result;
        }

        public int Offset(int index)
        {
            if (_shape is null)
                return index;
            if (_single)
                return 0;
            int offset = 0;
            for (int axis = _shape.Length - 1; axis >= 0; axis--)
            {
                (index, int place) = Math.DivRem(index, _shape[axis]);
                offset += place * _strides[axis];
            }

            return offset;
        }
    }
}
