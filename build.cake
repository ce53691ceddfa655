// What there is to do in this repository. ./build.sh runs Default; ./build.sh --target=Test runs another.
// --experiment=NAME picks experiments/NAME.yaml; --all includes the tests that need Python, a cluster or a browser, and slow ones; --only=PREFIX picks benchmarks.

string target = Argument("target", "Default");
string experiment = Argument("experiment", "intro");
bool all = HasArgument("all");

const string Page = "--page=docs/experiments.md";
const string Configuration = "Release";
const string Cli = ".build/bin/Cli/release/toy.dll";
const string Solution = "ToyPipeline.sln";
const string Everyday = "TestCategory!=Interop&TestCategory!=Cluster&TestCategory!=Browser&TestCategory!=Slow";

// Exit codes of the toy command, which are the build's own: 0 done, 1 a claim failed, 2 bad input, 3 environment.
const int BadInput = 2;

Task("Restore").Description("Restores the packages.")
    .Does(() => DotNetRestore(Solution));

Task("Build").Description("Builds everything.").IsDependentOn("Restore")
    .Does(() => DotNetBuild(Solution, new DotNetBuildSettings
    {
        Configuration = Configuration, NoRestore = true, NoLogo = true, Verbosity = DotNetVerbosity.Minimal,
    }));

Task("Test").Description("Runs the tests; --all for slow ones and those with Python, the cluster and a browser too.").IsDependentOn("Build")
    .Does(() => DotNetTest(Solution, new DotNetTestSettings
    {
        Configuration = Configuration, NoBuild = true, NoLogo = true, Filter = all ? null : Everyday,
    }));

// Before the build, so that a mistyped name is told at once.
Task("Experiment").Description("Finds the experiment's file.")
    .Does(() => Information(Experiment(experiment)));

Task("Run").Description("Runs one experiment from data to report.").IsDependentOn("Experiment").IsDependentOn("Build")
    .Does(() => Toy("run", Experiment(experiment)));

foreach (string verb in new[] { "generate", "train", "export", "analyze", "report" })
    Task(char.ToUpperInvariant(verb[0]) + verb[1..]).Description($"Runs one stage of one experiment: toy {verb}.")
        .IsDependentOn("Experiment").IsDependentOn("Build")
        .Does(() => Toy(verb, Experiment(experiment)));

Task("Sweep").Description("Runs one experiment pack by pack, and goes on where an earlier sweep was stopped: toy sweep.").IsDependentOn("Experiment").IsDependentOn("Build")
    .Does(() => Toy("sweep", Experiment(experiment)));

Task("Reproduce").Description("Runs every experiment in experiments/, lists each claim and how each run ended; --write-docs to write docs/experiments.md.").IsDependentOn("Build")
    .Does(() =>
{
    var watch = System.Diagnostics.Stopwatch.StartNew();
    var runs = Experiments().Select(name =>
    {
        var own = System.Diagnostics.Stopwatch.StartNew();
        Information("\n{0}", name);
        return (Name: name, Code: StartToy("run", Experiment(name)), own.Elapsed);
    }).ToList();
    if (runs.Count == 0)
        throw new CakeException(BadInput, "There are no experiments: experiments/*.yaml matches no file.");

    Information("");
    Toy("describe", HasArgument("write-docs") ? ["experiments", Page] : ["experiments"]);
    Toy("report", "--index");
    foreach (var run in runs)
        Information("{0,-32} {1,-28} {2:h\\:mm\\:ss}", run.Name, Meaning(run.Code), run.Elapsed);
    int failed = runs.Count(run => run.Code != 0);
    Information("{0} of {1} experiments hold; {2:h\\:mm\\:ss} in all.", runs.Count - failed, runs.Count, watch.Elapsed);
    if (failed > 0)
        throw new CakeException(runs.Max(run => run.Code), $"{failed} of {runs.Count} experiments failed.");
});

Task("Experiments").Description("Lists all claims, and writes docs/experiments.md from the experiment files and their finished runs.").IsDependentOn("Build")
    .Does(() => Toy("describe", "experiments", Page));

