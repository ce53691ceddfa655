using System.Globalization;
using System.Text.RegularExpressions;

namespace ToyPipeline.Core.Experiments;

/// <summary>Puts the value of an axis into an experiment's tree.</summary>
internal static partial class AxisSetter
{
    // Keys that say the same thing in two ways: setting one takes the other away.
    private static readonly Dictionary<string, string> s_alternatives = new()
    {
        ["data.sparsity"] = "density",
        ["data.density"] = "sparsity",
        ["importance.decay"] = "values",
        ["importance.values"] = "decay",
    };

    /// <summary>Splits <c>data.density[4]</c> into path and index; null where it is no path.</summary>
    public static (string Path, int? Index)? Split(string path)
    {
        var match = IndexedPath().Match(path);
        if (!match.Success)
            return null;
        var index = match.Groups["index"];
        return (match.Groups["keys"].Value, index.Success ? int.Parse(index.ValueSpan, CultureInfo.InvariantCulture) : null);
    }

    /// <summary>Whether two axes cannot vary side by side, because one would undo what the other sets.</summary>
    /// <remarks>A setting and one of its entries can: the setting is put in first, whatever the order of the axes.</remarks>
    public static bool Exclude(string a, string b) =>
        Split(a) is { } x && Split(b) is { } y
        && (x == y || (s_alternatives.ContainsKey(x.Path) && y.Path == Sibling(x.Path, s_alternatives[x.Path])));

    /// <summary>The tree with all settings of a cell replaced; whole settings before entries of lists.</summary>
    public static YamlMap SetAll(YamlMap root, IReadOnlyList<Coordinate> coordinates, string file) =>
        coordinates.OrderBy(coordinate => Split(coordinate.Path)?.Index is not null)
            .Aggregate(root, (map, coordinate) => Set(map, coordinate, file));

    private static string Sibling(string path, string key) => path[..(path.LastIndexOf('.') + 1)] + key;

    /// <summary>The tree with one setting replaced; the new value carries the line of the axis.</summary>
    private static YamlMap Set(YamlMap root, Coordinate coordinate, string file)
    {
        var (path, index) = Split(coordinate.Path) ?? throw new InvalidInputException($"{file}: axis path {coordinate.Path} is not a setting.");
        long line = LineOf(root, coordinate.Path);
        return Set(root, path.Split('.'), section =>
        {
            string key = path[(path.LastIndexOf('.') + 1)..];
            YamlTree value = new YamlScalar(line, coordinate.Value);
            if (index is { } at)
                value = Replace(Expand(root, section, path, key, file, line), at, value, coordinate.Path, file);
            else if (s_alternatives.TryGetValue(path, out string? other))
                section = section.Without(other);
            return section.With(key, value);
        });
    }

    private static YamlMap Set(YamlMap map, ReadOnlySpan<string> keys, Func<YamlMap, YamlMap> change) =>
        keys.Length == 1 ? change(map) : map.With(keys[0], Set(map[keys[0]] as YamlMap ?? YamlMap.Empty, keys[1..], change));

    private static YamlList Replace(YamlList list, int index, YamlTree value, string path, string file) =>
        index < list.Items.Count
            ? list with { Items = [.. list.Items.Select((item, i) => i == index ? value : item)] }
            : throw YamlSection.Error(file, value, $"axis path {path}: the index goes from 0 to {list.Items.Count - 1}");

    // One number that stands for all features becomes a list, so that one feature's can be changed.
    private static YamlList Expand(YamlMap root, YamlMap section, string path, string key, string file, long line)
    {
        if (section[key] is YamlList list)
            return list;
        var value = section[key]
            ?? throw YamlSection.Error(file, new YamlScalar(line, ""), $"axis path {path}[...] needs {path} in the file: give it a value first");
        int features = new YamlSection(file, "model", root["model"] ?? YamlMap.Empty, "model").Integer("features", 1);
        return new YamlList(line, [.. Enumerable.Repeat(value, features)]);
    }

    private static long LineOf(YamlMap root, string path)
    {
        foreach (var axis in (root["axes"] as YamlList)?.Items.OfType<YamlMap>() ?? [])
        {
            if (axis["path"] is YamlScalar scalar && scalar.Text == path)
                return (axis["values"] ?? axis["log"] ?? axis["linear"] ?? scalar).Line;
        }

        return root.Line;
    }

    [GeneratedRegex(@"^(?<keys>[a-z0-9_]+(\.[a-z0-9_]+)+)(\[(?<index>\d{1,9})\])?\z", RegexOptions.CultureInvariant)]
    private static partial Regex IndexedPath();
}
