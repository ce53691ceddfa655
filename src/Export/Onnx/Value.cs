namespace ToyPipeline.Export.Onnx;

/// <summary>A tensor while a graph is followed: row-major numbers in float64, whatever type the file stores them in.</summary>
/// <param name="Shape">Sizes, outermost first; empty for a single number.</param>
/// <param name="Data">Values; their number is the product of <paramref name="Shape"/>.</param>
/// <param name="Integer">Whether it counts or indexes: a shape, an axis, a condition. Such a value carries no activations.</param>
internal sealed record Value(int[] Shape, double[] Data, bool Integer = false)
{
    /// <summary>Number of values that <paramref name="shape"/> holds.</summary>
    public static long Count(ReadOnlySpan<int> shape)
    {
        long count = 1;
        foreach (int size in shape)
            count = checked(count * size);
        return count;
    }

    public static Value Integers(params ReadOnlySpan<long> values)
    {
        double[] data = new double[values.Length];
        for (int i = 0; i < data.Length; i++)
            data[i] = values[i];
        return new Value([data.Length], data, true);
    }
}

/// <summary>A graph does something that is not followed here; what and why is the message, without the file's name.</summary>
internal sealed class NotFollowedException(string message) : Exception(message);

/// <summary>How much work following a foreign graph may take: it ends in bounded time and memory whatever the file says.</summary>
internal sealed class WorkBudget
{
    /// <summary>Multiply-adds over all evaluations: some ten seconds.</summary>
    public const long DefaultWork = 4_000_000_000;

    // What a value costs that is computed by itself, in multiply-adds.
    private const int ValueWork = 16;

    // Tensors of the largest size that may be held at once.
    private const int MaxHeld = 16;

    private readonly long _largest;
    private long _left;
    private long _held;

    /// <param name="largest">Values that one tensor may have.</param>
    /// <param name="work">Multiply-adds that are allowed.</param>
    public WorkBudget(long largest, long work = DefaultWork) => (_largest, _left) = (largest, work);

    /// <summary>Room for a tensor of <paramref name="shape"/>.</summary>
    public double[] Allocate(ReadOnlySpan<int> shape)
    {
        Int128 count = 1;
        foreach (int size in shape)
        {
            // A size of 0 must not hide that the others are too large.
            count *= Math.Max(size, 1);
            if (size < 0 || count > _largest)
                throw new NotFollowedException($"it makes a tensor of shape [{string.Join(", ", shape.ToArray())}], far larger than its weights");
        }

        Spend(ValueWork * (long)count);
        return new double[(int)Value.Count(shape)];
    }

    /// <summary>Takes note of a value that stays.</summary>
    public void Hold(Value value)
    {
        _held += value.Data.LongLength;
        if (_held > MaxHeld * _largest)
            throw new NotFollowedException("it makes tensors that together are far larger than its weights");
    }

    /// <summary>Takes <paramref name="work"/> from what is left.</summary>
    public void Spend(long work)
    {
        _left -= work;
        if (_left < 0)
            throw new NotFollowedException("it takes more arithmetic to follow than is allowed to a file");
    }
}
