using System.Runtime.ExceptionServices;

namespace ToyPipeline.Sweeps;

/// <summary>Work on a thread of its own beside the main work; where one of them fails, the other is stopped.</summary>
/// <typeparam name="T">What the work gives.</typeparam>
public sealed class SideWork<T>
{
    private readonly Thread _thread;
    private T? _result;
    private Exception? _failure;

    /// <summary>Starts the work.</summary>
    /// <param name="name">Name of the thread.</param>
    /// <param name="work">The work.</param>
    /// <param name="stop">Cancels all work, this and the main one.</param>
    public SideWork(string name, Func<CancellationToken, T> work, CancellationTokenSource stop)
    {
        ArgumentNullException.ThrowIfNull(stop);
        _thread = new Thread(() =>
        {
            try
            {
                _result = work(stop.Token);
            }
            catch (Exception e)
            {
                _failure = e;
                stop.Cancel();
            }
        })
        {
            IsBackground = true,
            Name = name,
        };
        _thread.Start();
    }

    /// <summary>Waits for the end of the work and returns what went wrong by itself; null where nothing did, or it was only stopped.</summary>
    public Exception? Failure()
    {
        _thread.Join();
        return _failure is OperationCanceledException ? null : _failure;
    }

    /// <summary>Waits for the end of the work and returns what it gave.</summary>
    /// <remarks>Throws what the work threw.</remarks>
    public T Result()
    {
        _thread.Join();
        if (_failure is not null)
            ExceptionDispatchInfo.Throw(_failure);
        return _result!;
    }
}
