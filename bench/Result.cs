using System.Text.Json;
using System.Text.Json.Serialization;

namespace ToyPipeline.Bench;

/// <summary>What a benchmark found.</summary>
/// <param name="Name">Its name, <c>group/case</c>.</param>
/// <param name="Ours">Our figure.</param>
/// <param name="Peer">The peer's; null where there is none.</param>
/// <param name="Unit">Unit of both.</param>
/// <param name="Ratio">How many times better ours is than the peer's, whether more is better or less.</param>
/// <param name="Threads">Threads of either side.</param>
internal sealed record Result(string Name, double Ours, double? Peer, string Unit, double? Ratio, int Threads)
{
    /// <summary>The smallest ratio of a round; null where the sides took no turns.</summary>
    public double? RatioLow { get; init; }

    /// <summary>The largest.</summary>
    public double? RatioHigh { get; init; }

    /// <summary>The ratio to reach.</summary>
    public double? Target { get; init; }

    /// <summary>What ours should stay under, where it is not a ratio that counts.</summary>
    public double? Limit { get; init; }

    /// <summary>Whether target and limit are met; null where there is neither.</summary>
    public bool? Met => Target is null && Limit is null && MemoryLimit is null
        ? null
        : !(Ratio < Target) && !(Ours >= Limit) && !(MemoryMb >= MemoryLimit);

    /// <summary>Arithmetic of the dense model per second, as a share of what libtorch's matrix product reaches with the same threads.</summary>
    public double? SgemmFraction { get; init; }

    /// <summary>The same of the peer.</summary>
    public double? PeerSgemmFraction { get; init; }

    /// <summary>Growth of the process's peak memory over that of a process that has libtorch loaded and used, MB.</summary>
    public double? MemoryMb { get; init; }

    /// <summary>What <see cref="MemoryMb"/> should stay under.</summary>
    public double? MemoryLimit { get; init; }

    /// <summary>What else there is to know.</summary>
    public string? Note { get; init; }

    /// <summary>The result with the ratios of its rounds.</summary>
    public Result Over(Comparison compared)
    {
        var (low, high) = compared.Spread;
        return this with { RatioLow = Ratio * low, RatioHigh = Ratio * high };
    }

    /// <summary>A result where less is better: seconds, megabytes.</summary>
    public static Result LowerIsBetter(string name, double ours, double? peer, string unit, int threads) =>
        new(name, ours, peer, unit, peer / ours, threads);

    /// <summary>A result where more is better: samples per second.</summary>
    public static Result HigherIsBetter(string name, double ours, double? peer, string unit, int threads) =>
        new(name, ours, peer, unit, ours / peer, threads);
}

/// <summary>Results as files.</summary>
internal static class ResultFiles
{
    private const string Begin = "<!-- results: written by ./build.sh --target=Bench --write-docs -->";
    private const string End = "<!-- end of results -->";

    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.Never,
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NewLine = "\n",
    };

    public static string Json(IEnumerable<Result> results) =>
        JsonSerializer.Serialize(results.Select(Rounded), s_options) + "\n";

    public static string Markdown(IEnumerable<Result> results, string machine)
    {
        List<string> lines =
        [
            machine,
            "",
            "| benchmark | ours | peer | unit | ratio | target | SGEMM ours / peer | threads | notes |",
            "|---|--:|--:|---|--:|--:|--:|--:|---|",
        ];
        lines.AddRange(results.Select(Row));
        return string.Join('\n', lines) + "\n";
    }

    /// <summary>The same in short: what is compared with a peer.</summary>
    public static string ShortMarkdown(IEnumerable<Result> results, string machine)
    {
        List<string> lines = [machine, "", "| benchmark | ours | peer | unit | ratio |", "|---|--:|--:|---|--:|"];
        lines.AddRange(results.Where(r => r.Ratio is not null).Select(r => $"| {r.Name} | {Digits(r.Ours)} | {Digits(r.Peer)} | {r.Unit} | {Ratio(r)} |"));
        return string.Join('\n', lines) + "\n";
    }

    /// <summary>Replaces what stands between the two marks of a page.</summary>
    /// <exception cref="InvalidDataException">The page does not have them.</exception>
    public static void UpdatePage(string path, string table)
    {
        string page = File.ReadAllText(path);
        int begin = page.IndexOf(Begin, StringComparison.Ordinal), end = page.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin)
            throw new InvalidDataException($"{path} has no lines {Begin} and {End}.");
        File.WriteAllText(path, $"{page[..(begin + Begin.Length)]}\n\n{table}\n{page[end..]}");
    }

    private static string Row(Result r)
    {
        string target = r.Target is { } t ? Digits(t) : r.Limit is { } limit ? $"< {Digits(limit)} {r.Unit}" : "";
        if (r.Met == false)
            target += " (missed)";
        string memory = r.MemoryMb is { } mb ? $"peak memory +{mb:0} MB (limit {r.MemoryLimit:0} MB)" : "";
        string note = string.Join("; ", new[] { memory, r.Note }.Where(part => !string.IsNullOrEmpty(part)));
        string sgemm = r.SgemmFraction is null ? "" : $"{r.SgemmFraction:0%} / {r.PeerSgemmFraction:0.0%}";
        return $"| {r.Name} | {Digits(r.Ours)} | {Digits(r.Peer)} | {r.Unit} | {Ratio(r)} | {target} | {sgemm} | {r.Threads} | {note} |";
    }

    // And in brackets those of the rounds.
    private static string Ratio(Result r) => r.RatioLow is null ? Digits(r.Ratio) : $"{Digits(r.Ratio)} ({Digits(r.RatioLow)} to {Digits(r.RatioHigh)})";

    // Three significant digits, without an exponent.
    private static string Digits(double? value) =>
        value is not { } v ? "" : Math.Abs(v) >= 100 ? v.ToString("#,0") : Math.Abs(v) >= 10 ? v.ToString("0.#") : Math.Abs(v) >= 1 ? v.ToString("0.##") : v.ToString("0.###");

    private static Result Rounded(Result r) => r with
    {
        Ours = Round(r.Ours)!.Value,
        Peer = Round(r.Peer),
        Ratio = Round(r.Ratio),
        RatioLow = Round(r.RatioLow),
        RatioHigh = Round(r.RatioHigh),
        SgemmFraction = Round(r.SgemmFraction),
        PeerSgemmFraction = Round(r.PeerSgemmFraction),
        MemoryMb = Round(r.MemoryMb),
    };

    private static double? Round(double? value) => value is { } v ? double.Parse(v.ToString("G4")) : null;
}
