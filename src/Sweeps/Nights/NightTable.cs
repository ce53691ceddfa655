using CsvHelper;
using ToyPipeline.Core;

namespace ToyPipeline.Sweeps.Nights;

/// <summary>A CSV table of a run as text.</summary>
/// <param name="Header">Column names.</param>
/// <param name="Rows">Rows, one text a column.</param>
internal sealed record NightTable(IReadOnlyList<string> Header, IReadOnlyList<string[]> Rows)
{
    private static readonly CsvReaderOptions s_options = new()
    {
        Separator = ',',
        FieldCountMismatch = CsvFieldCountHandling.Throw,
        MalformedData = CsvMalformedDataHandling.Throw,
    };

    /// <summary>Reads a table, only the columns that are asked for; those that it lacks are left out.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or is no table.</exception>
    public static NightTable Load(string path, Func<string, bool> wanted)
    {
        try
        {
            using var csv = CsvReader.FromFile(path, s_options);
            csv.ReadHeader();
            var columns = csv.Headers.Index().Where(column => wanted(column.Item)).ToList();
            var rows = new List<string[]>();
            while (csv.Read())
                rows.Add([.. columns.Select(column => csv.GetString(column.Index))]);
            return new NightTable([.. columns.Select(column => column.Item)], rows);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CsvFormatException or ArgumentException)
        {
            throw new InvalidInputException($"{path} cannot be read as a table: {e.Message.Split('\n')[0].TrimEnd()}", e);
        }
    }

    /// <summary>Place of a column, or -1.</summary>
    public int Place(string column) => Header.ToList().IndexOf(column);
}
