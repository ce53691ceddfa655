using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ToyPipeline.Core.Tests;

/// <summary>As much of JSON Schema draft-07 as experiment.schema.json uses; a keyword that is not known fails the test.</summary>
internal static partial class JsonSchema
{
    /// <summary>YAML as an editor's schema check sees it: plain scalars are numbers and booleans where they look like them.</summary>
    public static JsonNode? FromYaml(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return Convert(stream.Documents[0].RootNode);
    }

    /// <summary>What is wrong with a value, each with its place; empty when it conforms.</summary>
    public static IReadOnlyList<string> Problems(JsonNode? value, JsonObject schema, string at = "$")
    {
        var problems = new List<string>();
        foreach (var (keyword, rule) in schema)
            problems.AddRange(Check(keyword, rule!, value, schema, at));
        return problems;
    }

    private static IEnumerable<string> Check(string keyword, JsonNode rule, JsonNode? value, JsonObject schema, string at) => keyword switch
    {
        "$schema" or "title" or "description" or "default" => [],
        "type" => Types(rule).Any(type => Is(type, value)) ? [] : [$"{at} is no {rule.ToJsonString()}"],
        "enum" => rule.AsArray().Any(allowed => JsonNode.DeepEquals(allowed, value)) ? [] : [$"{at} is none of {rule.ToJsonString()}"],
        "const" => JsonNode.DeepEquals(rule, value) ? [] : [$"{at} is not {rule.ToJsonString()}"],
        "pattern" => value?.GetValueKind() != System.Text.Json.JsonValueKind.String || Regex.IsMatch((string)value!, (string)rule!) ? [] : [$"{at} does not match {rule}"],
        "minimum" => Number(value) < (double)rule ? [$"{at} is below {rule}"] : [],
        "maximum" => Number(value) > (double)rule ? [$"{at} is above {rule}"] : [],
        "exclusiveMinimum" => Number(value) <= (double)rule ? [$"{at} is not above {rule}"] : [],
        "exclusiveMaximum" => Number(value) >= (double)rule ? [$"{at} is not below {rule}"] : [],
        "required" => value is JsonObject o ? rule.AsArray().Where(key => !o.ContainsKey((string)key!)).Select(key => $"{at}.{key} is missing") : [],
        "properties" => value is JsonObject o
            ? rule.AsObject().Where(pair => o.ContainsKey(pair.Key)).SelectMany(pair => Problems(o[pair.Key], pair.Value!.AsObject(), $"{at}.{pair.Key}")) : [],
        "additionalProperties" => value is JsonObject o
            ? o.Where(pair => schema["properties"]?.AsObject().ContainsKey(pair.Key) != true).SelectMany(pair => rule is JsonObject inner
                ? Problems(pair.Value, inner, $"{at}.{pair.Key}") : [$"{at}.{pair.Key} is not known"]) : [],
        "items" => value is JsonArray list ? list.SelectMany((item, i) => Problems(item, rule.AsObject(), $"{at}[{i}]")) : [],
        "minItems" => value is JsonArray list && list.Count < (int)rule ? [$"{at} is too short"] : [],
        "maxItems" => value is JsonArray list && list.Count > (int)rule ? [$"{at} is too long"] : [],
        "uniqueItems" => value is JsonArray list && list.Select(item => item?.ToJsonString()).Distinct().Count() < list.Count ? [$"{at} has a value twice"] : [],
        "oneOf" => rule.AsArray().Count(option => Problems(value, option!.AsObject(), at).Count == 0) == 1 ? [] : [$"{at} is not exactly one of the forms"],
        "anyOf" => rule.AsArray().Any(option => Problems(value, option!.AsObject(), at).Count == 0) ? [] : [$"{at} is none of the forms"],
        "not" => Problems(value, rule.AsObject(), at).Count > 0 ? [] : [$"{at} is what it must not be"],
        _ => throw new NotSupportedException($"The schema keyword {keyword} is not known here."),
    };

    private static IEnumerable<string> Types(JsonNode rule) => rule is JsonArray several ? several.Select(type => (string)type!) : [(string)rule!];

    private static bool Is(string type, JsonNode? value) => type switch
    {
        "object" => value is JsonObject,
        "array" => value is JsonArray,
        "string" => value?.GetValueKind() == System.Text.Json.JsonValueKind.String,
        "number" => Number(value) is not null,
        "integer" => Number(value) is { } number && number == Math.Floor(number),
        "boolean" => value?.GetValueKind() is System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False,
        _ => throw new NotSupportedException(type),
    };

    private static double? Number(JsonNode? value) => value?.GetValueKind() == System.Text.Json.JsonValueKind.Number ? (double)value : null;

    private static JsonNode? Convert(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(map.Children.Select(pair => KeyValuePair.Create(((YamlScalarNode)pair.Key).Value!, Convert(pair.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(Convert)]),
        YamlScalarNode { Style: ScalarStyle.Plain } plain => Plain(plain.Value ?? ""),
        YamlScalarNode text => JsonValue.Create(text.Value),
        _ => null,
    };

    private static JsonValue? Plain(string text) => text switch
    {
        "" or "~" or "null" => null,
        "true" or "false" => JsonValue.Create(text == "true"),
        _ => LooksLikeNumber().IsMatch(text) ? JsonValue.Create(double.Parse(text, CultureInfo.InvariantCulture)) : JsonValue.Create(text),
    };

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\z")]
    private static partial Regex LooksLikeNumber();
}
