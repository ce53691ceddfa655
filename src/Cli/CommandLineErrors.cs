using System.CommandLine;
using System.CommandLine.Parsing;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Cli;

/// <summary>Says in one sentence what is wrong with a command line.</summary>
internal static class CommandLineErrors
{
    public static string Sentence(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        string name = string.Join(' ', Lineage(command).Reverse().Select(part => part is RootCommand ? "toy" : part.Name));
        string help = $"`{name} --help`";
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

        if (command.Options.FirstOrDefault(option => parsed.GetResult(option) is { IdentifierToken: not null } given
            && given.Tokens.Count < option.Arity.MinimumNumberOfValues) is { } lacking)
        {
            return lacking.Arity.MinimumNumberOfValues == 1 ? $"{lacking.Name} needs a value; see {help}." : $"{lacking.Name} needs {lacking.Arity.MinimumNumberOfValues} values; see {help}.";
        }

        if (parsed.Errors.FirstOrDefault(error => error.SymbolResult is OptionResult && error.Message.StartsWith("--", StringComparison.Ordinal)) is { } own)
            return $"{own.Message}; see {help}.";
        if (command.Options.FirstOrDefault(option => IsWhole(option.ValueType) && parsed.GetResult(option) is { Tokens: [var only] } && !long.TryParse(only.Value, out _)) is { } number)
            return $"{number.Name} is {parsed.GetResult(number)!.Tokens[0].Value}; allowed: a whole number; see {help}.";

        if (stray.Length > 0)
            return $"{name} does not take {stray}; see {help}.";
        return command.Arguments.FirstOrDefault(argument => parsed.GetResult(argument) is not { Tokens.Count: > 0 }) is { } missing
            ? $"{name} needs an argument, the {missing.Name} {(missing.Name == "run" ? "folder" : "file")}; see {help}."
            : $"{parsed.Errors[0].Message.TrimEnd('.')}; see {help}.";
    }

    private static bool IsWhole(Type type) => (Nullable.GetUnderlyingType(type) ?? type) is var number && (number == typeof(int) || number == typeof(long));

    private static bool IsUnknownOption(Command command, string text) =>
        text.StartsWith('-') && !Options(command).Contains(text.Split('=', ':')[0]);

    private static IEnumerable<string> Options(Command command) =>
        command.Options.Concat(Lineage(command).Skip(1).SelectMany(parent => parent.Options.Where(option => option.Recursive)))
            .SelectMany(option => option.Aliases.Prepend(option.Name));

    // The command, its parent, and so on to the root.
    private static IEnumerable<Command> Lineage(Command command)
    {
        for (Command? next = command; next is not null; next = next.Parents.OfType<Command>().FirstOrDefault())
            yield return next;
    }

    private static IEnumerable<string> Verbs(Command root) => root.Subcommands.Select(verb => verb.Name);

    private static string Guess(string text, IEnumerable<string> known) =>
        ExperimentKeys.Closest(text, known) is { } close ? $" (did you mean {close}?)" : "";
}
