using System.Net;
using System.Text;

namespace ToyPipeline.Report.Page;

/// <summary>HTML being written. Text and attribute values are escaped; only this project's own markup goes through <see cref="Markup"/>.</summary>
internal sealed class Html
{
    private readonly StringBuilder _text = new();

    /// <summary>Adds markup of this project as it is.</summary>
    public Html Markup(string markup)
    {
        _text.Append(markup);
        return this;
    }

    /// <summary>Adds an element around escaped text.</summary>
    public Html Element(string name, string text, params ReadOnlySpan<(string Name, string Value)> attributes) =>
        Open(name, attributes).Text(text).Close(name);

    /// <summary>Adds escaped text.</summary>
    public Html Text(string text)
    {
        _text.Append(Escape(text));
        return this;
    }

    /// <summary>Adds an opening tag.</summary>
    public Html Open(string name, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        _text.Append('<').Append(name);
        foreach (var (attribute, value) in attributes)
            _text.Append(' ').Append(attribute).Append("=\"").Append(Escape(value)).Append('"');
        _text.Append('>');
        return this;
    }

    /// <summary>Adds a closing tag, and a line end after a block.</summary>
    public Html Close(string name)
    {
        // A line end inside running text would be a space.
        _text.Append("</").Append(name).Append(name is "a" or "code" ? ">" : ">\n");
        return this;
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    /// <summary>Text that may stand in an element or a quoted attribute.</summary>
    public static string Escape(string text) => WebUtility.HtmlEncode(text);
}
