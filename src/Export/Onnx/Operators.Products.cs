namespace ToyPipeline.Export.Onnx;

/// <summary>Products and sums over axes.</summary>
internal static partial class Operators
{
    /// <summary><c>numpy.matmul</c>: matrices in the last two axes, the axes before them broadcast.</summary>
    private static Value MatMul(Value a, Value b, NodeCall call)
    {
        if (a.Shape.Length == 0 || b.Shape.Length == 0)
            throw call.Wrong("multiplies a single number");
        int[] left = a.Shape.Length == 1 ? [1, a.Shape[0]] : a.Shape, right = b.Shape.Length == 1 ? [b.Shape[0], 1] : b.Shape;
        int rows = left[^2], inner = left[^1], columns = right[^1];
        if (right[^2] != inner)
            throw call.Wrong($"multiplies the shapes [{string.Join(", ", a.Shape)}] and [{string.Join(", ", b.Shape)}]");
        int[] batch = BroadcastShape(left[..^2], right[..^2], call);
        int[] shape = [.. batch, rows, columns];
        double[] y = call.Budget.Allocate(shape);
        int batches = (int)Value.Count(batch);
        var (ia, ib) = (new Strides(left[..^2], batch), new Strides(right[..^2], batch));
        for (int i = 0; i < batches; i++)
        {
            Multiply(
                new Matrix(a.Data, ia.Offset(i) * rows * inner, rows, inner, inner, 1), new Matrix(b.Data, ib.Offset(i) * inner * columns, inner, columns, columns, 1),
                y.AsSpan(i * rows * columns, rows * columns), call.Budget);
        }

        if (b.Shape.Length == 1)
            shape = shape[..^1];
        if (a.Shape.Length == 1)
            shape = [.. batch, .. b.Shape.Length == 1 ? Array.Empty<int>() : [columns]];
        return new Value(shape, y);
    }

    // A matrix in a tensor: element (row, column) lies at Start + row · Down + column · Right.
    private readonly record struct Matrix(double[] Data, int Start, int Rows, int Columns, int Down, int Right)
    {
        public double this[int row, int column] => Data[Start + (row * Down) + (column * Right)];

        public Matrix Turned => new(Data, Start, Columns, Rows, Right, Down);

        public static Matrix Of(Value value, NodeCall call) =>
            value.Shape is [var rows, var columns] ? new Matrix(value.Data, 0, rows, columns, columns, 1) : throw call.Wrong("multiplies what are no matrices");
    }

    // y += a·b. Zeros of a and of a narrow b cost nothing: inputs with one active feature are mostly zeros, and large models are followed quickly.
    private static void Multiply(Matrix a, Matrix b, Span<double> y, WorkBudget budget)
    {
        const int Narrow = 4;
        int columns = b.Columns;
        long work = 0;
        for (int k = 0; k < b.Rows; k++)
        {
            if (columns <= Narrow && IsZero(b, k))
                continue;
            for (int i = 0; i < a.Rows; i++)
            {
                double factor = a[i, k];
                if (factor == 0)
                    continue;
                work += columns;
                var target = y.Slice(i * columns, columns);
                if (b.Right == 1)
                    AddScaled(target, b.Data.AsSpan(b.Start + (k * b.Down), columns), factor);
                else
                    for (int j = 0; j < columns; j++)
                        target[j] += factor * b[k, j];
            }

            work += a.Rows;
        }

        budget.Spend(work + b.Rows);
    }

    private static void AddScaled(Span<double> target, ReadOnlySpan<double> row, double factor)
    {
        for (int j = 0; j < row.Length; j++)
            target[j] += factor * row[j];
    }

    private static bool IsZero(Matrix b, int row)
    {
        for (int column = 0; column < b.Columns; column++)
        {
            if (b[row, column] != 0)
                return false;
        }

        return true;
    }

    /// <summary><c>alpha · A' · B' + beta · C</c>, where ' stands for transA and transB.</summary>
    private static Value Gemm(NodeCall call)
    {
        Matrix a = Matrix.Of(call[0], call), b = Matrix.Of(call[1], call);
        a = call.Integer("transA", 0) != 0 ? a.Turned : a;
        b = call.Integer("transB", 0) != 0 ? b.Turned : b;
        if (a.Columns != b.Rows)
            throw call.Wrong($"multiplies the shapes [{a.Rows}, {a.Columns}] and [{b.Rows}, {b.Columns}]");
        int[] shape = [a.Rows, b.Columns];
        double[] y = call.Budget.Allocate(shape);
        Multiply(a, b, y, call.Budget);
        double alpha = call.Number("alpha", 1), beta = call.Number("beta", 1);
        var product = new Value(shape, alpha == 1 ? y : Array.ConvertAll(y, value => alpha * value));
        return call.Optional(2) is { } c ? Broadcast(product, c, (p, q) => p + (beta * q), call) : product;
    }

