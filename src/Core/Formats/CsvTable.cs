using System.Globalization;
using CsvHelper;

namespace ToyPipeline.Core.Formats;

/// <summary>A CSV table of a run as text, with typed access by column name. Numbers stay as they were written.</summary>
public sealed class CsvTable
{
    private static readonly CsvReaderOptions s_options = new()
    {
        Separator = ',',
        FieldCountMismatch = CsvFieldCountHandling.Throw,
        MalformedData = CsvMalformedDataHandling.Throw,
    };

    private readonly string _file;
    private readonly Dictionary<string, int> _columns;

    private readonly List<string[]> _rows = [];

    private CsvTable(string file, IReadOnlyList<string> header)
    {
        _file = file;
        Header = header;
        _columns = header.Select((name, index) => (name, index)).ToDictionary(pair => pair.name, pair => pair.index, StringComparer.Ordinal);
    }

    /// <summary>Column names in order.</summary>
    public IReadOnlyList<string> Header { get; }

    /// <summary>Rows in order, one text a column: all, or the first ones that were asked for.</summary>
    public IReadOnlyList<string[]> Rows => _rows;

    /// <summary>Number of rows that were read.</summary>
    public int Count { get; private set; }

    /// <summary>Reads a table.</summary>
    /// <param name="path">The file.</param>
    /// <param name="where">Only the rows where this column is true; all where null.</param>
    /// <param name="columns">Only the columns that it says yes to; all where null.</param>
    /// <param name="keep">How many rows stay in memory, the first ones.</param>
    /// <param name="each">Called with the table and each of its rows, those that do not stay too.</param>
    /// <exception cref="InvalidInputException">The file cannot be read, or a row has too few or too many fields.</exception>
    public static CsvTable Load(string path, string? where = null, Func<string, bool>? columns = null, int keep = int.MaxValue, Action<CsvTable, string[]>? each = null)
    {
        try
        {
            using var csv = CsvReader.FromFile(path, s_options);
            csv.ReadHeader();
            if (csv.Headers.Count == 0)
                throw new InvalidInputException($"{path} is empty: run `toy analyze --force` again.");
            string[] header = [.. csv.Headers];
            int? filter = where is null ? null : new CsvTable(path, header).Place(where);
            int[] kept = [.. Enumerable.Range(0, header.Length).Where(place => columns?.Invoke(header[place]) ?? true)];
            var table = new CsvTable(path, [.. kept.Select(place => header[place])]);
            while (csv.Read())
            {
                if (filter is { } column && !IsTrue(csv.GetString(column)))
                    continue;
                string[] row = Array.ConvertAll(kept, place => csv.GetString(place));
                if (table.Count++ < keep)
                    table._rows.Add(row);
                each?.Invoke(table, row);
            }

            return table;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CsvFormatException or ArgumentException)
        {
            throw new InvalidInputException($"{path} cannot be read as a table: {e.Message.Split('\n')[0].TrimEnd()}", e);
        }
    }

    /// <summary>Whether the table has all of these columns.</summary>
    public bool Has(params ReadOnlySpan<string> columns)
    {
        foreach (string column in columns)
        {
            if (!_columns.ContainsKey(column))
                return false;
        }

        return true;
    }

    /// <summary>The text of a field.</summary>
    /// <exception cref="InvalidInputException">There is no such column.</exception>
    public string Text(string[] row, string column) => row[Place(column)];

    /// <summary>A number; not a number where the field is empty.</summary>
    /// <exception cref="InvalidInputException">There is no such column, or something else is in it.</exception>
    public double Number(string[] row, string column) =>
        Text(row, column).Length == 0 ? double.NaN
        : double.TryParse(Text(row, column), NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            ? value
            : throw Wrong(row, column, "a number");

    /// <summary>A whole number.</summary>
    /// <inheritdoc cref="Number" path="/exception"/>
    public int Integer(string[] row, string column) =>
        int.TryParse(Text(row, column), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            ? value
            : throw Wrong(row, column, "a whole number");

    /// <summary>Whether the field is true.</summary>
    /// <inheritdoc cref="Text" path="/exception"/>
    public bool Flag(string[] row, string column) => IsTrue(Text(row, column));

    private static bool IsTrue(string text) => text.Equals("true", StringComparison.OrdinalIgnoreCase) || text == "1";

    private int Place(string column) => _columns.TryGetValue(column, out int place)
        ? place
        : throw new InvalidInputException($"{_file} has no column {column}; it has {string.Join(", ", Header)}. Run `toy analyze --force` again.");

    private InvalidInputException Wrong(string[] row, string column, string expected) =>
        new($"{_file}: {column} is {Text(row, column)} in row {(_rows.IndexOf(row) is var place and >= 0 ? place : Count - 1) + 2}; {expected} is expected.");
}
