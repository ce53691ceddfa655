using System.Globalization;
using ToyPipeline.Bench;

if (TrainBenchmarks.MeasuresMemory(args))
    return 0;

string only = "";
int rounds = 5;
bool writeDocs = false;
foreach (string arg in args)
{
    if (arg.StartsWith("--only=", StringComparison.Ordinal))
    {
        only = arg["--only=".Length..];
    }
    else if (arg.StartsWith("--rounds=", StringComparison.Ordinal) && int.TryParse(arg["--rounds=".Length..], NumberStyles.None, null, out rounds) && rounds > 0)
    {
    }
    else if (arg == "--write-docs")
    {
        writeDocs = true;
    }
    else
    {
        Console.Error.WriteLine($"{arg} is not understood. Allowed: --only=PREFIX, --rounds=N, --write-docs.");
        return 2;
    }
}

if (writeDocs && only.Length > 0)
{
    Console.Error.WriteLine("--write-docs writes the table of one whole run: leave --only out.");
    return 2;
}

Benchmark[] all =
    [.. TrainBenchmarks.All, .. ExactBenchmarks.All, .. GenerateBenchmarks.All, .. ScoreBenchmarks.All, .. AnalyzeBenchmarks.All, .. RunBenchmarks.All, .. SweepBenchmarks.All];
// score/n5m2 gives several results: both its name and theirs select it.
var chosen = all.Where(benchmark => benchmark.Name.StartsWith(only, StringComparison.Ordinal) || only.StartsWith(benchmark.Name + "-", StringComparison.Ordinal)).ToList();
if (chosen.Count == 0)
{
    Console.Error.WriteLine($"No benchmark begins with {only}. There are: {string.Join(", ", all.Select(benchmark => benchmark.Name))}.");
    return 2;
}

string machine = Machine.Describe();
Console.WriteLine(machine);
if (Machine.IsBusy)
    Console.WriteLine("The machine is busy with other things: figures and ratios will be off.");
var harness = new Harness(rounds);
var results = new List<Result>();
foreach (var benchmark in chosen)
{
    foreach (var result in benchmark.Run(harness))
    {
        results.Add(result);
        Console.WriteLine($"{result.Name,-28} {result.Ours,14:#,0.##} {result.Peer,14:#,0.##} {result.Unit,-10} ratio {result.Ratio:0.##}{(result.RatioLow is null ? "" : $" ({result.RatioLow:0.##} to {result.RatioHigh:0.##})")}{(result.Met == false ? " MISSED" : "")} {result.Note}");
    }
}

Directory.CreateDirectory(Repository.Results);
File.WriteAllText(Path.Combine(Repository.Results, "results.json"), ResultFiles.Json(results));
File.WriteAllText(Path.Combine(Repository.Results, "results.md"), ResultFiles.Markdown(results, machine));
if (writeDocs)
{
    ResultFiles.UpdatePage(Path.Combine(Repository.Root, "docs", "benchmarks.md"), ResultFiles.Markdown(results, machine));
    ResultFiles.UpdatePage(Path.Combine(Repository.Root, "README.md"), ResultFiles.ShortMarkdown(results, machine));
}

Console.WriteLine($"Written: {Path.Combine(Repository.Results, "results.md")}");
return 0;
