using System.CommandLine;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Cli;

/// <summary>Says in one sentence what is wrong with a command line.</summary>
internal static class CommandLineErrors
{
    public static string Sentence(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        string help = command is RootCommand ? "`toy --help`" : $"`toy {command.Name} --help`";
        // A misspelt option first: whatever else went wrong follows from it.
        if (parsed.Tokens.Select(token => token.Value).FirstOrDefault(text => IsUnknownOption(command, text)) is { } option)
            return $"There is no option {option}{Guess(option, Options(command))}; see {help}.";
        string stray = parsed.UnmatchedTokens.FirstOrDefault("");
        if (command is RootCommand)
        {
            return stray.Length == 0
                ? $"A command is missing, one of {string.Join(", ", Verbs(command))}; see {help}."
                : $"There is no command {stray}{Guess(stray, Verbs(command))}; see {help}.";
        }

        if (stray.Length > 0)
            return $"toy {command.Name} does not take {stray}; see {help}.";
        return command.Arguments.FirstOrDefault(argument => parsed.GetResult(argument) is not { Tokens.Count: > 0 }) is { } missing
            ? $"toy {command.Name} needs an argument, the {missing.Name} file; see {help}."
            : $"{parsed.Errors[0].Message.TrimEnd('.')}; see {help}.";
    }

    private static bool IsUnknownOption(Command command, string text) =>
        text.StartsWith('-') && !Options(command).Contains(text.Split('=', ':')[0]);

    private static IEnumerable<string> Options(Command command) =>
        command.Options.Concat(command.Parents.OfType<Command>().SelectMany(parent => parent.Options.Where(option => option.Recursive)))
            .SelectMany(option => option.Aliases.Prepend(option.Name));

    private static IEnumerable<string> Verbs(Command root) => root.Subcommands.Select(verb => verb.Name);

    private static string Guess(string text, IEnumerable<string> known) =>
        ExperimentKeys.Closest(text, known) is { } close ? $" (did you mean {close}?)" : "";
}
