using System.Globalization;
using CsvHelper;
using ToyPipeline.Core;

namespace ToyPipeline.Analysis.Data;

/// <summary>The samples of a dense CSV file with the header <c>f0,f1,…</c>. Zeros are absent features.</summary>
internal sealed class CsvRows : ISampleRows
{
    private static readonly CsvReaderOptions s_options = new()
    {
        Separator = ',',
        FormatProvider = CultureInfo.InvariantCulture,
        FieldCountMismatch = CsvFieldCountHandling.Throw,
        TrackLineNumbers = true,
    };

    private readonly string _path;
    private readonly CsvReader _reader;
    private readonly int[] _columns;
    private readonly float[] _values;
    private int _count;

    public CsvRows(string path)
    {
        _path = path;
        try
        {
            _reader = CsvReader.FromFile(path, s_options);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message}", e);
        }

        try
        {
            Features = CheckedHeader();
        }
        catch
        {
            _reader.Dispose();
            throw;
        }

        _columns = new int[Features];
        _values = new float[Features];
    }

    /// <summary>n, the number of columns.</summary>
    public int Features { get; }

    public ReadOnlySpan<int> Columns => _columns.AsSpan(0, _count);

    public ReadOnlySpan<float> Values => _values.AsSpan(0, _count);

    public bool MoveNext()
    {
        _count = 0;
        if (!Read())
            return false;
        for (int i = 0; i < Features; i++)
        {
            if (!_reader.TryParse(i, out float value) || !float.IsFinite(value))
                throw new InvalidInputException($"{_path}:{_reader.LineNumber}: f{i} is {(_reader.IsEmpty(i) ? "empty" : _reader.GetString(i))}; allowed: a finite number.");
            if (value == 0)
                continue;
            _columns[_count] = i;
            _values[_count++] = value;
        }

        return true;
    }

    public void Dispose() => _reader.Dispose();

    private bool Read()
    {
        try
        {
            return _reader.Read();
        }
        catch (CsvFormatException e)
        {
            throw new InvalidInputException($"{_path}:{e.LineNumber}: the row is not one of {Features} numbers: {e.Message}", e);
        }
        catch (IOException e)
        {
            throw new InvalidInputException($"{_path} cannot be read: {e.Message}", e);
        }
    }

    private int CheckedHeader()
    {
        try
        {
            _reader.ReadHeader();
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or EndOfStreamException)
        {
            throw new InvalidInputException($"{_path} has no header row; the first row of a dataset is f0,f1,...", e);
        }

        var header = _reader.Headers;
        if (header is not { Count: > 0 })
            throw new InvalidInputException($"{_path} is empty; the first row of a dataset is f0,f1,...");
        for (int i = 0; i < header.Count; i++)
        {
            if (header[i] != $"f{i}")
                throw new InvalidInputException($"{_path}:1: column {i} is called {header[i]}; the header of a dataset is f0,f1,...");
        }

        return header.Count;
    }
}
