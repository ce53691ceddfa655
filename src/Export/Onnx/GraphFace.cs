namespace ToyPipeline.Export.Onnx;

/// <summary>What a graph takes: <c>x [batch, features]</c>, <c>[batch, instances, features]</c>, or a single <c>[features]</c>.</summary>
/// <param name="Input">Name of the input.</param>
/// <param name="Shape">Sizes with which it is probed; a free batch is 1.</param>
/// <param name="Batch">Samples in the input.</param>
/// <param name="Instances">Models side by side; 1 of a single model.</param>
/// <param name="Features">n.</param>
internal sealed record GraphFace(string Input, int[] Shape, int Batch, int Instances, int Features)
{
    private const int MaxFeatures = 1 << 16;
    private const int MaxBatch = 1 << 12;

    /// <summary>The face of a graph with one float input of known size.</summary>
    /// <exception cref="NotFollowedException">It has another face.</exception>
    public static GraphFace Of(OnnxGraph graph)
    {
        // Old files list their initializers among the inputs.
        var inputs = graph.Inputs.Where(input => !graph.HasInitializer(input.Name)).ToList();
        if (inputs is not [{ Name.Length: > 0, Type.TensorType: { } tensor } input])
            throw new NotFollowedException($"it has {inputs.Count} inputs where one tensor is expected");
        if ((TensorProto.Types.DataType)tensor.ElemType is not (TensorProto.Types.DataType.Float or TensorProto.Types.DataType.Double or TensorProto.Types.DataType.Float16 or TensorProto.Types.DataType.Bfloat16))
            throw new NotFollowedException($"its input has ONNX data type {tensor.ElemType} where floats are expected");
        long[] dims = tensor.Shape is { } shape ? [.. shape.Dim.Select(dim => dim.HasDimValue ? dim.DimValue : 0)] : [];
        if (dims.Length is < 1 or > 3 || dims[^1] is < 1 or > MaxFeatures || (dims.Length > 1 && dims[0] is < 0 or > MaxBatch) || (dims.Length == 3 && dims[1] is < 1 or > MaxFeatures))
            throw new NotFollowedException($"its input has the shape [{Shown.Sizes(dims)}] where [batch, features] with a known number of features is expected");
        int n = (int)dims[^1], batch = dims.Length == 1 ? 1 : Math.Max(1, (int)dims[0]), instances = dims.Length == 3 ? (int)dims[1] : 1;
        return new GraphFace(input.Name, dims.Length switch { 1 => [n], 2 => [batch, n], _ => [batch, instances, n] }, batch, instances, n);
    }

    /// <summary>An input all of whose samples are <paramref name="sample"/>, [instances, features].</summary>
    public Value Repeat(double[] sample)
    {
        double[] data = new double[Batch * sample.Length];
        for (int row = 0; row < Batch; row++)
            sample.CopyTo(data, row * sample.Length);
        return new Value(Shape, data);
    }
}

/// <summary>Where one sample's values <c>[instances, size]</c> lie in a tensor of a graph that is fed one sample, or a batch of equal ones.</summary>
internal sealed class SampleLayout
{
    private readonly int[] _shape;
    private readonly int[] _place;

    private SampleLayout(int[] shape, int[] place, int size) => (_shape, _place, Size) = (shape, place, size);

    /// <summary>Values of an instance.</summary>
    public int Size { get; }

    /// <summary>The layout of a value that came of equal samples with random values; null where it holds no whole number for each sample and instance.</summary>
    public static SampleLayout? Of(Value value, GraphFace face)
    {
        if (value.Integer || value.Data.Length == 0 || value.Data.Length % (face.Batch * face.Instances) != 0)
            return null;
        int batchAxis = face.Batch == 1 ? -1 : Array.FindIndex([.. Enumerable.Range(0, value.Shape.Length)], axis => value.Shape[axis] == face.Batch && IsConstant(value, axis));
        if (face.Batch > 1 && batchAxis < 0)
            return null;
        int[] axes = [.. Enumerable.Range(0, value.Shape.Length).Where(axis => axis != batchAxis && value.Shape[axis] != 1)];
        int size = value.Data.Length / (face.Batch * face.Instances);
        // Instances come first, as the input has them; where they come last, the order is turned round.
        bool turned = face.Instances > 1 && axes.Length == 2 && value.Shape[axes[0]] != face.Instances && value.Shape[axes[1]] == face.Instances;
        int inner = batchAxis < 0 ? 1 : (int)Value.Count(value.Shape.AsSpan(batchAxis + 1));
        int[] place = new int[value.Data.Length];
        for (int i = 0; i < place.Length; i++)
        {
            int at = batchAxis < 0 ? i : (i / (inner * face.Batch) * inner) + (i % inner);
            place[i] = turned ? (at % face.Instances * size) + (at / face.Instances) : at;
        }

        return new SampleLayout(value.Shape, place, size);
    }

    // Along the batch all samples are equal; along another axis of the same size they are not.
    private static bool IsConstant(Value value, int axis)
    {
        int inner = (int)Value.Count(value.Shape.AsSpan(axis + 1)), block = inner * value.Shape[axis];
        for (int i = 0; i < value.Data.Length; i++)
        {
            if (value.Data[i] != value.Data[(i / block * block) + (i % inner)])
                return false;
        }

        return true;
    }

    /// <summary>One sample, [instances, size].</summary>
    public double[] Read(Value value, GraphFace face)
    {
        double[] sample = new double[face.Instances * Size];
        if (value.Data.Length != _place.Length)
            throw new NotFollowedException("it makes tensors whose shape depends on their values");
        for (int i = 0; i < _place.Length; i++)
            sample[_place[i]] = value.Data[i];
        return sample;
    }

    /// <summary>The tensor all of whose samples are <paramref name="sample"/>.</summary>
    public Value Write(double[] sample) => new(_shape, Array.ConvertAll(_place, place => sample[place]));
}
