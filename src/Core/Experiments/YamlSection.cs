using System.Globalization;
using System.Text;

namespace ToyPipeline.Core.Experiments;

/// <summary>A mapping of an experiment file that knows its place: every error names file, line and key and says what is allowed.</summary>
internal sealed class YamlSection
{
    private readonly string _file;
    private readonly string _path;
    private readonly string _keysOf;
    private readonly YamlMap _node;
    private readonly YamlWords _words;

    /// <summary>Checks that <paramref name="node"/> is a mapping with known keys only.</summary>
    public YamlSection(string file, string path, YamlTree node, string keysOf, YamlWords? words = null)
    {
        _file = file;
        _path = path;
        _keysOf = keysOf;
        _words = words ?? YamlWords.Experiment;
        var allowed = _words.Keys[keysOf];
        _node = node as YamlMap
            ?? throw Error(file, node, $"{(path.Length == 0 ? _words.Document : path)} is not a mapping; its keys are {Listed(allowed)}");
        foreach (var (name, value) in _node.Pairs)
        {
            if (allowed.Contains(name))
                continue;
            string hint = ExperimentKeys.Closest(name, allowed) is { } close ? $"did you mean {close}? " : "";
            throw Error(file, value, $"unknown key {Join(path, name)}; {hint}Allowed here: {Listed(allowed)}");
        }
    }

    public bool Has(string key) => _node[key] is not null;

    public YamlTree? Node(string key) => _node[key];

    public YamlTree Required(string key) =>
        Node(key) ?? throw Error(_file, _node, $"{Join(_path, key)} is missing");

    public YamlSection? Section(string key) => Node(key) is { } node ? Sub(key, node) : null;

    public YamlSection Sub(string key, YamlTree node) => new(_file, Join(_path, key), node, Join(_keysOf, key), _words);

    public IEnumerable<YamlSection> Sections(string key)
    {
        if (Node(key) is not { } node)
            yield break;
        int index = 0;
        foreach (var item in Items(key, node))
            yield return new YamlSection(_file, $"{Join(_path, key)}[{index++}]", item, Join(_keysOf, key), _words);
    }

    public string Text(string key, string? fallback = null) =>
        Node(key) is { } node ? Scalar(key, node) : fallback ?? Scalar(key, Required(key));

    public int Integer(string key, int minimum, int? fallback = null, int maximum = int.MaxValue)
    {
        if (Node(key) is null && fallback is { } value)
            return value;
        var node = Required(key);
        string text = Scalar(key, node);
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number >= minimum && number <= maximum
            ? number
            : throw Wrong(key, node, text, $"a whole number from {minimum} to {maximum}");
    }

    public ulong Unsigned(string key, ulong fallback)
    {
        if (Node(key) is not { } node)
            return fallback;
        string text = Scalar(key, node);
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
            ? number
            : throw Wrong(key, node, text, "a whole number from 0 to 2^64 - 1");
    }

    public double Number(string key, Bounds bounds, double? fallback = null) =>
        Node(key) is null && fallback is { } value ? value : Number(key, Required(key), bounds);

    public bool Flag(string key, bool fallback) => Node(key) is { } node ? Flag(key, node, "true or false") : fallback;

    /// <summary>A section that <c>true</c> stands for with its defaults; <c>false</c> leaves it out, as does saying nothing.</summary>
    public YamlSection? OptionalSection(string key) =>
        Node(key) is not YamlScalar scalar ? Section(key) : Flag(key, scalar, "true, false, or a mapping") ? Sub(key, YamlMap.Empty) : null;

    public IReadOnlyList<double> Numbers(string key, Bounds bounds) =>
        [.. Items(key, Required(key)).Select((item, index) => Number($"{key}[{index}]", item, bounds))];

    public IReadOnlyList<int> Indices(string key, int below) =>
        [.. Items(key, Required(key)).Select((item, index) =>
        {
            string text = Scalar($"{key}[{index}]", item);
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < below
                ? number
                : throw Wrong($"{key}[{index}]", item, text, $"a feature index from 0 to {below - 1}");
        })];

    public IReadOnlyList<string> Texts(string key) => [.. Items(key, Required(key)).Select((item, index) => Scalar($"{key}[{index}]", item))];

    /// <summary>One number for every feature, or a list with one number a feature.</summary>
    public IReadOnlyList<double> PerFeature(string key, int features, Bounds bounds)
    {
        var node = Required(key);
        if (node is not YamlList)
            return [.. Enumerable.Repeat(Number(key, node, bounds), features)];
        var numbers = Numbers(key, bounds);
        return numbers.Count == features
            ? numbers
            : throw Error(_file, node, $"{Join(_path, key)} has {numbers.Count} values for {features} features; give one number, or one a feature");
    }

