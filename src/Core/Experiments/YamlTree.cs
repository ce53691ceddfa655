using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace ToyPipeline.Core.Experiments;

/// <summary>A node of an experiment file, immutable, with the line that it came from.</summary>
internal abstract record YamlTree(long Line)
{
    private const int MaxDepth = 32;
    private const int MaxNodes = 2_000_000;

    /// <summary>Parses one YAML document; anchors, aliases and merge keys are resolved.</summary>
    public static YamlMap Parse(string text, string file, YamlWords? words = null)
    {
        words ??= YamlWords.Experiment;
        try
        {
            Measure(text, file);
            var stream = new YamlStream();
            stream.Load(new MergingParser(new Parser(new StringReader(text))));
            return stream.Documents.Count == 1 && From(stream.Documents[0].RootNode, 0, file) is YamlMap map
                ? map
                : throw new InvalidInputException($"{file}:1: {words.Document} file is one YAML mapping; start from {words.Example}.");
        }
        catch (YamlException e)
        {
            throw new InvalidInputException($"{file}:{e.Start.Line}: this is not YAML: {e.Message.TrimEnd('.')}.", e);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or IndexOutOfRangeException or NullReferenceException)
        {
            // On some damaged files the parser trips over its own feet and cannot say where.
            throw new InvalidInputException($"{file}:1: this is not YAML that can be read; look for a bracket or quote that is not closed.", e);
        }
    }

    /// <summary>The tree as YAML text with <c>\n</c> line ends.</summary>
    public string Write()
    {
        using var writer = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        new YamlStream(new YamlDocument(ToNode())).Save(new Emitter(writer, new EmitterSettings().WithBestWidth(1 << 16)), false);
        string text = writer.ToString();
        return text.EndsWith("\n...\n", StringComparison.Ordinal) ? text[..^4] : text;
    }

    internal abstract YamlNode ToNode();

    // Goes through the file event by event, without building anything: a file that is nested too deeply, or that grows beyond
    // all bounds once its aliases are resolved, is refused before the recursive loader sees it.
    private static void Measure(string text, string file)
    {
        var parser = new Parser(new StringReader(text));
        var sizes = new Dictionary<AnchorName, long>();
        var open = new Stack<(AnchorName Anchor, long Before)>();
        long nodes = 0;
        while (parser.MoveNext())
        {
            switch (parser.Current)
            {
                case AnchorAlias alias:
                    nodes += sizes.TryGetValue(alias.Value, out long size)
                        ? size
                        : throw new InvalidInputException($"{file}:{alias.Start.Line}: alias *{alias.Value} has no anchor before it.");
                    break;
                case Scalar scalar:
                    nodes++;
                    if (!scalar.Anchor.IsEmpty)
                        sizes[scalar.Anchor] = 1;
                    break;
                case MappingStart or SequenceStart:
                    open.Push((((NodeEvent)parser.Current).Anchor, nodes++));
                    break;
                case MappingEnd or SequenceEnd:
                    var (anchor, before) = open.Pop();
                    if (!anchor.IsEmpty)
                        sizes[anchor] = nodes - before;
                    break;
            }

            if (open.Count > MaxDepth)
                throw new InvalidInputException($"{file}:{parser.Current!.Start.Line}: the file is nested deeper than {MaxDepth} levels.");
            if (nodes > MaxNodes)
                throw new InvalidInputException($"{file}:{parser.Current!.Start.Line}: the file has more than {MaxNodes} values, those that its aliases repeat counted.");
        }
    }

    private static YamlTree From(YamlNode node, int depth, string file)
    {
        if (depth > MaxDepth)
            throw new InvalidInputException($"{file}:{node.Start.Line}: the file is nested deeper than {MaxDepth} levels.");
        switch (node)
        {
            case YamlScalarNode scalar:
                return new YamlScalar(node.Start.Line, scalar.Value ?? "");
            case YamlSequenceNode sequence:
                return new YamlList(node.Start.Line, [.. sequence.Children.Select(child => From(child, depth + 1, file))]);
            case YamlMappingNode mapping:
                return new YamlMap(node.Start.Line, [.. mapping.Children.Select(pair => new KeyValuePair<string, YamlTree>(
                    (pair.Key as YamlScalarNode)?.Value ?? throw new InvalidInputException($"{file}:{pair.Key.Start.Line}: a key must be a single word."),
                    From(pair.Value, depth + 1, file) with { Line = pair.Key.Start.Line }))]);
            default:
                throw new InvalidInputException($"{file}:{node.Start.Line}: an alias points nowhere.");
        }
    }
}

/// <summary>A single value as text.</summary>
internal sealed record YamlScalar(long Line, string Text) : YamlTree(Line)
{
    // The writer chooses the quotes, but for characters that it leaves bare and the reader then drops or folds.
    internal override YamlNode ToNode() =>
        new YamlScalarNode(Text) { Style = Text.All(IsPlain) && Text.Trim() == Text ? ScalarStyle.Any : ScalarStyle.DoubleQuoted };

    private static bool IsPlain(char c) => c is >= ' ' and <= '~' or (>= '\u00A0' and < '\u2028') or (> '\u2029' and < '\uD800');
}

/// <summary>A list.</summary>
internal sealed record YamlList(long Line, IReadOnlyList<YamlTree> Items) : YamlTree(Line)
{
    public static YamlList Of(IEnumerable<string> values) => new(0, [.. values.Select(value => new YamlScalar(0, value))]);

    internal override YamlNode ToNode() => new YamlSequenceNode(Items.Select(item => item.ToNode()))
    {
        Style = Items.All(item => item is YamlScalar) ? SequenceStyle.Flow : SequenceStyle.Block,
    };
}

/// <summary>A mapping in the order of the file.</summary>
internal sealed record YamlMap(long Line, IReadOnlyList<KeyValuePair<string, YamlTree>> Pairs) : YamlTree(Line)
{
    public static YamlMap Empty { get; } = new(0, []);

    public YamlTree? this[string key]
    {
        get
        {
            foreach (var pair in Pairs)
            {
                if (pair.Key == key)
                    return pair.Value;
            }

            return null;
        }
    }

    /// <summary>The mapping with <paramref name="key"/> set, in its old place where it was there.</summary>
    public YamlMap With(string key, YamlTree value) =>
        this[key] is null
            ? this with { Pairs = [.. Pairs, new(key, value)] }
            : this with { Pairs = [.. Pairs.Select(pair => pair.Key == key ? new(key, value) : pair)] };

    public YamlMap With(string key, string value) => With(key, new YamlScalar(0, value));

    public YamlMap Without(string key) => this with { Pairs = [.. Pairs.Where(pair => pair.Key != key)] };

    internal override YamlNode ToNode() =>
        new YamlMappingNode(Pairs.Select(pair => new KeyValuePair<YamlNode, YamlNode>(new YamlScalarNode(pair.Key), pair.Value.ToNode())));
}