    /// <summary>Einstein summation of one or two operands, as <c>numpy.einsum</c>: letters that the result lacks are summed over.</summary>
    private static Value Einsum(NodeCall call)
    {
        string equation = (call.Attribute("equation")?.S.ToStringUtf8() ?? "").Replace(" ", "", StringComparison.Ordinal);
        string[] sides = equation.Split("->");
        string[] terms = sides[0].Split(',');
        if (terms.Length != call.Inputs.Count || terms.Length > 2 || sides.Length > 2 || equation.Length > 60)
            throw call.Wrong($"has the equation {Shown.Name(equation)}");
        var sizes = new SortedDictionary<char, int>();
        var ellipsis = "";
        for (int t = 0; t < terms.Length; t++)
            (terms[t], ellipsis) = Letters(terms[t], call[t], sizes, ellipsis, call);
        string all = string.Concat(terms);
        // Without a right side: the ellipsis, then every letter that stands once.
        string result = sides.Length == 2
            ? sides[1].Replace("...", ellipsis, StringComparison.Ordinal)
            : ellipsis + string.Concat(all.Where(char.IsLetter).Where(c => all.Count(other => other == c) == 1).Distinct().Order());
        if (result.Any(c => !sizes.ContainsKey(c)) || result.Distinct().Count() != result.Length)
            throw call.Wrong($"has the equation {Shown.Name(equation)}");
        return Sum(terms, result, sizes, call);
    }

    // The letters of a term, with digits in place of its ellipsis, aligned at the end as broadcasting does.
    private static (string Term, string Ellipsis) Letters(string term, Value operand, SortedDictionary<char, int> sizes, string ellipsis, NodeCall call)
    {
        int free = operand.Shape.Length - term.Replace("...", "", StringComparison.Ordinal).Length;
        if (free is < 0 or > 6 || (free > 0 && !term.Contains("...", StringComparison.Ordinal)))
            throw call.Wrong($"has the term {Shown.Name(term)} for the shape [{string.Join(", ", operand.Shape)}]");
        string digits = "543210"[(6 - free)..];
        string letters = term.Replace("...", digits, StringComparison.Ordinal);
        if (letters.Any(c => !char.IsAsciiLetter(c) && !digits.Contains(c, StringComparison.Ordinal)) || letters.Length != operand.Shape.Length)
            throw call.Wrong($"has the term {Shown.Name(term)}");
        for (int axis = 0; axis < letters.Length; axis++)
        {
            int size = operand.Shape[axis], known = sizes.GetValueOrDefault(letters[axis], 1);
            if (size != known && size != 1 && known != 1)
                throw call.Wrong($"has two sizes for {letters[axis]}, {known} and {size}");
            sizes[letters[axis]] = Math.Max(size, known);
        }

        return (letters, digits.Length > ellipsis.Length ? digits : ellipsis);
    }

    private static Value Sum(string[] terms, string result, SortedDictionary<char, int> sizes, NodeCall call)
    {
        string letters = result + string.Concat(sizes.Keys.Where(c => !result.Contains(c, StringComparison.Ordinal)));
        int[] extents = [.. letters.Select(c => sizes[c])];
        int[] shape = [.. result.Select(c => sizes[c])];
        double[] y = call.Budget.Allocate(shape);
        int[][] steps = [.. terms.Select((term, t) => Steps(letters, term, call[t]))];
        Int128 work = extents.Aggregate((Int128)1, (product, size) => product * size);
        call.Budget.Spend(work > WorkBudget.DefaultWork ? WorkBudget.DefaultWork + 1 : (long)work);
        int inner = extents.Skip(shape.Length).Aggregate(1, (product, size) => product * size);
        int[] place = new int[letters.Length], offset = new int[terms.Length];
        for (int i = 0; i < y.Length; i++)
        {
            double sum = 0;
            for (int k = 0; k < inner; k++)
            {
                double product = call[0].Data[offset[0]];
                if (terms.Length == 2 && product != 0)
                    product *= call[1].Data[offset[1]];
                sum += product;
                Advance(place, offset, extents, steps);
            }

            y[i] = sum;
        }

        return new Value(shape, y);
    }

    // Distance between neighbours along each letter; a letter that stands twice in a term is its diagonal.
    private static int[] Steps(string letters, string term, Value operand)
    {
        int[] steps = new int[letters.Length];
        for (int axis = term.Length - 1, stride = 1; axis >= 0; stride *= operand.Shape[axis--])
            steps[letters.IndexOf(term[axis], StringComparison.Ordinal)] += operand.Shape[axis] == 1 ? 0 : stride;
        return steps;
    }

    private static void Advance(int[] place, int[] offset, int[] extents, int[][] steps)
    {
        for (int axis = place.Length - 1; axis >= 0; axis--)
        {
            place[axis]++;
            for (int t = 0; t < offset.Length; t++)
                offset[t] += steps[t][axis];
            if (place[axis] < extents[axis])
                return;
            for (int t = 0; t < offset.Length; t++)
                offset[t] -= steps[t][axis] * extents[axis];
            place[axis] = 0;
        }
    }

    private static Value ReduceSum(NodeCall call)
    {
        var x = call[0];
        int rank = x.Shape.Length;
        var summed = (call.Integers(1, "axes") ?? [.. Enumerable.Range(0, rank).Select(axis => (long)axis)]).Select(axis => call.Axis(axis, rank)).ToHashSet();
        int[] kept = [.. Enumerable.Range(0, rank).Where(axis => !summed.Contains(axis))];
        int[] shape = [.. kept.Select(axis => x.Shape[axis])];
        var moved = Permuted(x, [.. kept, .. summed.Order()], call);
        double[] y = call.Budget.Allocate(shape);
        int inner = y.Length == 0 ? 0 : moved.Data.Length / y.Length;
        for (int i = 0; i < y.Length; i++)
        {
            for (int k = 0; k < inner; k++)
                y[i] += moved.Data[(i * inner) + k];
        }

        return new Value(call.Integer("keepdims", 1) != 0 ? [.. x.Shape.Select((size, axis) => summed.Contains(axis) ? 1 : size)] : shape, y, x.Integer);
    }
}
