using System.Globalization;
using CsvHelper;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Analysis.Stage;

/// <summary>A CSV table of the analysis: a header row, invariant culture, numbers that read back the same.</summary>
internal sealed class TableWriter : IDisposable
{
    private static readonly CsvWriterOptions s_options = new() { NewLine = "\n", FormatProvider = CultureInfo.InvariantCulture, TrueValue = "true", FalseValue = "false" };

    private readonly CsvWriter _csv;

    public TableWriter(Stream stream, IEnumerable<string> header)
    {
        _csv = CsvWriter.Create(stream, s_options, leaveOpen: true);
        _csv.WriteHeader((ReadOnlySpan<string>)[.. header]);
    }

    public TableWriter Write(string text)
    {
        _csv.WriteField(text);
        return this;
    }

    public TableWriter Write(double value)
    {
        _csv.WriteField(value, "R");
        return this;
    }

    public TableWriter Write(int value)
    {
        _csv.WriteField(value);
        return this;
    }

    public TableWriter Write(ulong value)
    {
        _csv.WriteField(value);
        return this;
    }

    public TableWriter Write(bool value)
    {
        _csv.WriteField(value);
        return this;
    }

    /// <summary>An empty field where there is no value.</summary>
    public TableWriter Write(int? value) => value is { } number ? Write(number) : Write("");

    /// <summary>Numbers in one field, separated by spaces.</summary>
    public TableWriter Write(IEnumerable<int> values) => Write(string.Join(' ', values));

    /// <summary>The value of each axis.</summary>
    public TableWriter WriteAxes(Cell cell)
    {
        foreach (var coordinate in cell.Coordinates)
            _csv.WriteField(coordinate.Value);
        return this;
    }

    /// <summary>Instance, cell, replica and the value of each axis.</summary>
    public TableWriter WriteKey(Instance instance) => Write(instance.Index).Write(instance.Cell.Index).Write(instance.Replica).WriteAxes(instance.Cell);

    public void EndRow() => _csv.EndRecord();

    public void Dispose() => _csv.Dispose();
}
