using System.Globalization;
using ToyPipeline.Analysis.Stage;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Claims;

/// <summary>Looks up what a claim measures on an instance.</summary>
internal static class MeasuredValue
{
    /// <summary>The value: a name (<see cref="string"/>), features (list of int), a number (<see cref="double"/>), or many (list of double).</summary>
    /// <exception cref="InvalidInputException">The instance has no such feature or neuron, or there is no such measure.</exception>
    public static object Of(InstanceAnalysis analysis, MeasureName measure)
    {
        if (measure.IsText)
            return measure.Name == "geometry" ? analysis.Weights.Geometry : analysis.Weights.Represented;
        if (measure.IsMany)
            return Many(analysis, measure);
        return Number(analysis, measure);
    }

    /// <summary>The value of a measure that is a single number.</summary>
    /// <inheritdoc cref="Of" path="/exception"/>
    public static double Number(InstanceAnalysis analysis, MeasureName measure)
    {
        var weights = analysis.Weights;
        int n = weights.Features.Count;
        return (measure.Name, measure.Places) switch
        {
            ("G", [var i, var j]) => weights.G[(Feature(i) * n) + Feature(j)],
            ("cosine", [var i, var j]) => Cosine(Feature(i), Feature(j)),
            ("angle", [var i, var j]) => double.RadiansToDegrees(Math.Acos(Cosine(Feature(i), Feature(j)))),
            ("participation_ratio", [var k]) => k < weights.Neurons.Count
                ? weights.Neurons[k].ParticipationRatio
                : throw Wrong(analysis, measure, $"names neuron {k}", $"{weights.Neurons.Count} neurons"),
            (_, [var i]) => OfFeature(analysis, measure.Name, Feature(i)),
            _ => InstanceMeasures.Of(analysis, measure.ToString()),
        };

        int Feature(int i) => i < n ? i : throw Wrong(analysis, measure, $"names feature {i}", $"{n} features");

        // Not a number of a feature without a direction.
        double Cosine(int i, int j) => Math.Clamp(weights.G[(i * n) + j] / (weights.Features[i].Norm * weights.Features[j].Norm), -1, 1);
    }

    /// <summary>A value as tables show it.</summary>
    public static string Text(object value) => value switch
    {
        IReadOnlyList<int> features => Listed(features.Select(i => i.ToString(CultureInfo.InvariantCulture))),
        double number => Axis.Text(number),
        _ => (string)value,
    };

    public static string Listed(IEnumerable<string> values) => $"[{string.Join(", ", values)}]";

    private static double[] Many(InstanceAnalysis analysis, MeasureName measure)
    {
        if (ClaimMeasures.OfNeuron.Contains(measure.Name))
            return [.. analysis.Weights.Neurons.Select(neuron => neuron.ParticipationRatio)];
        var features = measure.Index == MeasureName.Represented ? analysis.Weights.Represented : Enumerable.Range(0, analysis.Weights.Features.Count);
        return [.. features.Select(i => OfFeature(analysis, measure.Name, i))];
    }

    private static double OfFeature(InstanceAnalysis analysis, string name, int i)
    {
        var feature = analysis.Weights.Features[i];
        return name switch
        {
            "norm" => feature.Norm,
            "superposition" => feature.Superposition,
            "dimensionality" => feature.Dimensionality,
            "bias" => feature.Bias,
            _ => analysis.Data?.Of(name, i) ?? double.NaN,
        };
    }

    private static InvalidInputException Wrong(InstanceAnalysis analysis, MeasureName measure, string what, string have) =>
        new($"The claim about {measure} cannot be checked: {measure} {what}, and the models of the cell {analysis.Instance.Cell} have {have}.");
}