// --plan=FILE, --if-running=wait|leave, --summary=FILE, --link=URL and --accept are those of toy nightly.
Task("Nightly").Description("Runs what experiments/nightly names, and compares it with the last good night: --summary=FILE, --if-running=wait|leave, --accept.").IsDependentOn("Build")
    .Does(() =>
{
    var arguments = new ProcessArgumentBuilder().AppendQuoted(Cli).Append("nightly").AppendQuoted(Argument("plan", "experiments/nightly"));
    foreach (string option in new[] { "if-running", "summary", "link" }.Where(HasArgument))
        arguments.Append($"--{option}").AppendQuoted(Argument<string>(option));
    if (HasArgument("accept"))
        arguments.Append("--accept");
    int code = StartProcess("dotnet", new ProcessSettings { Arguments = arguments });
    if (code != 0)
        throw new CakeException(code, $"toy nightly: {(code == 1 ? "something regressed or a claim failed" : Meaning(code))}.");
});

Task("Bench").Description("Runs the benchmarks: --only=PREFIX for some, --rounds=N, --write-docs to put their table into docs/benchmarks.md.").IsDependentOn("Build")
    .Does(() =>
{
    var arguments = new ProcessArgumentBuilder().AppendQuoted($".build/bin/Bench/{Configuration.ToLowerInvariant()}/ToyPipeline.Bench.dll");
    foreach (string option in new[] { "only", "rounds" }.Where(HasArgument))
        arguments.AppendQuoted($"--{option}={Argument<string>(option)}");
    if (HasArgument("write-docs"))
        arguments.Append("--write-docs");
    int code = StartProcess("dotnet", new ProcessSettings { Arguments = arguments });
    if (code != 0)
        throw new CakeException(code, $"The benchmarks: {Meaning(code)}.");
});

// docs/images/NAME-FIGURE.png is the figure of that name of experiments/NAME.yaml.
Task("Gallery").Description("Draws the images in docs/images again.").IsDependentOn("Build")
    .Does(() =>
{
    // absolute-value-small-neurons is of absolute-value-small, not of absolute-value.
    var names = Experiments().OrderByDescending(name => name.Length).ToList();
    foreach (var images in GetFiles("docs/images/*.png").GroupBy(image => names.FirstOrDefault(name => image.GetFilename().ToString().StartsWith(name + "-", StringComparison.Ordinal))))
    {
        if (images.Key is not { } name)
            continue;
        Toy("run", Experiment(name), "--force"); // how models are trained and figures drawn may have changed, and not the experiment
        foreach (var image in images)
        {
            FilePath figure = $"artifacts/{name}/figures/{image.GetFilename().ToString()[(name.Length + 1)..]}";
            if (FileExists(figure))
                CopyFile(figure, image);
        }
    }
});

Task("Clean").Description("Deletes the build outputs (.build). Runs in artifacts/ stay.")
    .Does(() =>
{
    if (DirectoryExists(".build"))
        DeleteDirectory(".build", new DeleteDirectorySettings { Recursive = true, Force = true });
});

Task("Default").Description("The same as Run.").IsDependentOn("Run");

string Experiment(string name)
{
    string file = $"experiments/{name}.yaml";
    if (FileExists(file))
        return file;
    throw new CakeException(BadInput, $"There is no {file}. --experiment takes one of: {string.Join(", ", Experiments())}.");
}

IEnumerable<string> Experiments() => GetFiles("experiments/*.yaml").Select(file => file.GetFilenameWithoutExtension().ToString()).Order();

void Toy(string verb, params string[] arguments)
{
    int code = StartToy(verb, arguments);
    if (code != 0)
        throw new CakeException(code, $"toy {verb} {string.Join(' ', arguments)}: {Meaning(code)}.");
}

int StartToy(string verb, params string[] arguments)
{
    var line = new ProcessArgumentBuilder().AppendQuoted(Cli).Append(verb);
    foreach (string argument in arguments)
        line.AppendQuoted(argument);
    return StartProcess("dotnet", new ProcessSettings { Arguments = line });
}

static string Meaning(int code) => code switch
{
    0 => "holds",
    1 => "a claim failed",
    2 => "the input is wrong",
    3 => "the environment is at fault",
    _ => $"stopped with exit code {code}",
};

// Cake itself would end with 1 whatever failed.
try
{
    if (!Tasks.Any(task => task.Name.Equals(target, StringComparison.OrdinalIgnoreCase)))
        throw new CakeException(BadInput, $"There is no target {target}. Targets: {string.Join(", ", Tasks.Select(task => task.Name))}.");
    RunTarget(target);
}
catch (Exception e)
{
    var causes = new List<Exception>();
    for (Exception cause = e; cause is not null; cause = cause is AggregateException many ? many.InnerExceptions[0] : cause.InnerException)
        causes.Add(cause);
    Error(causes[^1].Message);
    Environment.Exit(causes.OfType<CakeException>().LastOrDefault()?.ExitCode ?? 1);
}
