using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using ToyPipeline.Core;

namespace ToyPipeline.Fuzz;

/// <summary>
/// Feeds each reader changed files: it answers with a result or one sentence, in bounded time and memory, and nothing else.
/// A second and a half a target by default; TOY_FUZZ_SECONDS asks for more. docs/fuzzing.md says how, and what long runs found.
/// </summary>
public partial class FuzzTests
{
    private const int MaxInput = 1 << 16;
    private const int MaxCorpus = 4000;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private const long Memory = 4L << 30;

    private static readonly double s_seconds = double.TryParse(Environment.GetEnvironmentVariable("TOY_FUZZ_SECONDS"), CultureInfo.InvariantCulture, out double asked) ? asked : 1.5;

    private static IEnumerable<string> Targets => FuzzTarget.All.Select(target => target.Name);

    [TestCaseSource(nameof(Targets))]
    public void The_reader_answers_whatever_it_is_given(string name)
    {
        var target = FuzzTarget.All.Single(target => target.Name == name);
        // The same order of changes in every short run; long runs start anew each time.
        int seed = s_seconds <= 10 ? 1 : Environment.TickCount;
        var random = new Random(seed);
        var corpus = target.Corpus();
        var answers = new HashSet<string>(StringComparer.Ordinal);
        foreach (byte[] input in corpus)
            answers.Add(Answer(target, input));
        Assert.That(answers, Does.Contain("read"), "the corpus has files that are read");
        int seeds = corpus.Count;
        long runs = 0, read = 0;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed.TotalSeconds < s_seconds; runs++)
        {
            byte[] input = corpus[random.Next(corpus.Count)], other = corpus[random.Next(corpus.Count)];
            byte[] changed = (random.Next(3) > 0 ? target.Mutate(input, other, random) : null) ?? ByteMutator.Mutate(input, other, random);
            if (changed.Length > MaxInput)
                continue;
            string answer = Answer(target, changed);
            read += answer == "read" ? 1 : 0;
            // A new answer is a new way through the reader: what led to it is changed further.
            if (answers.Add(answer) && corpus.Count < MaxCorpus)
                corpus.Add(changed);
        }

        TestContext.Out.WriteLine($"{name}: seed {seed}, {runs} inputs in {s_seconds} s, {read} of them read, {answers.Count} different answers; corpus {seeds} at first, {corpus.Count} at last");
    }

    // What the reader said, without numbers, names and signs.
    private static string Answer(FuzzTarget target, byte[] input)
    {
        var clock = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        string answer = "read";
        try
        {
            target.Read(input);
        }
        catch (InvalidInputException e)
        {
            answer = Detail().Replace(e.Message, "#");
        }
        catch (Exception e)
        {
            Assert.Fail($"{e}\nThe input: {Kept(target, input)}");
        }

        long taken = GC.GetAllocatedBytesForCurrentThread() - before;
        if (clock.Elapsed > s_patience || taken > Memory)
            Assert.Fail($"It took {clock.Elapsed} and {taken} bytes. The input: {Kept(target, input)}");
        return answer;
    }

    private static string Kept(FuzzTarget target, byte[] input)
    {
        string path = Path.Combine(Path.GetTempPath(), $"toy-fuzz-{target.Name}-{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(input))[..12]}");
        File.WriteAllBytes(path, input);
        return path;
    }

    [GeneratedRegex(@"(\[[^\]]*\]|'[^']*'|[^a-z ]+|\b\w*[^a-z\W]\w*\b)+")]
    private static partial Regex Detail();
}
