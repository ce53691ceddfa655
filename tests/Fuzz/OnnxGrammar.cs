using Google.Protobuf;
using Google.Protobuf.Collections;
using ToyPipeline.Export;
using ToyPipeline.Export.Onnx;

namespace ToyPipeline.Fuzz;

/// <summary>Changes ONNX models part by part: nodes, wires, attributes, shapes, types, values.</summary>
internal static class OnnxGrammar
{
    private static readonly string[] s_operators =
    [
        "Identity", "Dropout", "Cast", "CastLike", "Constant", "Relu", "Neg", "Clip", "Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Greater", "Less", "Equal", "Where",
        "MatMul", "Gemm", "Einsum", "ReduceSum", "ReduceMean", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Concat", "Slice", "Gather", "Shape",
        "ConstantOfShape", "Softmax", "Pow", "Sigmoid", "LeakyRelu", "Erf", "Gelu", "Loop", "",
    ];

    private static readonly string[] s_attributes = ["perm", "axis", "axes", "transA", "transB", "alpha", "to", "value", "value_ints", "equation", "keepdims", "starts", "ends", "shape", "allowzero", "start", "end"];
    private static readonly string[] s_equations = ["bi,ij->bj", "...if,ifh->...ih", "ab,bc", "aa->a", "i,j->ij", "...->...", "ab->", ",->", "ab,cd->abcd", "a...b,b...c->..."];

    public static FuzzTarget Target { get; } = new("onnx", bytes => ModelReader.Open(new MemoryStream(bytes), "fuzz.onnx"), Mutate, []);

    private static byte[]? Mutate(byte[] input, byte[] other, Random random)
    {
        if (Parse(input) is not { Graph: { } graph } model)
            return null;
        for (int change = random.Next(1, 4); change > 0; change--)
        {
            if (graph.Node.Count > 0 && random.Next(3) > 0)
                ChangeNode(graph, Parse(other)?.Graph, random);
            else
                ChangeRest(model, graph, random);
        }

        return model.ToByteArray();
    }

    private static ModelProto? Parse(byte[] bytes)
    {
        try
        {
            return ModelProto.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    private static void ChangeNode(GraphProto graph, GraphProto? other, Random random)
    {
        int at = random.Next(graph.Node.Count);
        var node = graph.Node[at];
        switch (random.Next(8))
        {
            case 0:
                node.OpType = One(s_operators, random);
                break;
            case 1:
                Put(node.Input, Wire(graph, random), random);
                break;
            case 2:
                Put(node.Output, Wire(graph, random), random);
                break;
            case 3:
                node.Attribute.Add(Attribute(random));
                break;
            case 4 when node.Attribute.Count > 0:
                node.Attribute.RemoveAt(random.Next(node.Attribute.Count));
                break;
            case 5:
                graph.Node.RemoveAt(at);
                break;
            case 6:
                graph.Node.Insert(random.Next(graph.Node.Count + 1), new NodeProto { OpType = One(s_operators, random), Input = { Wire(graph, random), Wire(graph, random) }, Output = { $"n{random.Next(1000)}" } });
                break;
            case 7 when other is { Node.Count: > 0 }:
                graph.Node.Insert(at, other.Node[random.Next(other.Node.Count)].Clone());
                break;
        }
    }

    private static void ChangeRest(ModelProto model, GraphProto graph, Random random)
    {
        switch (random.Next(6))
        {
            case 0 when graph.Initializer.Count > 0:
                var tensor = graph.Initializer[random.Next(graph.Initializer.Count)];
                Put(tensor.Dims, random.Next(2) == 0 ? ByteMutator.Telling(random) : random.Next(10), random);
                break;
            case 1 when graph.Initializer.Count > 0:
                graph.Initializer[random.Next(graph.Initializer.Count)].DataType = random.Next(18);
                break;
            case 2:
                graph.Initializer.Add(Tensor(random, $"n{random.Next(1000)}"));
                break;
            case 3 when graph.Input.Count > 0 && graph.Input[0].Type?.TensorType?.Shape is { Dim.Count: > 0 } shape:
                shape.Dim[random.Next(shape.Dim.Count)] = new TensorShapeProto.Types.Dimension { DimValue = random.Next(2) == 0 ? ByteMutator.Telling(random) : random.Next(9) };
                break;
            case 4 when graph.Output.Count > 0:
                graph.Output[0].Name = Wire(graph, random);
                break;
            default:
                model.OpsetImport.Clear();
                model.OpsetImport.Add(new OperatorSetIdProto { Version = random.Next(25) });
                break;
        }
    }

    private static AttributeProto Attribute(Random random)
    {
        var attribute = new AttributeProto { Name = One(s_attributes, random), I = Number(random), F = random.NextSingle() };
        for (int i = random.Next(4); i > 0; i--)
            attribute.Ints.Add(Number(random));
        attribute.S = ByteString.CopyFromUtf8(One(s_equations, random));
        attribute.T = Tensor(random, "");
        return attribute;
    }

    private static TensorProto Tensor(Random random, string name)
    {
        var tensor = new TensorProto { Name = name, DataType = random.Next(2) == 0 ? 7 : 1 };
        int count = random.Next(5);
        if (random.Next(4) > 0)
            tensor.Dims.Add(count);
        for (int i = 0; i < count; i++)
        {
            if (tensor.DataType == 7)
                tensor.Int64Data.Add(Number(random));
            else
                tensor.FloatData.Add(random.NextSingle());
        }

        return tensor;
    }

    private static long Number(Random random) => random.Next(4) == 0 ? ByteMutator.Telling(random) : random.Next(-3, 8);

    private static string Wire(GraphProto graph, Random random)
    {
        string[] names = [.. graph.Input.Select(value => value.Name), .. graph.Initializer.Select(tensor => tensor.Name), .. graph.Node.SelectMany(node => node.Output), ""];
        return One(names, random);
    }

    private static void Put<T>(RepeatedField<T> list, T value, Random random)
    {
        if (list.Count > 0 && random.Next(4) > 0)
            list[random.Next(list.Count)] = value;
        else
            list.Add(value);
    }

    private static T One<T>(T[] values, Random random) => values[random.Next(values.Length)];
}
