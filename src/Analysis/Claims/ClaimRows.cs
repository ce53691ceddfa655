using System.Globalization;
using CsvHelper;
using ToyPipeline.Analysis.Stage;
using ToyPipeline.Core;

namespace ToyPipeline.Analysis.Claims;

/// <summary>claims.csv: a row per claim.</summary>
internal static class ClaimRows
{
    private static readonly CsvReaderOptions s_options = new() { Separator = ',', FormatProvider = CultureInfo.InvariantCulture };

    public static void Write(Stream stream, IReadOnlyList<ClaimResult> claims)
    {
        using var table = new TableWriter(stream, ["claim", "at", "measure", "comparison", "expected", "measured", "measured_sd", "tolerance", "holds"]);
        for (int i = 0; i < claims.Count; i++)
        {
            var claim = claims[i];
            table.Write(i).Write(claim.At).Write(claim.Measure).Write(claim.Comparison).Write(claim.Expected).Write(claim.Measured);
            (claim.Deviation is { } deviation ? table.Write(deviation) : table.Write("")).Write(claim.Tolerance).Write(claim.Holds).EndRow();
        }
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="InvalidInputException">The file is missing or damaged.</exception>
    public static IReadOnlyList<ClaimResult> Read(string path)
    {
        try
        {
            using var csv = CsvReader.FromFile(path, s_options);
            var claims = new List<ClaimResult>();
            while (csv.Read())
            {
                claims.Add(new ClaimResult(
                    csv.GetString("at"), csv.GetString("measure"), csv.GetString("comparison"), csv.GetString("expected"), csv.GetString("measured"),
                    csv.Parse<double>("tolerance"), csv.GetString("holds") == "true")
                {
                    Deviation = csv.GetString("measured_sd").Length == 0 ? null : csv.Parse<double>("measured_sd"),
                });
            }

            return claims;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or InvalidOperationException or ArgumentException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message} Analyse again with `toy analyze --force`.", e);
        }
    }
}