    public T Choice<T>(string key, T? fallback = null)
        where T : struct, Enum
    {
        if (Node(key) is null && fallback is { } value)
            return value;
        var node = Required(key);
        string text = Scalar(key, node);
        foreach (var choice in Enum.GetValues<T>())
        {
            if (KebabCase(choice) == text)
                return choice;
        }

        throw Wrong(key, node, text, "one of " + Listed(Enum.GetValues<T>().Select(choice => KebabCase(choice))));
    }

    public InvalidInputException Error(string key, string what) => Error(_file, Node(key) ?? _node, $"{Join(_path, key)} {what}");

    public InvalidInputException Error(string what) => Error(_file, _node, what);

    public static InvalidInputException Error(string file, YamlTree node, string what) =>
        new($"{file}:{node.Line.ToString(CultureInfo.InvariantCulture)}: {what}.");

    /// <summary><c>ReluOutput</c> is written <c>relu-output</c>; <c>AdamW</c> is written <c>adamw</c>.</summary>
    public static string KebabCase<T>(T value)
        where T : struct, Enum
    {
        string name = value.ToString();
        var text = new StringBuilder();
        for (int i = 0; i < name.Length; i++)
        {
            if (i > 0 && char.IsUpper(name[i]) && i + 1 < name.Length)
                text.Append('-');
            text.Append(char.ToLowerInvariant(name[i]));
        }

        return text.ToString();
    }

    private IEnumerable<YamlTree> Items(string key, YamlTree node) =>
        (node as YamlList)?.Items ?? throw Error(_file, node, $"{Join(_path, key)} is not a list; write it as [a, b, ...]");

    private string Scalar(string key, YamlTree node) =>
        (node as YamlScalar)?.Text ?? throw Error(_file, node, $"{Join(_path, key)} is not a single value");

    private bool Flag(string key, YamlTree node, string allowed)
    {
        string text = Scalar(key, node);
        return text switch
        {
            "true" => true,
            "false" => false,
            _ => throw Wrong(key, node, text, allowed),
        };
    }

    private double Number(string key, YamlTree node, Bounds bounds)
    {
        string text = Scalar(key, node);
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && bounds.Contain(number)
            ? number
            : throw Wrong(key, node, text, bounds.Description);
    }

    private InvalidInputException Wrong(string key, YamlTree node, string text, string allowed) =>
        Error(_file, node, $"{Join(_path, key)} is {(text.Length == 0 ? "empty" : text)}; allowed: {allowed}");

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";

    private static string Listed(IEnumerable<string> names) => string.Join(", ", names);
}

/// <summary>What a kind of file is called in messages, and the keys that it may have.</summary>
/// <param name="Document">The file, with its article.</param>
/// <param name="Example">A file to start from.</param>
/// <param name="Keys">Keys of each section; <c>""</c> is the top level.</param>
internal sealed record YamlWords(string Document, string Example, IReadOnlyDictionary<string, IReadOnlyList<string>> Keys)
{
    public static readonly YamlWords Experiment = new("an experiment", "experiments/intro.yaml", ExperimentKeys.BySection);
}

/// <summary>The numbers that a key allows, and how to say so.</summary>
internal sealed record Bounds(string Description, Func<double, bool> Contain)
{
    public static readonly Bounds Sparsity = new("0 <= sparsity < 1, with 1 - sparsity at least 1e-6", x => x >= 0 && 1 - x >= 1e-6 * (1 - 1e-9));
    public static readonly Bounds Density = new("1e-6 <= density <= 1", x => x is >= 1e-6 and <= 1);
    /// <summary>Keeps a weighted loss far from the end of float32.</summary>
    public const double LargestImportance = 1e12;

    public static readonly Bounds Importance = new("a number from 0 to 1e12", x => x is >= 0 and <= LargestImportance);
    public static readonly Bounds Positive = new("a number greater than 0", x => x > 0 && double.IsFinite(x));
    public static readonly Bounds NotNegative = new("a number of at least 0", x => x >= 0 && double.IsFinite(x));
    public static readonly Bounds BelowOne = new("0 <= value < 1", x => x is >= 0 and < 1);
    public static readonly Bounds Share = new("a number greater than 0, and at most 1", x => x is > 0 and <= 1);
    public static readonly Bounds Coefficient = new("a number from -1 to 1", x => x is >= -1 and <= 1);
    public static readonly Bounds Finite = new("a number", double.IsFinite);
}
