using Op = System.Func<ToyPipeline.Export.Onnx.NodeCall, ToyPipeline.Export.Onnx.Value>;

namespace ToyPipeline.Export.Onnx;

/// <summary>Nonlinearities that no toy model has: a graph with them is followed to know that it can be evaluated in bounded time and memory.</summary>
internal static partial class Operators
{
    private static readonly Dictionary<string, Op> s_activations = new(StringComparer.Ordinal)
    {
        ["Abs"] = call => Map(call, Math.Abs),
        ["Exp"] = call => Map(call, Math.Exp),
        ["Log"] = call => Map(call, Math.Log),
        ["Sqrt"] = call => Map(call, Math.Sqrt),
        ["Reciprocal"] = call => Map(call, value => 1 / value),
        ["Sigmoid"] = call => Map(call, value => 1 / (1 + Math.Exp(-value))),
        ["Tanh"] = call => Map(call, Math.Tanh),
        ["Softplus"] = call => Map(call, value => Math.Log(1 + Math.Exp(value))),
        ["Erf"] = call => Map(call, Erf),
        ["Gelu"] = call => Map(call, value => value * (1 + Erf(value / Math.Sqrt(2))) / 2),
        ["LeakyRelu"] = call => Slope(call, call.Number("alpha", 0.01)),
        ["Elu"] = call => Map(call, value => value < 0 ? call.Number("alpha", 1) * (Math.Exp(value) - 1) : value),
        ["PRelu"] = call => Broadcast(call, (value, slope) => value < 0 ? slope * value : value),
        ["Pow"] = call => Broadcast(call, Math.Pow),
        ["Softmax"] = Softmax,
        ["ReduceMean"] = ReduceMean,
    };

    private static Value Slope(NodeCall call, double slope) => Map(call, value => value < 0 ? slope * value : value);

    // Abramowitz & Stegun 7.1.26, to 1.5e-7: what it is needed for asks for no more.
    private static double Erf(double x)
    {
        double t = 1 / (1 + (0.3275911 * Math.Abs(x)));
        double tail = t * (0.254829592 + (t * (-0.284496736 + (t * (1.421413741 + (t * (-1.453152027 + (t * 1.061405429))))))));
        return Math.Sign(x) * (1 - (tail * Math.Exp(-x * x)));
    }

    private static Value Softmax(NodeCall call)
    {
        var x = call[0];
        int axis = call.Axis(call.Integer("axis", call.Opset < 13 ? 1 : -1), x.Shape.Length);
        if (axis != x.Shape.Length - 1)
            throw call.Wrong("runs along another axis than the last");
        double[] y = call.Budget.Allocate(x.Shape);
        int size = x.Shape[axis];
        for (int row = 0; row < y.Length; row += size)
        {
            double largest = x.Data.AsSpan(row, size).ToArray().Max();
            double sum = 0;
            for (int i = row; i < row + size; i++)
                sum += y[i] = Math.Exp(x.Data[i] - largest);
            for (int i = row; i < row + size; i++)
                y[i] /= sum;
        }

        return new Value(x.Shape, y);
    }

    private static Value ReduceMean(NodeCall call)
    {
        var sum = ReduceSum(call);
        double share = sum.Data.Length == 0 ? 0 : (double)sum.Data.Length / call[0].Data.Length;
        return sum with { Data = Array.ConvertAll(sum.Data, value => value * share) };
    }
}
