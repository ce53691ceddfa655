using Google.Protobuf;
using ToyPipeline.Core.Formats;
using ToyPipeline.Export.Onnx;
using Types = ToyPipeline.Export.Onnx.TensorProto.Types.DataType;

namespace ToyPipeline.Export.Tests;

/// <summary>Writes graphs as others would: node by node, with tensors of any type.</summary>
internal sealed class GraphBuilder
{
    public GraphBuilder(int opset, params long[] input)
    {
        Model.OpsetImport.Add(new OperatorSetIdProto { Version = opset });
        Model.Graph.Input.Add(Face("x", input));
    }

    public ModelProto Model { get; } = new() { IrVersion = 8, Graph = new GraphProto { Name = "main_graph" } };

    /// <summary>Adds a node and returns the name of its output.</summary>
    public string Node(string type, string[] inputs, params AttributeProto[] attributes)
    {
        string output = $"v{Model.Graph.Node.Count}";
        Model.Graph.Node.Add(new NodeProto { OpType = type, Name = $"/{type}", Input = { inputs }, Output = { output }, Attribute = { attributes } });
        return output;
    }

    public string Initializer(string name, long[] shape, IEnumerable<double> values, Types type = Types.Float, bool raw = true)
    {
        Model.Graph.Initializer.Add(Tensor(name, shape, values, type, raw));
        return name;
    }

    public string Constant(long[] shape, IEnumerable<double> values, Types type = Types.Float, bool raw = true) =>
        Node("Constant", [], new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = Tensor("", shape, values, type, raw) });

    /// <summary>The bytes of the file with <paramref name="outputs"/>.</summary>
    public byte[] Bytes(params string[] outputs)
    {
        Model.Graph.Output.Add(outputs.Select(output => Face(output, [])));
        return Model.ToByteArray();
    }

    public static AttributeProto Integers(string name, params long[] values) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints, Ints = { values } };

    public static AttributeProto Integer(string name, long value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value };

    public static TensorProto Tensor(string name, long[] shape, IEnumerable<double> values, Types type, bool raw)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)type, Dims = { shape } };
        if (raw)
            tensor.RawData = ByteString.CopyFrom([.. values.SelectMany(value => Raw(value, type))]);
        else
            AddTyped(tensor, values, type);
        return tensor;
    }

    public static ValueInfoProto Face(string name, long[] shape, Types type = Types.Float)
    {
        var tensor = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = new TensorShapeProto() };
        foreach (long size in shape)
            tensor.Shape.Dim.Add(size > 0 ? new TensorShapeProto.Types.Dimension { DimValue = size } : new TensorShapeProto.Types.Dimension { DimParam = "batch" });
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = tensor } };
    }

    /// <summary>Rows and columns exchanged.</summary>
    public static IEnumerable<double> Turned(IReadOnlyList<float> matrix, int rows, int columns) =>
        from column in Enumerable.Range(0, columns) from row in Enumerable.Range(0, rows) select (double)matrix[(row * columns) + column];

    public static EnsembleWeights Load(byte[] bytes) => ModelReader.Load(new MemoryStream(bytes), "test.onnx");

    private static byte[] Raw(double value, Types type) => type switch
    {
        Types.Double => BitConverter.GetBytes(value),
        Types.Float16 => BitConverter.GetBytes((Half)value),
        Types.Bfloat16 => BitConverter.GetBytes(BitConverter.SingleToInt32Bits((float)value))[2..],
        Types.Int64 => BitConverter.GetBytes((long)value),
        _ => BitConverter.GetBytes((float)value),
    };

    private static void AddTyped(TensorProto tensor, IEnumerable<double> values, Types type)
    {
        foreach (double value in values)
        {
            switch (type)
            {
                case Types.Double: tensor.DoubleData.Add(value); break;
                case Types.Float16: tensor.Int32Data.Add(BitConverter.ToUInt16(Raw(value, type))); break;
                case Types.Bfloat16: tensor.Int32Data.Add(BitConverter.ToUInt16(Raw(value, type))); break;
                case Types.Int64: tensor.Int64Data.Add((long)value); break;
                default: tensor.FloatData.Add((float)value); break;
            }
        }
    }
}
