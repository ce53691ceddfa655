using System.Globalization;
using System.Text;
using CsCheck;
using ToyPipeline.Analysis.Stage;

namespace ToyPipeline.Analysis.Tests;

/// <summary>Numbers in CSV tables.</summary>
public sealed class TableTests
{
    [Test]
    public void Any_number_reads_back_with_the_same_bits() => Gen.Double.Array[1, 20].Sample(numbers =>
    {
        using var stream = new MemoryStream();
        using (var table = new TableWriter(stream, ["number"]))
        {
            foreach (double number in numbers)
            {
                table.Write(number);
                table.EndRow();
            }
        }

        string[] lines = Encoding.UTF8.GetString(stream.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return lines[0] == "number" && lines.Skip(1).Select(line => double.Parse(line, CultureInfo.InvariantCulture)).SequenceEqual(numbers);
    });
}
