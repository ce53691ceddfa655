using ToyPipeline.Cli.Output;
using ToyPipeline.Core;

namespace ToyPipeline.Cli;

/// <summary>Turns what goes wrong into one sentence and an exit code.</summary>
internal static class Faults
{
    // What a shell reports for a process that Ctrl-C ended.
    private const int Interrupted = 130;

    public static int Guard(Func<ExitCode> action, IOutput output, bool verbose)
    {
        try
        {
            return (int)action();
        }
        catch (Exception e) when (!System.Diagnostics.Debugger.IsAttached)
        {
            var (code, sentence) = Explain(e);
            output.Error(sentence, verbose ? e.ToString() : null);
            return code;
        }
    }

    /// <summary>The exit code and the sentence for what went wrong.</summary>
    public static (int Code, string Sentence) Explain(Exception e) => Meaning(Root(e));

    private static (int Code, string Sentence) NoMemory =>
        ((int)ExitCode.EnvironmentFault, "There is not enough memory: make the model, the batch, the pack or the evaluation dataset smaller.");

    private static (int Code, string Sentence) Meaning(Exception e) => e switch
    {
        InvalidInputException => ((int)ExitCode.InvalidInput, e.Message),
        EnvironmentFaultException => ((int)ExitCode.EnvironmentFault, e.Message),
        // Wrapped by who knows how to go on from there.
        OperationCanceledException { InnerException: OperationCanceledException } => (Interrupted, e.Message),
        OperationCanceledException => (Interrupted, "Interrupted: what is finished is kept; run the same command again to go on."),
        DllNotFoundException or BadImageFormatException or EntryPointNotFoundException =>
            ((int)ExitCode.EnvironmentFault, $"A native library does not load: {FirstLine(e.Message)} Run `toy doctor`; docs/platform.md says what to do."),
        OutOfMemoryException => NoMemory,
        // libtorch's own allocator tells by its words alone.
        System.Runtime.InteropServices.ExternalException when e.Message.Contains("alloc_cpu", StringComparison.Ordinal) => NoMemory,
        IOException or UnauthorizedAccessException => ((int)ExitCode.EnvironmentFault, $"A file cannot be read or written: {FirstLine(e.Message)}"),
        _ when e.GetType().FullName!.StartsWith("TorchSharp", StringComparison.Ordinal) || e is NotSupportedException && e.StackTrace?.Contains("TorchSharp", StringComparison.Ordinal) == true =>
            ((int)ExitCode.EnvironmentFault, $"libtorch does not work here: {FirstLine(e.Message)} Run `toy doctor`; docs/platform.md says what to do."),
        _ => ((int)ExitCode.EnvironmentFault, $"Unexpected {e.GetType().Name}: {FirstLine(e.Message)} Run again with --verbose for the details, and report them."),
    };

    // A type initializer or a parallel loop wraps what really happened.
    private static Exception Root(Exception e) => e switch
    {
        TypeInitializationException { InnerException: { } inner } => Root(inner),
        System.Reflection.TargetInvocationException { InnerException: { } inner } => Root(inner),
        AggregateException { InnerExceptions: [var first, ..] } => Root(first),
        _ => e,
    };

    private static string FirstLine(string text)
    {
        string line = text.Split('\n')[0].Trim();
        return line.EndsWith('.') ? line : line + ".";
    }
}
