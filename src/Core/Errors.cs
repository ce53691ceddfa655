namespace ToyPipeline.Core;

/// <summary>Something the user gave is wrong: an experiment file, a dataset, weights, an option. The process ends with exit code 2.</summary>
/// <remarks>The message is one sentence that says what is wrong, where, and what to do.</remarks>
public sealed class InvalidInputException : Exception
{
    /// <inheritdoc/>
    public InvalidInputException(string message) : base(message) { }

    /// <inheritdoc/>
    public InvalidInputException(string message, Exception inner) : base(message, inner) { }
}

/// <summary>The machine is at fault: a folder that cannot be written, a full disk, a native library that does not load. Exit code 3.</summary>
/// <remarks>The message is one sentence that says what is wrong, where, and what to do.</remarks>
public sealed class EnvironmentFaultException : Exception
{
    /// <inheritdoc/>
    public EnvironmentFaultException(string message) : base(message) { }

    /// <inheritdoc/>
    public EnvironmentFaultException(string message, Exception inner) : base(message, inner) { }
}

/// <summary>The exit codes of the <c>toy</c> command.</summary>
public enum ExitCode
{
    /// <summary>Done, and the claims hold.</summary>
    Done = 0,

    /// <summary>A claim or a comparison failed.</summary>
    ClaimFailed = 1,

    /// <summary>The input is wrong.</summary>
    InvalidInput = 2,

    /// <summary>The environment is wrong.</summary>
    EnvironmentFault = 3,
}
