namespace ToyPipeline.Export.Onnx;

/// <summary>What moves values about and changes none.</summary>
internal static partial class Operators
{
    private static Value Transpose(NodeCall call)
    {
        int rank = call[0].Shape.Length;
        int[] order = call.Attribute("perm") is { } perm
            ? [.. perm.Ints.Select(axis => call.Axis(axis, rank))]
            : [.. Enumerable.Range(0, rank).Reverse()];
        return order.Length == rank && order.Distinct().Count() == rank ? Permuted(call[0], order, call) : throw call.Wrong("names an axis twice, or leaves one out");
    }

    private static Value Permuted(Value x, int[] order, NodeCall call)
    {
        int rank = order.Length;
        int[] shape = [.. order.Select(axis => x.Shape[axis])];
        int[] strides = new int[rank];
        for (int axis = rank - 1, stride = 1; axis >= 0; stride *= x.Shape[axis--])
            strides[axis] = stride;
        int[][] steps = [[.. order.Select(axis => strides[axis])]];
        double[] y = call.Budget.Allocate(shape);
        int[] place = new int[rank], offset = [0];
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = x.Data[offset[0]];
            Advance(place, offset, shape, steps);
        }

        return x with { Shape = shape, Data = y };
    }

    private static Value Reshape(NodeCall call)
    {
        var x = call[0];
        long[] wanted = call.Integers(1, "shape") ?? throw call.Wrong("has no shape");
        bool zeros = call.Integer("allowzero", 0) != 0;
        for (int axis = 0; axis < wanted.Length; axis++)
        {
            if (wanted[axis] == 0 && !zeros)
                wanted[axis] = axis < x.Shape.Length ? x.Shape[axis] : throw call.Wrong("keeps an axis that is not there");
        }

        Int128 known = 1;
        foreach (long size in wanted.Where(size => size != -1))
            known = size is >= 0 and <= int.MaxValue && known <= Array.MaxLength ? known * size : throw call.Wrong($"makes the shape [{Shown.Sizes(wanted)}]");
        if (wanted.Count(size => size == -1) == 1 && known > 0 && x.Data.Length % known == 0)
            wanted[Array.IndexOf(wanted, -1)] = (long)(x.Data.Length / known);
        else if (wanted.Contains(-1) || known != x.Data.Length)
            throw call.Wrong($"makes the shape [{Shown.Sizes(wanted)}] of {x.Data.Length} values");
        if (x.Data.Length == 0 && wanted.Length > 1)
            throw call.Wrong("shapes a tensor without values");
        return x with { Shape = [.. wanted.Select(size => (int)size)] };
    }

    private static Value Flatten(NodeCall call)
    {
        var x = call[0];
        long axis = call.Integer("axis", 1);
        int split = axis == x.Shape.Length ? (int)axis : call.Axis(axis, x.Shape.Length);
        return x with { Shape = [(int)Value.Count(x.Shape.AsSpan(0, split)), (int)Value.Count(x.Shape.AsSpan(split))] };
    }

    // Axes are an attribute up to opset 12, an input later.
    private static Value Squeeze(NodeCall call)
    {
        var x = call[0];
        int rank = x.Shape.Length;
        var dropped = call.Integers(1, "axes") is { } axes
            ? axes.Select(axis => call.Axis(axis, rank)).ToHashSet()
            : Enumerable.Range(0, rank).Where(axis => x.Shape[axis] == 1).ToHashSet();
        return dropped.All(axis => x.Shape[axis] == 1)
            ? x with { Shape = [.. x.Shape.Where((_, axis) => !dropped.Contains(axis))] }
            : throw call.Wrong($"drops an axis of [{string.Join(", ", x.Shape)}] that has more than one value");
    }

    private static Value Unsqueeze(NodeCall call)
    {
        long[] axes = call.Integers(1, "axes") ?? throw call.Wrong("has no axes");
        int rank = call[0].Shape.Length + axes.Length;
        if (rank > 16)
            throw call.Wrong($"makes {rank} axes");
        var added = axes.Select(axis => call.Axis(axis, rank)).ToHashSet();
        if (added.Count != axes.Length)
            throw call.Wrong("names an axis twice");
        var sizes = new Queue<int>(call[0].Shape);
        return call[0] with { Shape = [.. Enumerable.Range(0, rank).Select(axis => added.Contains(axis) ? 1 : sizes.Dequeue())] };
    }

    private static Value Expand(NodeCall call)
    {
        int[] shape = [.. call[1].Data.Select(size => size is >= 0 and <= int.MaxValue ? (int)size : throw call.Wrong("has a size that is none"))];
        shape = BroadcastShape(call[0].Shape, shape, call);
        double[] y = call.Budget.Allocate(shape);
        var strides = new Strides(call[0].Shape, shape);
        for (int i = 0; i < y.Length; i++)
            y[i] = call[0].Data[strides.Offset(i)];
        return call[0] with { Shape = shape, Data = y };
    }

    private static Value Concat(NodeCall call)
    {
        var first = call[0];
        int axis = call.Axis(call.Integer("axis", 0), first.Shape.Length);
        int[] shape = [.. first.Shape];
        for (int i = 1; i < call.Inputs.Count; i++)
        {
            int[] other = call[i].Shape;
            if (other.Length != shape.Length || other.Where((size, at) => at != axis && size != shape[at]).Any())
                throw call.Wrong($"joins [{string.Join(", ", first.Shape)}] and [{string.Join(", ", other)}]");
            shape[axis] = (int)Math.Min((long)shape[axis] + other[axis], Array.MaxLength);
        }

        double[] y = call.Budget.Allocate(shape);
        int outer = (int)Value.Count(shape.AsSpan(0, axis));
        for (int row = 0, at = 0; row < outer && y.Length > 0; row++)
        {
            for (int i = 0; i < call.Inputs.Count; i++)
            {
                int length = call[i].Data.Length / outer;
                call[i].Data.AsSpan(row * length, length).CopyTo(y.AsSpan(at));
                at += length;
            }
        }

        return first with { Shape = shape, Data = y };
    }

    // Bounds are attributes up to opset 9, inputs later.
    private static Value Slice(NodeCall call)
    {
        var x = call[0];
        int rank = x.Shape.Length;
        long[] starts = call.Integers(1, "starts") ?? throw call.Wrong("has no starts"), ends = call.Integers(2, "ends") ?? throw call.Wrong("has no ends");
        long[] axes = call.Integers(3, "axes") ?? [.. Enumerable.Range(0, starts.Length).Select(axis => (long)axis)];
        long[] steps = call.Integers(4, "steps") ?? [.. Enumerable.Repeat(1L, starts.Length)];
        if (ends.Length != starts.Length || axes.Length != starts.Length || steps.Length != starts.Length || steps.Any(step => step != 1))
            throw call.Wrong("has bounds that are not followed");
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = call.Axis(axes[i], rank), size = x.Shape[axis];
            int from = (int)Math.Clamp(starts[i] < 0 ? starts[i] + size : starts[i], 0, size), to = (int)Math.Clamp(ends[i] < 0 ? ends[i] + size : ends[i], from, size);
            x = Taken(x, axis, [.. Enumerable.Range(from, to - from)], [to - from], call);
        }

        return x;
    }

    private static Value Gather(NodeCall call)
    {
        var (x, indices) = (call[0], call[1]);
        int axis = call.Axis(call.Integer("axis", 0), x.Shape.Length);
        int[] places = [.. indices.Data.Select(index => call.Axis((long)index, x.Shape[axis]))];
        return Taken(x, axis, places, indices.Shape, call);
    }

    // Places along one axis; the axis becomes those of the places' own shape.
    private static Value Taken(Value x, int axis, int[] places, int[] placesShape, NodeCall call)
    {
        int[] shape = [.. x.Shape[..axis], .. placesShape, .. x.Shape[(axis + 1)..]];
        double[] y = call.Budget.Allocate(shape);
        int inner = (int)Value.Count(x.Shape.AsSpan(axis + 1)), outer = (int)Value.Count(x.Shape.AsSpan(0, axis));
        for (int row = 0, at = 0; row < outer; row++)
        {
            foreach (int place in places)
            {
                x.Data.AsSpan(((row * x.Shape[axis]) + place) * inner, inner).CopyTo(y.AsSpan(at));
                at += inner;
            }
        }

        return x with { Shape = shape, Data = y };
    }

    private static Value Shape(NodeCall call)
    {
        int rank = call[0].Shape.Length;
        int from = (int)Math.Clamp(call.Integer("start", 0) is var start && start < 0 ? start + rank : start, 0, rank);
        int to = (int)Math.Clamp(call.Integer("end", rank) is var end && end < 0 ? end + rank : end, from, rank);
        return Value.Integers([.. call[0].Shape[from..to].Select(size => (long)size)]);
    }

    private static Value ConstantOfShape(NodeCall call)
    {
        int[] shape = [.. call[0].Data.Select(size => size is >= 0 and <= int.MaxValue ? (int)size : throw call.Wrong("has a size that is none"))];
        var fill = call.Attribute("value")?.T is { } tensor ? TensorReader.Read(tensor, (what, _) => throw new NotFollowedException($"its constant {what}")) : new Value([1], [0]);
        if (fill.Data.Length != 1)
            throw call.Wrong("fills with more than one number");
        double[] y = call.Budget.Allocate(shape);
        Array.Fill(y, fill.Data[0]);
        return new Value(shape, y, fill.Integer);
    }
}
